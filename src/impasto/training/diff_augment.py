"""DiffAugment: what discriminators see is changed at random, so that few pictures are not learnt by heart.

Real and generated pictures are changed alike, in light and colour, in place, and by a part that is cut out. All of
it is differentiable, so that the generator learns through it, and none of it shows in what it generates.

Reference: Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (arXiv:2006.10738).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

from impasto._typing import Features

BRIGHTNESS, SATURATION, CONTRAST = 0.5, (0.0, 2.0), (0.5, 1.5)
"""What is added to light at most, and what distances from grey and from the mean are multiplied by."""
SHIFT, CUT = 1 / 8, 1 / 2
"""How far pictures are moved at most, and the side of what is cut out, as shares of their sides."""


@dataclass(frozen=True)
class DiffAugment:
    """Changes that were drawn, to be made to every picture that is compared.

    Example:
        >>> change = DiffAugment.drawn(torch.zeros(2, 3, 64, 64))
        >>> change(torch.zeros(2, 3, 64, 64), torch.zeros(2, 5, 64, 64))  # (2, 8, 64, 64), the condition first

    Attributes:
        light: What is added, what saturation and what contrast are multiplied by, for each picture.
        shift: Pixels down and right, for each picture.
        corner: The first row and the first column that are cut out, for each picture; may be outside.
    """

    light: Float[Tensor, "b 3"]
    shift: Int[Tensor, "b 2"]
    corner: Int[Tensor, "b 2"]

    @classmethod
    def drawn(cls, pictures: Features) -> "DiffAugment":
        """Draw changes for a batch of pictures, by PyTorch's generator.

        Args:
            pictures: `(b, c, height, width)`; only their number, size and device matter.
        """
        batch, device = len(pictures), pictures.device
        size = torch.tensor(pictures.shape[-2:], device=device)
        low = torch.tensor((-BRIGHTNESS, SATURATION[0], CONTRAST[0]), device=device)
        high = torch.tensor((BRIGHTNESS, SATURATION[1], CONTRAST[1]), device=device)
        light = low + (high - low) * torch.rand(batch, 3, device=device)
        furthest = (size * SHIFT).long()
        shift = (torch.rand(batch, 2, device=device) * (2 * furthest + 1)).long() - furthest
        corner = (torch.rand(batch, 2, device=device) * (size + 1)).long() - (size * CUT / 2).long()
        return cls(light, shift, corner)

    def __call__(self, picture: Features, condition: Features | None = None) -> Features:
        """Return changed pictures, behind what they were made of, which moves with them.

        Args:
            picture: `(b, c, height, width)` in [-1, 1]; a fourth channel, alpha, keeps its light.
            condition: Of the same size; its light stays.
        """
        changed = self._in_light(picture)
        return self._in_place(changed if condition is None else torch.cat([condition, changed], dim=1))

    def _in_light(self, picture: Features) -> Features:
        brightness, saturation, contrast = self.light[:, :, None, None, None].to(picture.dtype).unbind(1)
        colors, rest = picture[:, :3] + brightness, picture[:, 3:]
        grey = colors.mean(dim=1, keepdim=True)
        colors = grey + saturation * (colors - grey)
        mean = colors.mean(dim=(1, 2, 3), keepdim=True)
        return torch.cat([mean + contrast * (colors - mean), rest], dim=1)

    def _in_place(self, seen: Features) -> Features:
        height, width = seen.shape[-2:]
        rows, columns = int(height * SHIFT), int(width * SHIFT)
        wide = pad(seen, (columns, columns, rows, rows))
        moved = torch.stack(
            [
                each[:, rows - down : rows - down + height, columns - right : columns - right + width]
                for each, (down, right) in zip(wide, self.shift.tolist(), strict=True)
            ]
        )
        places = (torch.arange(height, device=seen.device), torch.arange(width, device=seen.device))
        inside = [
            (place >= first[:, None]) & (place < first[:, None] + int(side * CUT))
            for place, first, side in zip(places, self.corner.unbind(1), (height, width), strict=True)
        ]
        cut = inside[0][:, None, :, None] & inside[1][:, None, None, :]
        return moved.masked_fill(cut, 0.0)
