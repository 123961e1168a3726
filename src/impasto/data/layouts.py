"""Where the parts of a data folder lie, in each of the layouts that there are."""

from pathlib import Path
from typing import Literal

from impasto.data.domain_doctor import domain_places

Kind = Literal["pairs", "labels", "photos", "unpaired", "domains"]
"""How a data folder is laid out: aligned pairs, label maps with pictures, photos, two kinds without pairs, or
pictures of domains."""
WANTED = {
    "pairs": "train of pictures side by side, nor trainA and trainB",
    "labels": "train_label with train_img, nor trainannot with train",
    "photos": "pictures",
    "unpaired": "trainA with trainB",
    "domains": "train with a folder of pictures for each domain, nor pictures beside a list_attr_celeba.txt",
}
"""What is looked for."""


def places_of(folder: Path, split: str, kind: Kind) -> dict[str, Path]:
    """Return where the parts of a split lie, none if it is not there.

    Args:
        folder: Of the data set.
        split: `train`, `val` or `test`.
        kind: How it is laid out.
    """
    if kind == "domains":
        return domain_places(folder, split)
    if kind == "photos":
        return {"both": folder} if split == "train" and any(folder.iterdir()) else {}
    if kind in ("pairs", "unpaired"):
        if kind == "pairs" and (folder / split).is_dir():
            return {"both": folder / split}
        sides = {"a": folder / f"{split}A", "b": folder / f"{split}B"}
        return sides if all(place.is_dir() for place in sides.values()) else {}
    for labels, pictures in ((f"{split}_label", f"{split}_img"), (f"{split}annot", split)):
        if (folder / labels).is_dir() and (folder / pictures).is_dir():
            places = {"labels": folder / labels, "pictures": folder / pictures}
            instances = folder / f"{split}_inst"
            return places | ({"instances": instances} if instances.is_dir() else {})
    return {}
