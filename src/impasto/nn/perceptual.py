"""The perceptual loss that one-pass styles are trained on (Johnson, Alahi & Fei-Fei 2016; arXiv:1603.08155).

A network that paints is judged as Gatys' pictures are: features of the painted picture should equal the photo's,
its Gram matrices the painting's. The network that judges stays as it is.

**Deviation**: terms are relative to their targets, averaged over layers, so that a weight means the same for every
style and network; the paper's raw sums need a weight of their own for each painting.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto._typing import Picture
from impasto.losses.content import content_loss
from impasto.losses.smoothness import total_variation
from impasto.losses.style import gram_matrix, style_loss
from impasto.nn.vgg import VGG

Grams = Mapping[str, Tensor]
"""Gram matrices by layer, `(b, c, c)`, divided by the number of places."""


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
    """

    vgg: VGG
    content_layers: tuple[str, ...]
    style_layers: tuple[str, ...]
    content_weight: float
    style_weight: float
    tv_weight: float

    @torch.no_grad()
    def grams(self, painting: Picture) -> Grams:
        """Return the Gram matrices of paintings of one size."""
        return {name: _per_place(features) for name, features in self.vgg(painting, self.style_layers).items()}

    def __call__(self, painted: Picture, content: Picture, grams: Grams) -> dict[str, Tensor]:
        """Return the weighted terms `content`, `style` and `tv`; their sum is what is minimised.

        Args:
            painted: What the network made of the content, of the same size.
            content: Photos.
            grams: Of the painting that each photo is painted after.
        """
        with torch.no_grad():
            wanted = self.vgg(content, self.content_layers)
        found = self.vgg(painted, {*self.content_layers, *self.style_layers})
        contents = [content_loss(found[name], wanted[name]) for name in self.content_layers]
        styles = [style_loss(_per_place(found[name]), grams[name], 1, 1) for name in self.style_layers]
        return {
            "content": self.content_weight * torch.stack(contents).mean(),
            "style": self.style_weight * torch.stack(styles).mean(),
            "tv": self.tv_weight * total_variation(painted),
        }


def _per_place(features: Tensor) -> Tensor:
    return gram_matrix(features) / features[0, 0].numel()
