"""Published checkpoints under our names: what each is recognised by, and what changes on the way."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from impasto.errors import WeightsError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
VGG_WIDTHS = (64, 128, 256, 512, 512)
VGG_DEPTHS = {"VGG-16": (2, 2, 3, 3, 3), "VGG-19": (2, 2, 4, 4, 4)}


class Translation(NamedTuple):
    """A published network under our names.

    Attributes:
        method: Whose network it is.
        settings: How it was built, as far as that is known.
        tensors: For the method's `painter` or `translator`.
        origin: Who published it.
        left_out: Tensors that there is no use for.
    """

    method: str
    settings: dict[str, Any]
    tensors: dict[str, Tensor]
    origin: str
    left_out: tuple[str, ...]


def vgg_from_torchvision(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return torchvision's VGG-16 or VGG-19 as `conv1_1.weight`, `conv1_1.bias`, … for RGB in [0, 1].

    The normalisation `(x − mean) / std` is folded into conv1_1, which is exact wherever the zero padding is
    not touched: there the original pads with the mean colour, ours with black. The classifier is left out.

    Args:
        state: `features.N.weight` and `features.N.bias`, with or without `classifier.*`.

    Raises:
        WeightsError: If it is neither network, saying what was found.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items() if name.startswith("features.")}
    for depths in VGG_DEPTHS.values():
        if shapes == _expected_shapes(depths):
            convolutions = {
                f"{ours}.{part}": state[f"{theirs}.{part}"].float()
                for theirs, (ours, _) in _layout(depths).items()
                for part in ("weight", "bias")
            }
            return _fold_normalisation(convolutions)
    raise WeightsError(f"neither torchvision's {' nor its '.join(VGG_DEPTHS)}: {describe(state)}")


def inception_from_fid(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the InceptionV3 that FID is measured with, batch normalisation folded into its convolutions.

    Args:
        state: `Conv2d_….conv.weight`, `Mixed_….….bn.running_mean` and so on; the classifier is left out.

    Raises:
        WeightsError: If a layer is not whole, or there is none.
    """
    folded: dict[str, Tensor] = {}
    for name, weight in state.items():
        layer, ending, _ = name.partition(".conv.weight")
        if not ending or layer.startswith("AuxLogits"):
            continue
        try:
            scale, shift, mean, variance = (
                state[f"{layer}.bn.{part}"].double() for part in ("weight", "bias", "running_mean", "running_var")
            )
        except KeyError as error:
            raise WeightsError(f"not the InceptionV3 of FID: it has no {error.args[0]}") from None
        gain = scale / (variance + 1e-3).sqrt()
        ours = f"{'blocks' if layer.startswith('Mixed') else 'stem'}.{layer}"
        folded[f"{ours}.weight"] = (weight.double() * gain[:, None, None, None]).float()
        folded[f"{ours}.bias"] = (shift - mean * gain).float()
    if not folded:
        raise WeightsError(f"not the InceptionV3 of FID: {describe(state)}")
    return folded


def _layout(depths: tuple[int, ...]) -> dict[str, tuple[str, tuple[int, int]]]:
    """Return, for each of torchvision's convolutions, our name and its widths (out, in)."""
    layout = {}
    position, in_channels = 0, 3
    for block, (depth, width) in enumerate(zip(depths, VGG_WIDTHS, strict=True), 1):
        for index in range(1, depth + 1):
            layout[f"features.{position}"] = (f"conv{block}_{index}", (width, in_channels))
            position, in_channels = position + 2, width  # the ReLU has a number of its own
        position += 1  # and so has the pooling
    return layout


def _expected_shapes(depths: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for theirs, (_, (out_channels, in_channels)) in _layout(depths).items():
        shapes[f"{theirs}.weight"] = (out_channels, in_channels, 3, 3)
        shapes[f"{theirs}.bias"] = (out_channels,)
    return shapes


def _fold_normalisation(convolutions: dict[str, Tensor]) -> dict[str, Tensor]:
    weight, bias = convolutions["conv1_1.weight"].double(), convolutions["conv1_1.bias"].double()
    mean, std = (torch.tensor(values, dtype=torch.float64) for values in (IMAGENET_MEAN, IMAGENET_STD))
    folded = weight / std.view(1, 3, 1, 1)
    return convolutions | {
        "conv1_1.weight": folded.float(),
        "conv1_1.bias": (bias - torch.einsum("oikl,i->o", folded, mean)).float(),
    }


def describe(state: Mapping[str, Tensor]) -> str:
    """Return what a checkpoint holds, in a few words."""
    convolutions = sum(tensor.ndim == 4 for tensor in state.values())
    keys = [f"{name} {tuple(tensor.shape)}" for name, tensor in state.items()]
    examples = ", ".join(keys[:3]) + (", …" if len(keys) > 3 else "")
    return f"it has {len(keys)} tensors, {convolutions} of them convolutions: {examples or 'nothing'}"


def check_state(
    state: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]], what: str, subject: str = "it"
) -> None:
    """Check that a checkpoint has exactly the tensors expected.

    Args:
        state: The checkpoint's tensors.
        expected: Their shapes.
        what: What it nearly is.
        subject: What it is called.

    Raises:
        WeightsError: Naming the first tensor that is otherwise.
    """
    lacking = [name for name in expected if name not in state]
    beyond = [name for name in state if name not in expected]
    other = [name for name in expected if name in state and tuple(state[name].shape) != expected[name]]
    if lacking:
        wrong = f"{lacking[0]} is missing"
    elif beyond:
        wrong = f"has {beyond[0]} besides"
    elif other:
        wrong = f"{other[0]} is {tuple(state[other[0]].shape)}, not {expected[other[0]]}"
    else:
        return
    raise WeightsError(
        f"{subject} is nearly {what}, but {wrong}; of its {len(state)} tensors {len(lacking)} are missing, "
        f"{len(beyond)} unknown, {len(other)} of another shape"
    )
