"""Looks: what a frozen network sees of each crop of a painting, remembered while there is room."""

import os
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from impasto._typing import Picture
from impasto.data.crops import Crops

LEAST_KEPT, SHARE_KEPT = 2**31, 0.2
"""Bytes of looks that are remembered: this many, or this share of the machine's memory if that is more."""

Look = Mapping[str, Tensor]
"""What is seen of one picture, by name; matrices in bf16."""


class Looks:
    """Looks at crops of paintings by number, each computed once if it can be remembered.

    What is remembered is rounded before it is used for the first time, so a look is the same whether it was
    remembered or not.
    """

    def __init__(
        self, paintings: Crops, see: Callable[[Picture], Mapping[str, Tensor]], device: torch.device
    ) -> None:
        self.paintings, self._see, self._device = paintings, see, device
        self._seen: dict[int, Look] = {}
        self._free = _room()

    def __len__(self) -> int:
        return len(self.paintings)

    def at(self, index: int) -> Look:
        """Return the look at one crop."""
        if index in self._seen:
            return self._seen[index]
        with torch.autocast("cpu", enabled=False):  # or a hue would be turned in half precision
            painting = self.paintings[index].picture[None]
        look = self.of(painting.to(self._device))
        size = sum(tensor.nbytes for tensor in look.values())
        if size <= self._free:
            self._free -= size
            self._seen[index] = look
        return look

    def of(self, picture: Picture) -> Look:
        """Return the look at any picture."""
        seen = self._see(picture)
        return {name: tensor.bfloat16() if tensor.ndim == 3 else tensor for name, tensor in seen.items()}


def _room() -> int:
    """Return how many bytes of looks may be remembered."""
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return LEAST_KEPT
    return max(LEAST_KEPT, int(SHARE_KEPT * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")))
