"""The style loss over several layers: statistics of a style's features, computed once, and the loss against them.

Convention: J_style = Σ_l w_l · J(l). J(l) compares Gram matrices (`losses.style`) or means and covariances
(`losses.wasserstein`).
"""

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from impasto._typing import Features, Scalar, Weight
from impasto.losses.scaling import Scaling
from impasto.losses.style import gram_matrix, guided_gram_matrix, style_loss
from impasto.losses.wasserstein import WassersteinTarget, gaussian

Guides = Mapping[str, Weight]
"""The region of each layer, at the layer's own size; a layer that is missing has none."""


class StyleTarget:
    """Gaussians or Gram matrices of a style's features, and the weighted loss against them.

    Example:
        >>> weights = {"relu1_1": 0.5, "relu4_1": 0.5}
        >>> target = StyleTarget(vgg(painting, weights), weights, wasserstein=["relu1_1"])
        >>> target.loss(vgg(picture, weights)).backward()
    """

    def __init__(
        self,
        features: Mapping[str, Features],
        weights: Mapping[str, float],
        wasserstein: Collection[str] = (),
        scaling: Scaling = "relative",
        guides: Guides | None = None,
    ) -> None:
        """Compute the statistics.

        Args:
            features: Of the style, by layer, `(1, c, height, width)`.
            weights: Of each layer in the loss.
            wasserstein: Layers compared by the Wasserstein distance; all others by Gram matrices.
            scaling: Of the squared errors of Gram matrices.
            guides: Which part of the style counts.
        """
        self.weights, self.scaling, guides = weights, scaling, guides or {}
        self.gaussians = {
            name: WassersteinTarget(gaussian(features[name], guides.get(name)))
            for name in weights
            if name in wasserstein
        }
        grams = [name for name in weights if name not in self.gaussians]
        self.grams = {name: _gram(features[name], guides.get(name)) for name in grams}
        self.positions = {name: features[name][0, 0].numel() for name in weights}

    def loss(self, features: Mapping[str, Features], guides: Guides | None = None) -> Scalar:
        """Return the weighted sum over layers for one picture, whose guides say where it is compared."""
        guides, total = guides or {}, torch.zeros((), device=next(iter(features.values())).device)
        for name, weight in self.weights.items():
            total = total + weight * self._layer_loss(name, features[name], guides.get(name))
        return total

    def _layer_loss(self, name: str, features: Tensor, guide: Weight | None) -> Tensor:
        if name in self.gaussians:
            return self.gaussians[name].loss(gaussian(features, guide))
        gram, positions = _gram(features, guide), features[0, 0].numel()
        return style_loss(gram, self.grams[name], positions, self.positions[name], self.scaling)


def _gram(features: Features, guide: Weight | None) -> Tensor:
    return gram_matrix(features) if guide is None else guided_gram_matrix(features, guide)
