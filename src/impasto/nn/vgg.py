"""VGG-16 and VGG-19 convolutions with named layers: the networks that style transfer sees with.

A layer is named by its activation: `relu4_2` is what `conv4_2` gives after its ReLU. Pictures are RGB in [0, 1]
of any size; mean and scale are folded into the weights of `conv1_1`.

**Deviations**: the picture's edge pixels are repeated where the original pads `conv1_1` with the mean colour:
folding is then exact, and no rim of a colour that is not in the picture is seen. Average pooling on request
(Gatys et al. 2016, section 2).

Reference: Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
ICLR 2015 (arXiv:1409.1556), table 1, columns D and E.
"""

from collections.abc import Collection, Iterator
from itertools import zip_longest
from typing import Literal, Self, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d, pad

from impasto._typing import Picture
from impasto.errors import InputError, check_choice
from impasto.nn.compute import frozen_for_speed
from impasto.weights.load import load_weights
from impasto.weights.model import EDGE_ENCODER
from impasto.weights.transfer import OnProgress

Network = Literal["vgg16", "vgg16-imagenet", "vgg19-imagenet"]
"""Networks to choose from: `vgg16` as Simonyan & Zisserman trained it (bundled), the others as torchvision did."""
Encoder = Literal["vgg16", "vgg16-imagenet", "vgg19-imagenet", "vgg16-hed"]
"""Networks that can be loaded: `vgg16-hed` encodes paintings for the bundled `prediction` and `adain` only."""
Pooling = Literal["max", "average"]

WIDTHS = (64, 128, 256, 512, 512)
DEPTHS: dict[Encoder, tuple[int, ...]] = {
    "vgg16": (2, 2, 3, 3, 3),
    "vgg16-imagenet": (2, 2, 3, 3, 3),
    "vgg19-imagenet": (2, 2, 4, 4, 4),
    "vgg16-hed": (2, 2, 3, 3, 3),
}


def check_encoder(encoder: object) -> Encoder:
    """Validate the name of an encoder: one of `Network`, or `vgg16-hed` for the bundled models.

    Raises:
        SettingError: If it is neither.
    """
    if encoder != EDGE_ENCODER:
        check_choice("encoder", encoder, Network)
    return next(name for name in get_args(Encoder) if name == encoder)


def layer_names(network: Encoder) -> tuple[str, ...]:
    """Return every layer of a network, `relu1_1` to `relu5_3` or `relu5_4`, in order of depth."""
    return tuple(
        f"relu{block}_{index}" for block, depth in enumerate(DEPTHS[network], 1) for index in range(1, depth + 1)
    )


class VGG(nn.Module):
    """The convolutions of a VGG network, without its classifier.

    Example:
        >>> vgg = VGG.pretrained("vgg16")
        >>> features = vgg(picture, ["relu3_1", "relu4_2"])
    """

    def __init__(self, network: Encoder = "vgg16", pooling: Pooling = "max") -> None:
        super().__init__()
        if network != EDGE_ENCODER:
            check_choice("network", network, Network)
        check_choice("pooling", pooling, Pooling)
        self.layer_names = layer_names(network)
        self.pool = max_pool2d if pooling == "max" else avg_pool2d
        in_channels = 3
        for name in self.layer_names:
            width = WIDTHS[block_of(name) - 1]
            convolution = (
                _PixelConvolution(3, width, 3, padding_mode="replicate")
                if name == "relu1_1"
                else nn.Conv2d(in_channels, width, 3, padding=1)
            )
            self.add_module(_convolution(name), convolution)
            in_channels = width

    @classmethod
    def pretrained(
        cls,
        network: Encoder = "vgg16",
        pooling: Pooling = "max",
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        on_progress: OnProgress | None = None,
    ) -> Self:
        """Return a trained network, frozen, laid out for speed.

        Args:
            network: Which one; `vgg16` is bundled, the ImageNet ones are fetched the first time.
            pooling: `max` is the network's own; `average` smooths the gradient.
            device: Where it computes.
            dtype: In what it computes.
            on_progress: Called while a file is being fetched.

        Raises:
            WeightsError: If the weights are missing or damaged.
        """
        with torch.device("meta"):
            vgg = cls(network, pooling)
        vgg.load_state_dict(load_weights(network, on_progress=on_progress), assign=True)
        vgg.to(device, dtype)
        frozen_for_speed(vgg)
        return vgg

    def forward(self, picture: Picture, layers: Collection[str]) -> dict[str, Float[Tensor, "b _c _h _w"]]:
        """Return the layers asked for, computing nothing past the deepest of them.

        Args:
            picture: RGB in [0, 1], at least as large as the poolings before the deepest layer need.
            layers: Names such as `relu4_2`, in any order.

        Returns:
            Features `(b, c, height, width)` by name, in the network's own precision.

        Raises:
            SettingError: If the network has no layer of that name.
            InputError: If the picture is too small.
        """
        return dict(self.walk(picture, layers))

    def walk(self, picture: Picture, layers: Collection[str]) -> Iterator[tuple[str, Float[Tensor, "b _c _h _w"]]]:
        """Yield the layers asked for as `forward` returns them, one after the other from the first to the deepest.

        What is done with a layer before the next is asked for needs no memory for both.
        """
        for name in layers:
            check_choice("layer", name, self.layer_names)
        if not layers:
            return
        deepest = max(layers, key=self.layer_names.index)
        smallest = 2 ** (block_of(deepest) - 1)
        if min(picture.shape[-2:]) < smallest:
            height, width = picture.shape[-2:]
            raise InputError(
                f"the picture is {width}×{height} pixels; {deepest} needs at least {smallest}×{smallest}"
            )
        needed = self.layer_names[: self.layer_names.index(deepest) + 1]
        features = picture
        for name, following in zip_longest(needed, needed[1:], fillvalue=""):
            features = self.get_submodule(_convolution(name))(features)
            ends_block = following.endswith("_1")
            if ends_block and name not in layers and self.pool is max_pool2d:
                # ReLU and the maximum may change places; ReLU then has a quarter to do
                features = max_pool2d(features, 2).relu_()
                continue
            features = features.relu_()
            if name in layers:
                yield name, features
            if ends_block:
                features = self.pool(features, 2)


class _PixelConvolution(nn.Conv2d):
    """The first convolution, which pads the picture itself and tells pixels apart as finely as they are.

    bf16 has fewer levels than an 8-bit picture, so a picture that has hardly changed would look the same. What
    rounding takes away is therefore given as three more channels with the same weights. Without them the change
    of the gradient between two steps of painting was mostly noise, on which L-BFGS founds its steps.
    """

    def forward(self, picture: Tensor) -> Tensor:
        picture = pad(picture, (1, 1, 1, 1), mode=self.padding_mode).contiguous(memory_format=torch.channels_last)
        rounded = picture.to(self.weight.dtype)
        if rounded.dtype == picture.dtype:
            return conv2d(picture, self.weight, self.bias)
        rest = (picture - rounded).detach().to(self.weight.dtype)
        return conv2d(torch.cat([rounded, rest], dim=1), torch.cat([self.weight] * 2, dim=1), self.bias)


def block_of(name: str) -> int:
    """Return the block of a layer, such as 3 for `relu3_1`."""
    return int(name[len("relu")])


def _convolution(name: str) -> str:
    return name.replace("relu", "conv")
