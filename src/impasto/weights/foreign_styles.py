"""Published networks that paint in one pass, under our names: Johnson's of pytorch/examples, and AdaIN decoders.

Both are recognised by their tensors' names; names and shapes must then be theirs to the last one.
"""

import itertools
import re
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from impasto.errors import WeightsError
from impasto.weights.foreign import VGG_DEPTHS, VGG_WIDTHS, Translation, check_state, describe
from impasto.weights.foreign_translators import KNOWN

FAST_NEURAL_STYLE = "pytorch/examples' fast_neural_style"
DECODER = "the AdaIN decoder of naoto0804/pytorch-AdaIN"
ENCODER = "its vgg_normalised"

_ENTRY, _FIRST, _RECODING = "conv1.conv2d.weight", "1.weight", "0.weight"
_RUNNING = re.compile(r"(^|\.)in\d\.running_(mean|var)$")
"""Statistics that InstanceNorm2d once stored and never used; pytorch/examples drops them too."""
_DECODER_WIDTHS = (512, 256, 256, 256, 256, 128, 128, 64, 64, 3)
_DECODER_PLACES = (1, 5, 8, 11, 14, 18, 21, 25, 28)
"""Where the convolutions are among the paddings, ReLUs and upsamplings."""
_ENCODED = "conv4_1"


def translate_style(state: Mapping[str, Tensor], encoder: Mapping[str, Tensor] | None = None) -> Translation:
    """Return a published network under our names.

    Args:
        state: The checkpoint's tensors.
        encoder: Those of the VGG that encodes for it; an AdaIN decoder needs one.

    Raises:
        WeightsError: If it is none that is known, or lacks its encoder, or has one it does not need.
    """
    if _ENTRY in state:
        if encoder is not None:
            raise WeightsError(f"it is {FAST_NEURAL_STYLE}, which needs no encoder; leave --encoder out")
        return _fast_neural_style(state)
    if _RECODING in state and state[_RECODING].shape == (3, 3, 1, 1):
        raise WeightsError(
            "it is the VGG that encodes for an AdaIN decoder, and paints nothing alone; give the decoder, and this "
            "with --encoder"
        )
    if _FIRST not in state or state[_FIRST].ndim != 4:
        raise WeightsError(
            f"it is no checkpoint that is known: {describe(state)}; "
            f"recognised are {FAST_NEURAL_STYLE}, {', '.join((DECODER, *KNOWN))}"
        )
    expected: dict[str, tuple[int, ...]] = {}
    for place, widths in zip(_DECODER_PLACES, itertools.pairwise(_DECODER_WIDTHS), strict=True):
        expected |= _shapes(str(place), *widths)
    check_state(state, expected, DECODER)
    if encoder is None:
        raise WeightsError(
            f"it is {DECODER}, which paints only with the VGG it was trained with; "
            "run: impasto convert CHECKPOINT OUT.safetensors --encoder vgg_normalised.pth"
        )
    return _adain(state, encoder)


class _Layer(NamedTuple):
    """A convolution of fast_neural_style, the normalisation after it if there is one, and our name."""

    convolution: str
    norm: str
    ours: str
    in_channels: int
    out_channels: int
    kernel: int = 3


def _layers(base_channels: int, num_blocks: int) -> list[_Layer]:
    narrow, middle, wide = base_channels, 2 * base_channels, 4 * base_channels
    return [
        _Layer("conv1", "in1", "enter", 3, narrow, 9),
        _Layer("conv2", "in2", "down.0", narrow, middle),
        _Layer("conv3", "in3", "down.1", middle, wide),
        *(
            _Layer(
                f"res{block}.conv{index}", f"res{block}.in{index}", f"blocks.{2 * block + index - 3}", wide, wide
            )
            for block in range(1, num_blocks + 1)
            for index in (1, 2)
        ),
        _Layer("deconv1", "in4", "up.0", wide, middle),
        _Layer("deconv2", "in5", "up.1", middle, narrow),
        _Layer("deconv3", "", "leave", narrow, 3, 9),
    ]


def _fast_neural_style(state: Mapping[str, Tensor]) -> Translation:
    """Translate; their pictures are in [0, 255], which is folded into the first and the last convolution."""
    left_out = tuple(name for name in state if _RUNNING.search(name))
    kept = {name: tensor for name, tensor in state.items() if name not in left_out}
    base_channels = next(iter(state[_ENTRY].shape), 0)
    num_blocks = len({name.partition(".")[0] for name in state if re.match(r"res\d+\.", name)}) or 5
    layers = _layers(base_channels, num_blocks)
    expected: dict[str, tuple[int, ...]] = {}
    for layer in layers:
        expected |= _shapes(f"{layer.convolution}.conv2d", layer.in_channels, layer.out_channels, layer.kernel)
        if layer.norm:
            expected |= {f"{layer.norm}.{part}": (layer.out_channels,) for part in ("weight", "bias")}
    check_state(kept, expected, FAST_NEURAL_STYLE)
    tensors = {
        f"transform.{layer.ours}.{part}": kept[f"{layer.convolution}.conv2d.{part}"].double()
        for layer in layers
        for part in ("weight", "bias")
    }
    for name, factor in (("enter.weight", 255), ("leave.weight", 1 / 255), ("leave.bias", 1 / 255)):
        tensors[f"transform.{name}"] = tensors[f"transform.{name}"] * factor
    tensors["row"] = torch.cat(
        [kept[f"{layer.norm}.{part}"].double() for part in ("weight", "bias") for layer in layers if layer.norm]
    )[None]
    settings = {"base_channels": base_channels, "num_blocks": num_blocks, "ending": "linear"}
    return Translation("johnson", settings, _single(tensors), FAST_NEURAL_STYLE, left_out)


def _adain(decoder: Mapping[str, Tensor], encoder: Mapping[str, Tensor]) -> Translation:
    """Translate; what recodes the colours is folded into conv1_1, exactly because that pads by reflection."""
    layout = _encoder_layout()
    names = [ours for ours, _ in layout.values()]
    kept = dict(itertools.islice(layout.items(), names.index(_ENCODED) + 1))
    deeper = [f"{place}.{part}" for place in layout if place not in kept for part in ("weight", "bias")]
    whole = any(name in encoder for name in deeper)
    expected = _shapes("0", 3, 3, kernel=1)
    for place, (_, widths) in (layout if whole else kept).items():
        expected |= _shapes(place, *widths)
    check_state(encoder, expected, ENCODER, "the encoder")
    tensors = {
        f"encoder.{ours}.{part}": encoder[f"{place}.{part}"].double()
        for place, (ours, _) in kept.items()
        for part in ("weight", "bias")
    }
    weight, recoding = tensors["encoder.conv1_1.weight"], encoder["0.weight"].double()[:, :, 0, 0]
    tensors["encoder.conv1_1.weight"] = torch.einsum("omkl,mi->oikl", weight, recoding)
    shift = torch.einsum("omkl,m->o", weight, encoder["0.bias"].double())
    tensors["encoder.conv1_1.bias"] = tensors["encoder.conv1_1.bias"] + shift
    for index, number in enumerate(_DECODER_PLACES):
        for part in ("weight", "bias"):
            tensors[f"convolutions.{index}.{part}"] = decoder[f"{number}.{part}"].double()
    return Translation("adain", {"base_channels": 64}, _single(tensors), DECODER, tuple(deeper if whole else ()))


def _encoder_layout() -> dict[str, tuple[str, tuple[int, int]]]:
    """Return, for each convolution of vgg_normalised but the first, our name and its widths (in, out)."""
    layout = {}
    place, in_channels = 2, 3
    for block, (depth, width) in enumerate(zip(VGG_DEPTHS["VGG-19"], VGG_WIDTHS, strict=True), 1):
        for index in range(1, depth + 1):
            layout[str(place)] = (f"conv{block}_{index}", (in_channels, width))
            place, in_channels = place + 3, width  # ReLU and padding have numbers of their own
        place += 1  # and so has the pooling
    return layout


def _shapes(name: str, in_channels: int, out_channels: int, kernel: int = 3) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a convolution's tensors."""
    return {f"{name}.weight": (out_channels, in_channels, kernel, kernel), f"{name}.bias": (out_channels,)}


def _single(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.float() for name, tensor in tensors.items()}
