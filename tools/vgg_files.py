"""VGG-16 convolutions as files: folding of the input, and the error of fp16 storage by a plain forward pass."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d, relu

from bundling import relative_error, write_safetensors

WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Output channels of the convolutions of each block."""


def fold_input(convolutions: Mapping[str, Tensor], mean_bgr: tuple[float, float, float]) -> dict[str, Tensor]:
    """Return the same network for RGB in [0, 1]: conv(255·flip(x) − mean) = conv'(x), except at the border.

    Args:
        convolutions: `conv1_1.weight` `(64, 3, 3, 3)`, `conv1_1.bias`, …, for BGR in 0…255 minus the mean.
        mean_bgr: Mean colour subtracted by the original, blue first, in 0…255.
    """
    weight, bias = convolutions["conv1_1.weight"], convolutions["conv1_1.bias"]
    mean = torch.tensor(mean_bgr, dtype=torch.float64)
    return dict(convolutions) | {
        "conv1_1.weight": weight.flip(1) * 255,
        "conv1_1.bias": bias - torch.einsum("oikl,i->o", weight, mean),
    }


def features(convolutions: Mapping[str, Tensor], picture: Tensor) -> dict[str, Tensor]:
    """Return the activations after every ReLU, by layer name, for `(1, 3, height, width)`."""
    activations = {}
    for block, widths in enumerate(WIDTHS, 1):
        for index in range(1, len(widths) + 1):
            weight, bias = (convolutions[f"conv{block}_{index}.{part}"] for part in ("weight", "bias"))
            picture = relu(conv2d(picture, weight.to(picture), bias.to(picture), padding=1))
            activations[f"relu{block}_{index}"] = picture
        picture = max_pool2d(picture, 2)
    return activations


def write_vgg16(
    path: Path,
    original: Mapping[str, Tensor],
    mean_bgr: tuple[float, float, float],
    metadata: Mapping[str, str],
) -> None:
    """Write the folded network in fp16 and print the errors of folding and of storage.

    Args:
        path: The `.safetensors` file.
        original: The convolutions in float64, for BGR in 0…255 minus the mean.
        mean_bgr: See `fold_input`.
        metadata: Licence, source and how the file was made.
    """
    folded = fold_input(original, mean_bgr)
    stored = {name: tensor.half() for name, tensor in folded.items()}
    write_safetensors(path, stored, metadata)

    rgb = torch.rand(1, 3, 96, 96, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    as_trained = rgb.flip(1) * 255 - torch.tensor(mean_bgr, dtype=torch.float64).view(3, 1, 1)
    ours, theirs = (
        conv2d(picture, network["conv1_1.weight"], network["conv1_1.bias"])
        for network, picture in ((folded, rgb), (original, as_trained))
    )
    print(f"folding, float64, away from the border: relative error {relative_error(ours, theirs):.1e}")
    exact, halved = features(folded, rgb), features(stored, rgb)
    for layer in ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1", "relu5_3"):
        print(f"fp16 storage, {layer}: relative error {relative_error(halved[layer], exact[layer]):.1e}")
