"""The trained networks whose layers can be looked at by name, a classifier and the VGGs, called alike."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from impasto._typing import Features
from impasto.errors import SettingError, check_choice, check_whole
from impasto.nn.compute import Precision, choose_dtype, frozen_for_speed
from impasto.nn.efficientnet_lite import HEAD_WIDTH, STAGES, STEM_WIDTH, EfficientNetLite0
from impasto.nn.vgg import VGG, WIDTHS, Network, block_of, layer_names

Backbone = Literal["efficientnet-lite0", "vgg16", "vgg16-imagenet", "vgg19-imagenet"]

COARSEST = 32
"""Pixels between places of the coarsest layer: sizes and distances that are multiples of it fit every layer."""


class Layer(NamedTuple):
    """What a layer gives.

    Attributes:
        channels: How many numbers at each place.
        stride: Pixels from one place to the next.
    """

    channels: int
    stride: int


@cache
def layers_of(name: Backbone) -> Mapping[str, Layer]:
    """Return the layers of a network that have places, by name, in order of depth."""
    check_choice("network", name, Backbone)
    return MappingProxyType(dict(_classifier_layers() if name == "efficientnet-lite0" else _vgg_layers(name)))


def _vgg_layers(name: Network) -> Iterator[tuple[str, Layer]]:
    for layer in layer_names(name):
        block = block_of(layer)
        yield layer, Layer(WIDTHS[block - 1], 2 ** (block - 1))


def _classifier_layers() -> Iterator[tuple[str, Layer]]:
    index, channels, stride = 0, STEM_WIDTH, 2
    yield "stem", Layer(channels, stride)
    for num_blocks, _, first_stride, expansion, width in STAGES:
        for is_first in (True, *[False] * (num_blocks - 1)):
            hidden = channels * expansion
            if expansion > 1:
                yield f"block{index}.expand", Layer(hidden, stride)
            stride *= first_stride if is_first else 1
            yield f"block{index}.depthwise", Layer(hidden, stride)
            yield f"block{index}.output", Layer(width, stride)
            index, channels = index + 1, width
    yield "head", Layer(HEAD_WIDTH, stride)


class Chosen(NamedTuple):
    """A layer, and which of its channels; all if none are named."""

    layer: str
    channels: tuple[int, ...]

    def of(self, features: Mapping[str, Tensor]) -> Features:
        """Return its features in fp32, out of those of several layers."""
        found = features[self.layer]
        return (found[:, list(self.channels)] if self.channels else found).float()


def layer_named(text: str, network: Backbone) -> Chosen:
    """Read a layer as people write it.

    Args:
        text: Such as `block10.expand`, or `block10.expand:7,12` for two of its channels.
        network: Whose layer it is.

    Raises:
        SettingError: If the network has no such layer or channel.
    """
    known = layers_of(network)
    name, colon, channels = text.partition(":")
    if name not in known:
        near = " or ".join(get_close_matches(name, known)) or "one of " + ", ".join(known)
        raise SettingError(f"{network} has no layer {name!r}; choose {near}")
    try:
        numbers = tuple(int(channel) for channel in channels.split(",")) if colon else ()
    except ValueError:
        raise SettingError(f"layer {text!r} names no channels; write them as {name}:7,12") from None
    for number in numbers:
        check_whole(f"channel of {name}", number, 0, known[name].channels - 1)
    return Chosen(name, numbers)


@lru_cache(maxsize=1)
def load_backbone(name: Backbone, device: torch.device, dtype: torch.dtype) -> VGG | EfficientNetLite0:
    """Return a trained network, frozen, laid out for speed; the newest is kept.

    Args:
        name: Which one; those trained by others on ImageNet alone are fetched the first time.
        device: Where it computes.
        dtype: In what it computes; see `backbone_dtype`.

    Raises:
        WeightsError: If the weights are missing or damaged.
    """
    if name in get_args(Network):
        return VGG.pretrained(name, device=device, dtype=dtype)  # type: ignore[arg-type]
    network = EfficientNetLite0.pretrained().to(device)
    frozen_for_speed(network)
    return network


def backbone_dtype(name: Backbone, precision: Precision, device: torch.device) -> torch.dtype:
    """Return what a network computes in: EfficientNet-Lite0 always in fp32, which its depthwise filters need.

    Filtering each channel alone in bf16 was ten times slower than in fp32 where it was tried.

    Raises:
        SettingError: If EfficientNet-Lite0 is asked for in bf16.
    """
    if name in get_args(Network):
        return choose_dtype(precision, device)
    if precision == "bf16":
        raise SettingError(f"precision is 'bf16', but {name} computes in fp32 alone; choose auto, or a VGG")
    return torch.float32
