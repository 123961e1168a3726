"""One judge for everyone: content loss and style loss by one formula, in fp32."""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import torch

from impasto._typing import Picture
from impasto.image.resize import fit, resize
from impasto.losses.content import content_loss
from impasto.losses.style import gram_matrix, style_loss
from impasto.nn.perceptual import PerceptualSettings
from impasto.nn.vgg import VGG

LAYERS = PerceptualSettings()
FORMULAS = {
    "content": "sum (F - P)^2 / sum P^2 at relu3_3, with F and P the features of the picture and of the photo",
    "style": "mean over relu1_2, relu2_2, relu3_3, relu4_3 of sum (G - A)^2 / sum A^2, with G and A the Gram "
    "matrices of the picture and of the painting, each divided by its number of places",
    "network": "vgg16 in fp32; the painting is looked at with the longest side of the photo",
}


class Losses(NamedTuple):
    """How far a picture is from its photo and from its painting."""

    content: float
    style: float

    def rounded(self) -> dict[str, float]:
        """Return both as they are reported."""
        return {"content": round(self.content, 4), "style": round(self.style, 4)}


class Judge:
    """Compares pictures with one photo and one painting, by the layers of `FORMULAS` if no others are given."""

    def __init__(
        self,
        vgg: VGG,
        photo: Picture,
        painting: Picture,
        content_layers: Sequence[str] = LAYERS.content_layers,
        style_layers: Sequence[str] = LAYERS.style_layers,
    ) -> None:
        self.vgg, self.layers = vgg, {*content_layers, *style_layers}
        sized = resize(painting, *fit(painting.shape[-2], painting.shape[-1], max(photo.shape[-2:])))
        with torch.no_grad(), exactly():
            self.wanted = vgg(photo, content_layers)
            features = vgg(sized, style_layers)
        self.grams = {name: gram_matrix(found) for name, found in features.items()}
        self.places = {name: math.prod(found.shape[-2:]) for name, found in features.items()}

    @torch.no_grad()
    def __call__(self, picture: Picture) -> Losses:
        """Judge a picture of the photo's size."""
        with exactly():
            found = self.vgg(picture, self.layers)
        contents = [content_loss(found[name], wanted) for name, wanted in self.wanted.items()]
        styles = [
            style_loss(gram_matrix(found[name]), gram, math.prod(found[name].shape[-2:]), self.places[name])
            for name, gram in self.grams.items()
        ]
        return Losses(float(torch.stack(contents).mean()), float(torch.stack(styles).mean()))


def exactly() -> AbstractContextManager[None]:
    """Make CUDA's convolutions compute in all of fp32, where cuDNN would round to TF32."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
