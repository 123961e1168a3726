"""EfficientNet-Lite0: a small ImageNet classifier whose middle layers dream dogs, lizards and buildings.

A stem, 16 inverted residual blocks and a head. A block widens its input six times (`expand`, 1×1), filters
every channel alone (`depthwise`, 3×3 or 5×5) and narrows it again (`output`, 1×1, no activation); where
neither size nor width changes, the input is added. The Lite variants leave out squeeze-and-excitation, use
ReLU6 throughout, and never scale the stem and the head.

**Deviations**: batch norm (eps 1e-3) is folded into the convolutions, so that training and evaluation give
the same picture. Padding is symmetric, as in the weights we bundle; TensorFlow pads more at the bottom right.

Reference: Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019
(arXiv:1905.11946), table 1; for the Lite variants, Liu, "Higher accuracy on vision models with
EfficientNet-Lite", TensorFlow blog, 2020.
"""

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import relu6

from impasto._typing import Picture
from impasto.errors import InputError, SettingError, check_choice
from impasto.weights.foreign import IMAGENET_MEAN, IMAGENET_STD
from impasto.weights.load import load_weights

STAGES = (
    # blocks, kernel, stride of the first, expansion, width
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM_WIDTH = 32
HEAD_WIDTH = 1280
NUM_CLASSES = 1000
SMALLEST_SIDE = 32


@cache
def class_names() -> tuple[str, ...]:
    """Return the 1,000 ImageNet classes in the order of the logits."""
    text = files("impasto.weights").joinpath("imagenet_classes.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())


def class_index(name: str) -> int:
    """Return the number of an ImageNet class; capitals do not matter.

    Raises:
        SettingError: If there is none of that name, with the nearest.
    """
    names = [known.lower() for known in class_names()]
    wanted = name.lower()
    if wanted in names:
        return names.index(wanted)
    holding = [known for known in names if wanted in known or any(word == wanted for word in known.split())]
    near = list(dict.fromkeys([*get_close_matches(wanted, names, n=4, cutoff=0.5), *holding[:4]]))
    meant = f"the nearest are {', '.join(near)}" if near else "such as golden retriever, tabby or castle"
    raise SettingError(f"{name!r} is none of the 1,000 ImageNet classes; {meant}")


def _convolution(in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, groups=groups)


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow; add the input where its shape allows."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = in_channels * expansion
        self.expand = _convolution(in_channels, width, 1) if expansion > 1 else None
        self.depthwise = _convolution(width, width, kernel, stride, groups=width)
        self.project = _convolution(width, out_channels, 1)
        self.adds_input = stride == 1 and in_channels == out_channels

    def layers(self, features: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield `expand`, `depthwise` (both after ReLU6) and `output`, each computed only when asked for."""
        hidden = features
        if self.expand is not None:
            hidden = relu6(self.expand(hidden))
            yield "expand", hidden
        hidden = relu6(self.depthwise(hidden))
        yield "depthwise", hidden
        hidden = self.project(hidden)
        yield "output", hidden + features if self.adds_input else hidden


class EfficientNetLite0(nn.Module):
    """The classifier, for RGB pictures in [0, 1] of any size from 32 pixels up; it was trained on 224.

    Its layers, in order: `stem`; `blockN.expand`, `blockN.depthwise`, `blockN.output` for N from 0 to 15
    (`block0` does not expand); `head`, `pooled`, `logits`. All but the last two and `output` are after ReLU6.

    Example:
        >>> network = EfficientNetLite0.pretrained()
        >>> features = network(picture, ["block8.expand", "pooled"])
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1), persistent=False)
        self.stem = _convolution(3, STEM_WIDTH, 3, stride=2)
        self.blocks = nn.ModuleList()
        channels = STEM_WIDTH
        for num_blocks, kernel, stride, expansion, width in STAGES:
            for index in range(num_blocks):
                self.blocks.append(
                    InvertedResidual(channels, width, kernel, stride if index == 0 else 1, expansion)
                )
                channels = width
        self.head = _convolution(channels, HEAD_WIDTH, 1)
        self.classifier = nn.Linear(HEAD_WIDTH, NUM_CLASSES)

    @classmethod
    def pretrained(cls) -> Self:
        """Return the bundled ImageNet classifier, frozen.

        Raises:
            WeightsError: If the bundled file is missing or damaged.
        """
        network = cls()
        network.load_state_dict(load_weights("efficientnet-lite0"))
        return network.eval().requires_grad_(False)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Every layer that `forward` can give, in order of depth."""
        names = ["stem"]
        for index, block in enumerate(self.blocks):
            parts = ["depthwise", "output"] if block.expand is None else ["expand", "depthwise", "output"]
            names += [f"block{index}.{part}" for part in parts]
        return (*names, "head", "pooled", "logits")

    def forward(self, picture: Picture, layers: Collection[str]) -> dict[str, Tensor]:
        """Return the layers asked for, computing nothing past the deepest of them.

        Args:
            picture: Any size from 32 × 32.
            layers: Names out of `layer_names`, in any order.

        Returns:
            By name: features (b, c, h, w), or (b, 1280) for `pooled` and (b, 1000) for `logits`.

        Raises:
            SettingError: If there is no layer of that name.
            InputError: If the picture is too small.
        """
        for name in layers:
            check_choice("layer", name, self.layer_names)
        height, width = picture.shape[-2:]
        if min(height, width) < SMALLEST_SIDE:
            raise InputError(
                f"the picture is {width}×{height} pixels; EfficientNet-Lite0 needs at least "
                f"{SMALLEST_SIDE}×{SMALLEST_SIDE}"
            )
        found: dict[str, Tensor] = {}
        missing = set(layers)
        walk = self._walk(picture)
        while missing:
            name, features = next(walk)
            if name in missing:
                found[name] = features
                missing.remove(name)
        return found

    def classify(self, picture: Picture) -> Tensor:
        """Return the logits (b, 1000), in the order of `class_names()`."""
        return self.forward(picture, ["logits"])["logits"]

    def _walk(self, picture: Tensor) -> Iterator[tuple[str, Tensor]]:
        features = relu6(self.stem((picture - self.mean) / self.std))
        yield "stem", features
        for index, block in enumerate(self.blocks):
            assert isinstance(block, InvertedResidual)
            for part, hidden in block.layers(features):
                features = hidden
                yield f"block{index}.{part}", hidden
        features = relu6(self.head(features))
        yield "head", features
        features = features.mean(dim=(2, 3))
        yield "pooled", features
        yield "logits", self.classifier(features)
