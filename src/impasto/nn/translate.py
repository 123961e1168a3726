"""Translation of pictures of any size: continued to what a generator takes, and cropped back."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from impasto._typing import Features


class Generator(nn.Module):
    """A network that makes pictures of pictures, in [-1, 1], of sizes that are multiples of its stride.

    Attributes:
        stride: Height and width are reduced by this inside.
        smallest: Least height and width.
    """

    stride: int
    smallest: int


def translate(generator: Generator, picture: Features, **given: Tensor | None) -> Float[Tensor, "b d h w"]:
    """Translate pictures of any size.

    They are continued by reflection at the bottom and on the right, which changes what normalisation sees of them
    the least, and cropped back.

    Args:
        generator: Which network.
        picture: `(b, c, height, width)` in [-1, 1].
        **given: What else the generator takes.
    """
    height, width = picture.shape[-2:]
    rows, columns = (
        max(generator.smallest, -(-side // generator.stride) * generator.stride) for side in (height, width)
    )
    continued = picture[:, :, _reflected(height, rows)][:, :, :, _reflected(width, columns)]
    translated: Tensor = generator(continued, **given)
    return translated[:, :, :height, :width]


def _reflected(given: int, wanted: int) -> Tensor:
    """Return which row stands at each of so many places; outer rows are not repeated, like in `mode="reflect"`."""
    turn = max(1, 2 * (given - 1))
    places = torch.arange(wanted) % turn
    return torch.minimum(places, turn - places).clamp_max(given - 1)
