"""Earlier fakes: a discriminator that is shown them, too, does not chase the generator's latest whim alone.

Reference: Shrivastava et al. 2017 (arXiv:1612.07828), section 2.3, as in CycleGAN (Zhu et al. 2017,
arXiv:1703.10593, section 4): 50 of them; half of the time an earlier one is shown and the new one takes its place.
"""

import torch
from torch import Tensor

from impasto._typing import Features
from impasto.errors import check_whole

EARLIER = 0.5
"""How often an earlier fake is shown."""


class ImagePool:
    """Fakes as they come in; fakes and earlier fakes out. It belongs to what an interruption must not lose.

    Example:
        >>> pool = ImagePool(50)
        >>> judged = pool(fake.detach())
    """

    def __init__(self, size: int = 50) -> None:
        """Prepare.

        Args:
            size: How many fakes are kept; 0 shows the new ones always.
        """
        check_whole("pool_size", size, 0, 10_000)
        self.size = size
        self._kept: list[Tensor] = []

    def __call__(self, fakes: Features) -> Features:
        """Return as many pictures as are given, drawn by PyTorch's generator; while it fills up, the new ones.

        Args:
            fakes: `(b, c, height, width)`; what is kept of them is without gradients.
        """
        if not self.size:
            return fakes
        shown = []
        for fake in fakes.detach():
            if len(self._kept) < self.size:
                self._kept.append(fake.clone())
                shown.append(fake)
            elif float(torch.rand(())) < EARLIER:
                place = int(torch.randint(self.size, ()))
                shown.append(self._kept[place])
                self._kept[place] = fake.clone()
            else:
                shown.append(fake)
        return torch.stack(shown)

    def state_dict(self) -> dict[str, Tensor]:
        """Return what is kept."""
        return {"kept": torch.stack(self._kept).cpu()} if self._kept else {}

    def load_state_dict(self, state: dict[str, Tensor], device: torch.device) -> None:
        """Go on with what was kept.

        Args:
            state: What `state_dict` gave.
            device: Where fakes are.
        """
        self._kept = [each.clone() for each in state["kept"].to(device)] if "kept" in state else []
