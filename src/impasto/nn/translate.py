"""Translation of pictures of any size: continued to what a generator takes, and cropped back."""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from impasto._typing import Features
from impasto.nn.compute import frozen_for_speed
from impasto.nn.strips import Source, strips_of

WHOLE = 2**22
"""Pixels up to which a picture is translated whole: a network is faster so, and needs the more memory."""


class Generator(nn.Module):
    """A network that makes pictures of pictures, in [-1, 1], of sizes that are multiples of its stride.

    Attributes:
        stride: Height and width are reduced by this inside.
        smallest: Least height and width.
        encoder: Tells what pictures or objects look like, if it was trained with one.
        draws_looks: Whether it makes pictures without its encoder, too, whose looks are then drawn.
        low_memory: Whether training computes activations again in the backward pass instead of keeping them.
    """

    stride: int
    smallest: int
    encoder: nn.Module | None

    def __init__(self) -> None:
        super().__init__()
        self.encoder = None
        self.draws_looks = self.low_memory = False

    def run(self, layers: Callable[[Tensor], Tensor], features: Tensor) -> Tensor:
        """Compute some layers; with `low_memory` what is inside them is not kept for the backward pass.

        Reference: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016 (arXiv:1604.06174).
        """
        if not (self.low_memory and torch.is_grad_enabled()):
            return layers(features)
        computed: Tensor = checkpoint(layers, features, use_reentrant=False)
        return computed

    def in_strips(self, picture: Source) -> Source | None:
        """Return what paints strips of a picture's translation, in memory that does not grow with it.

        Args:
            picture: Its height and width multiples of `stride`.

        Returns:
            None if the network translates whole pictures only.
        """
        return None


def ready(
    build: Callable[[], Generator], tensors: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype
) -> Generator:
    """Return a trained generator, ready to translate; one that draws looks may come without its encoder's weights.

    Args:
        build: Builds it; its first weights are never drawn.
        tensors: Its weights by name.
        device: Where it computes.
        dtype: In what.

    Raises:
        RuntimeError: If the weights are not those of such a network.
    """
    with torch.device("meta"):
        generator = build()
    if generator.draws_looks and not any(name.startswith("encoder.") for name in tensors):
        generator.encoder = None
    generator.load_state_dict(dict(tensors), assign=True)
    generator.to(device, dtype)
    frozen_for_speed(generator)
    return generator


def translate(generator: Generator, picture: Features, **given: Tensor | None) -> Float[Tensor, "b d h w"]:
    """Translate pictures of any size; a large one in strips, which gives the same in little memory.

    Args:
        generator: Which network.
        picture: `(b, c, height, width)` in [-1, 1].
        **given: What else the generator takes.
    """
    height, width = picture.shape[-2:]
    strips = None
    if height * width > WHOLE and not given and len(picture) == 1:
        from_rows, from_columns = _continued(generator, height, width)
        read = lambda top, bottom: picture[:, :, from_rows[top:bottom]][:, :, :, from_columns]  # noqa: E731
        strips = generator.in_strips(Source(read, picture.shape[1], len(from_rows), len(from_columns)))
    if strips is None:
        return translate_whole(generator, picture, **given)
    painted = picture.new_empty(1, strips.channels, height, width)
    for top, bottom in strips_of(strips):
        if top < height:
            painted[:, :, top:bottom] = strips.read(top, min(bottom, height))[..., :width]
    return painted


def translate_whole(generator: Generator, picture: Features, **given: Tensor | None) -> Float[Tensor, "b d h w"]:
    """Translate pictures of any size at once.

    They are continued by reflection at the bottom and on the right, which changes what normalisation sees of them
    the least, and cropped back.

    Args:
        generator: Which network.
        picture: `(b, c, height, width)` in [-1, 1].
        **given: What else the generator takes.
    """
    height, width = picture.shape[-2:]
    from_rows, from_columns = _continued(generator, height, width)
    translated: Tensor = generator(picture[:, :, from_rows][:, :, :, from_columns], **given)
    return translated[:, :, :height, :width]


def _continued(generator: Generator, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return which rows and columns of a picture stand where in what a generator takes."""
    stride = generator.stride
    rows, columns = (max(generator.smallest, (side + stride - 1) // stride * stride) for side in (height, width))
    return _reflected(height, rows), _reflected(width, columns)


def _reflected(given: int, wanted: int) -> Tensor:
    """Return which row stands at each of so many places; outer rows are not repeated, like in `mode="reflect"`."""
    turn = max(1, 2 * (given - 1))
    places = torch.arange(wanted).remainder(torch.scalar_tensor(turn, dtype=torch.int64))
    return torch.minimum(places, turn - places).clamp_max(given - 1)
