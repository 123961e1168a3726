"""One judge of style and content for optimisers that share its network: VGG-16 in fp32.

`gatys` and crowsonkb's code optimise features of the same network (`gatys` at relu4_2 and relu5_1 too), so its
values tell how far each got, not which looks better.
"""

from functools import cache

from contest.judging import Judge
from impasto._typing import Picture
from impasto.nn.vgg import VGG

STYLE_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_1")
CONTENT_LAYERS = ("relu4_2",)


@cache
def _network() -> VGG:
    return VGG.pretrained("vgg16")


def judge(picture: Picture, content: Picture, painting: Picture) -> dict[str, float]:
    """Return the `style` and `content` losses of a picture, see `contest.judging.FORMULAS`.

    Args:
        picture: What was painted, `(1, 3, height, width)`, RGB in [0, 1].
        content: The photo, of the same size.
        painting: Of any size.
    """
    losses = Judge(_network(), content, painting, CONTENT_LAYERS, STYLE_LAYERS)(picture)
    return {"style": round(losses.style, 4), "content": round(losses.content, 3)}
