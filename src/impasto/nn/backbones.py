"""The trained networks whose layers can be looked at by name, a classifier and the VGGs, called alike."""

from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.errors import SettingError, check_choice
from impasto.nn.compute import Precision, choose_dtype, frozen_for_speed
from impasto.nn.efficientnet_lite import EfficientNetLite0
from impasto.nn.vgg import VGG, Network

Backbone = Literal["efficientnet-lite0", "vgg16-hed", "vgg16-imagenet", "vgg19-imagenet"]

COARSEST = 32
"""Pixels between places of the coarsest layer: sizes and distances that are multiples of it fit every layer."""
_PROBED = 2 * COARSEST


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
    with torch.device("meta"):
        network = _untrained(name)
        found = network(torch.empty(1, 3, _PROBED, _PROBED), network.layer_names)
    return MappingProxyType(
        {
            layer: Layer(found[layer].shape[1], _PROBED // found[layer].shape[2])
            for layer in network.layer_names
            if found[layer].ndim == 4
        }
    )


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


def class_weights(network: EfficientNetLite0, index: int) -> Float[Tensor, " c"]:
    """Return how much each channel of `head` counts for a class; with a bias, its mean over places is the logit."""
    return network.classifier.weight[index]


def _untrained(name: Backbone) -> VGG | EfficientNetLite0:
    return VGG(name) if name in get_args(Network) else EfficientNetLite0()  # type: ignore[arg-type]
