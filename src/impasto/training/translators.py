"""What translators are trained on: pairs of a folder, those of `val` or `test` held out, or one of 20."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from impasto.data.pairs import Direction, Pair, find_pairs
from impasto.methods.pix2pix import Pix2PixSettings
from impasto.training.pix2pix import Pix2PixTraining

HELD_OUT_SPLITS = ("val", "test")
HELD_OUT_EVERY, MOST_HELD_OUT = 20, 50


class Pairs(NamedTuple):
    """What is trained on, and what is held out."""

    trained: Sequence[Pair]
    held_out: Sequence[Pair]

    @classmethod
    def under(cls, folder: Path, direction: Direction) -> "Pairs":
        """Return the pairs of a folder.

        Raises:
            InputError: If there are none.
        """
        trained = find_pairs(folder, "train", direction).pairs
        for split in HELD_OUT_SPLITS:
            if any((folder / f"{split}{side}").is_dir() for side in ("", "A")):
                return cls(trained, find_pairs(folder, split, direction).pairs[:MOST_HELD_OUT])
        held_out = trained[HELD_OUT_EVERY // 2 :: HELD_OUT_EVERY][:MOST_HELD_OUT]
        if not held_out:
            return cls(trained, trained)
        return cls([pair for pair in trained if pair not in set(held_out)], held_out)

    def described(self) -> dict[str, Any]:
        """Return what tells these pairs from others: their number, and a digest of names and sizes."""
        digest = hashlib.sha256()
        for pair in (*self.trained, *self.held_out):
            for path in (pair.source, pair.target):
                digest.update(f"{path.name} {path.stat().st_size}\n".encode())
        return {"trained": len(self.trained), "held_out": len(self.held_out), "sha256": digest.hexdigest()}


def translator_training(settings: Pix2PixSettings, data: Path) -> tuple[Pix2PixTraining, dict[str, Any]]:
    """Return a training on a folder's pairs, and what tells its data from others.

    Raises:
        InputError: If there are none.
    """
    pairs = Pairs.under(data, settings.direction)
    return Pix2PixTraining(settings, pairs.trained, pairs.held_out), {"pairs": pairs.described()}
