"""A judge of style and content that no contestant is tuned to: VGG-16 as its authors trained it, in fp32.

Style is the mean over relu1_2, 2_2, 3_3, 4_3 and 5_1 of the mean squared error of Gram matrices over the mean
square of the painting's; content the mean squared error at relu4_2 over the mean square of the photo's features
there. The painting is resized to the longest side of the picture.
"""

from functools import cache

import torch
from torch import Tensor

from impasto._typing import Picture
from impasto.image.resize import fit, resize
from impasto.losses.style import gram_matrix
from impasto.nn.vgg import VGG

STYLE_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_1")
CONTENT_LAYER = "relu4_2"


@cache
def _network() -> VGG:
    return VGG.pretrained("vgg16")


@torch.no_grad()
def judge(picture: Picture, content: Picture, painting: Picture) -> dict[str, float]:
    """Return `style` and `content` of a picture, lower is closer.

    Args:
        picture: What was painted, `(1, 3, height, width)`, RGB in [0, 1].
        content: The photo, of the same size.
        painting: Of any size.
    """
    height, width = painting.shape[-2:]
    painting = resize(painting, *fit(height, width, max(picture.shape[-2:])))
    found = _network()(picture, (*STYLE_LAYERS, CONTENT_LAYER))
    wanted, kept = _network()(painting, STYLE_LAYERS), _network()(content, (CONTENT_LAYER,))[CONTENT_LAYER]
    distances = [
        (_gram(found[name]) - _gram(wanted[name])).square().mean() / _gram(wanted[name]).square().mean()
        for name in STYLE_LAYERS
    ]
    apart = (found[CONTENT_LAYER] - kept).square().mean() / kept.square().mean()
    return {"style": round(float(torch.stack(distances).mean()), 4), "content": round(float(apart), 3)}


def _gram(features: Tensor) -> Tensor:
    return gram_matrix(features) / features[0, 0].numel()
