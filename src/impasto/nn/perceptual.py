"""The perceptual loss that one-pass styles are trained on (Johnson, Alahi & Fei-Fei 2016; arXiv:1603.08155).

A network that paints is judged as Gatys' pictures are: features of the painted picture should equal the photo's,
its Gram matrices the painting's. The network that judges stays as it is.

**Deviations**: terms are relative to their targets, averaged over layers, so that a weight means the same for every
style and network; the paper's raw sums need a weight of their own for each painting. A small term keeps light and
dark where the photo has them: features of relu3_3 hardly tell a dark plain from a light one, and without it skies
and water get blots, which Gram matrices welcome wherever a painting has such a colour at all. Another keeps away
checkerboards, which pass for brushwork there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from impasto._typing import Picture
from impasto.errors import SettingError, check_choice, check_range, check_whole
from impasto.losses.checkerboard import checkerboard
from impasto.losses.content import content_loss
from impasto.losses.smoothness import total_variation
from impasto.losses.style import gram_matrix, style_losses
from impasto.losses.tone import tone_loss
from impasto.nn.compute import choose_dtype
from impasto.nn.transform import STRIDE
from impasto.nn.vgg import VGG, Network, layer_names

Grams = Mapping[str, Tensor]
"""Gram matrices by layer, `(b, c, c)`, divided by the number of places."""


@dataclass(frozen=True)
class PerceptualSettings:
    """How a network that paints in one pass is built and trained; every value is checked at once."""

    base_channels: int = 32
    """Channels at full resolution; the paper's are 32."""
    num_blocks: int = 5
    """Residual blocks at a quarter of the resolution."""
    content_weight: float = 0.4
    """How much the photo's own shapes count."""
    style_weight: float = 1.0
    """How much the painter's hand counts."""
    tv_weight: float = 0.1
    """How much neighbouring pixels are kept alike."""
    tone_weight: float = 0.1
    """How much light and dark areas are kept where the photo has them."""
    checkerboard_weight: float = 100.0
    """How much patterns are kept away that keep in step with the network's stride."""
    balanced: bool = True
    """Whether every style begins at the same distance from photos, so that the weights fit them all."""
    content_layers: tuple[str, ...] = ("relu3_3",)
    """Layers compared place by place."""
    style_layers: tuple[str, ...] = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
    """Layers whose Gram matrices are compared."""
    network: Network = "vgg16"
    """Network of the perceptual loss."""
    crop_size: int = 256
    """Pixels each way of the crops it is trained on."""
    zoom: float = 2.5
    """A photo's shorter side is resized to between one and this many crops."""
    style_size: int = 512
    """Longest side, in pixels, at which the paintings are looked at: the size of their strokes in the result."""
    batch_size: int = 4
    """Crops in a step."""
    learning_rate: float = 1e-3
    """Of Adam, at the start; it falls to zero along a cosine."""
    steps: int = 40_000
    """How long it is trained."""
    seed: int = 0
    """Of first weights, crops and styles."""

    def __post_init__(self) -> None:
        check_choice("network", self.network, Network)
        for name in ("content_layers", "style_layers"):
            if not getattr(self, name):
                raise SettingError(f"{name} is empty; name at least one layer, such as relu3_3")
            for layer in getattr(self, name):
                check_choice(name, layer, layer_names(self.network))
        for name in ("content_weight", "style_weight", "tv_weight", "tone_weight", "checkerboard_weight"):
            check_range(name, getattr(self, name), 0, 1e9)
        check_whole("base_channels", self.base_channels, 1, 1024)
        check_whole("num_blocks", self.num_blocks, 1, 64)
        check_whole("crop_size", self.crop_size, 32, 4096)
        check_range("zoom", self.zoom, 1, 16)
        check_whole("style_size", self.style_size, 32, 4096)
        check_whole("batch_size", self.batch_size, 1, 4096)
        check_range("learning_rate", self.learning_rate, 1e-9, 1)
        check_whole("steps", self.steps, 1, 1_000_000_000)
        check_whole("seed", self.seed, 0, 2**63 - 1)


@dataclass(frozen=True)
class PerceptualLoss:
    """Compares painted pictures with photos and with the Gram matrices of paintings.

    Attributes:
        vgg: The network that judges, frozen.
        content_layers: Compared place by place.
        style_layers: Whose Gram matrices are compared.
        content_weight: Of the mean over the content layers.
        style_weight: Of the mean over the style layers.
        tv_weight: Of the squared differences of neighbouring pixels.
        tone_weight: Of what `losses.tone` says is lost.
        checkerboard_weight: Of what `losses.checkerboard` finds.
    """

    vgg: VGG
    content_layers: tuple[str, ...]
    style_layers: tuple[str, ...]
    content_weight: float
    style_weight: float
    tv_weight: float
    tone_weight: float = 0.0
    checkerboard_weight: float = 0.0

    @classmethod
    def pretrained(cls, settings: PerceptualSettings, device: torch.device) -> "PerceptualLoss":
        """Return the loss that settings describe, its network in the precision the device is fast in."""
        return cls(
            vgg=VGG.pretrained(settings.network, device=device, dtype=choose_dtype("auto", device)),
            content_layers=settings.content_layers,
            style_layers=settings.style_layers,
            content_weight=settings.content_weight,
            style_weight=settings.style_weight,
            tv_weight=settings.tv_weight,
            tone_weight=settings.tone_weight,
            checkerboard_weight=settings.checkerboard_weight,
        )

    @torch.no_grad()
    def grams(self, painting: Picture) -> Grams:
        """Return the Gram matrices of paintings of one size."""
        return self.grams_of(self.vgg(painting, self.style_layers))

    def grams_of(self, features: Mapping[str, Tensor]) -> Grams:
        """Return the Gram matrices of features that are already there."""
        return {name: _per_place(features[name]) for name in self.style_layers}

    def distance(self, grams: Grams, wanted: Grams) -> Float[Tensor, " b"]:
        """Return how far Gram matrices are from the wanted ones: the mean over the style layers."""
        return torch.stack([style_losses(grams[name], wanted[name], 1, 1) for name in self.style_layers]).mean(
            dim=0
        )

    def __call__(
        self, painted: Picture, content: Picture, grams: Grams, shares: Float[Tensor, " _b"] | None = None
    ) -> dict[str, Tensor]:
        """Return the weighted terms; their sum is what is minimised.

        Args:
            painted: What the network made of the content, of the same size.
            content: Photos.
            grams: Of the painting that each photo is painted after.
            shares: How much each photo's style counts, or the style of all; 1 if not given.
        """
        with torch.no_grad():
            wanted = self.vgg(content, self.content_layers)
        found = self.vgg(painted, {*self.content_layers, *self.style_layers})
        contents = [content_loss(found[name], wanted[name]) for name in self.content_layers]
        styles = self.distance(self.grams_of(found), grams)
        styles = styles if shares is None else styles * shares
        terms = {
            "content": self.content_weight * torch.stack(contents).mean(),
            "style": self.style_weight * styles.mean(),
            "tv": self.tv_weight * total_variation(painted),
        }
        if self.tone_weight:
            terms["tone"] = self.tone_weight * tone_loss(painted, content)
        if self.checkerboard_weight:
            terms["checkerboard"] = self.checkerboard_weight * checkerboard(painted, STRIDE).mean()
        return terms


def _per_place(features: Tensor) -> Tensor:
    return gram_matrix(features) / features[0, 0].numel()
