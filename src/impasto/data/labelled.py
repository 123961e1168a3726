"""Label maps with their pictures in folders, as people have them, and crops of them to train on.

Two layouts are known: `train_label/*`, `train_img/*` and, for objects that touch, `train_inst/*` (Pix2PixHD's), and
`train/*` with `trainannot/*` (CamVid's). Files are matched by their names without endings; Cityscapes' endings such
as `_gtFine_labelIds` and `_leftImg8bit` do not count. `classes.csv` beside them names the classes (columns name, r,
g, b), which maps in colours need.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import Dataset

from impasto.data.kept import Kept
from impasto.data.rounds import first_readable
from impasto.data.sizes import check_crop, cut, loaded_size
from impasto.errors import InputError, one_line
from impasto.image.files import pictures_in
from impasto.image.io import read_image
from impasto.image.labels import Palette, read_label_map
from impasto.image.objects import connected
from impasto.image.regions import visible_colors
from impasto.image.resize import resize

CLASSES = "classes.csv"
_ENDING = re.compile(r"_(gtFine_(labelIds|instanceIds)|leftImg8bit|L|label|inst|img)$")


class Labelled(NamedTuple):
    """Where a label map, its picture and perhaps its map of instances lie."""

    labels: Path
    picture: Path
    instances: Path | None = None

    @property
    def name(self) -> str:
        """What it is called: the picture's file without its ending."""
        return self.picture.stem


@dataclass(frozen=True)
class LabelledFolder:
    """The labelled pictures of one split, sorted by name.

    Attributes:
        items: Each with map and picture there.
        orphans: Files whose other part is missing.
        names: Of the classes, if `classes.csv` says.
        palette: The id of each colour, likewise.
    """

    items: Sequence[Labelled]
    orphans: Sequence[Path] = ()
    names: Sequence[str] = ()
    palette: Palette | None = None

    @property
    def named_colors(self) -> tuple[tuple[str, str], ...]:
        """Name and colour (`#rrggbb`, or empty) of each class, as far as `classes.csv` says."""
        colors = {
            label: f"#{red:02x}{green:02x}{blue:02x}" for (red, green, blue), label in (self.palette or {}).items()
        }
        return tuple((name, colors.get(label, "")) for label, name in enumerate(self.names))


def find_labelled(folder: Path, split: str = "train") -> LabelledFolder:
    """Find the labelled pictures of a split.

    Args:
        folder: Of the data set.
        split: `train`, `val` or `test`.

    Raises:
        InputError: If the folders are missing, hold no picture, or no two files match.
    """
    for labels, pictures in ((f"{split}_label", f"{split}_img"), (f"{split}annot", split)):
        if (folder / labels).is_dir() and (folder / pictures).is_dir():
            break
    else:
        raise InputError(
            f"{one_line(str(folder))} holds neither {split}_label and {split}_img nor {split}annot and {split}; "
            "name the folders of label maps and pictures so"
        )
    instances = folder / f"{split}_inst"
    maps, photos, numbers = (
        _by_name(pictures_in(place)) if place.is_dir() else {}
        for place in (folder / labels, folder / pictures, instances)
    )
    both = sorted(maps.keys() & photos.keys())
    complete = [name for name in both if not numbers or name in numbers]
    orphans = [path for side in (maps, photos, numbers) for name, path in side.items() if name not in complete]
    if not complete:
        raise InputError(
            f"no file of {labels} is called like one of {pictures}, such as {orphans[0].name}; give map and "
            "picture the same name"
        )
    names, palette = read_classes(folder / CLASSES)
    items = [Labelled(maps[name], photos[name], numbers.get(name)) for name in complete]
    return LabelledFolder(items, sorted(orphans), names, palette)


def read_classes(path: Path) -> tuple[Sequence[str], Palette | None]:
    """Return the names of classes and, if it has them, the id of each colour.

    Raises:
        InputError: If the file cannot be read.
    """
    if not path.is_file():
        return (), None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [
                {key.strip().lower(): value.strip() for key, value in row.items()} for row in csv.DictReader(file)
            ]
        names = [row["name"] for row in rows]
        if not rows or "r" not in rows[0]:
            return names, None
        colors = [(int(row["r"]), int(row["g"]), int(row["b"])) for row in rows]
    except (OSError, KeyError, ValueError, AttributeError, UnicodeDecodeError) as error:
        raise InputError(
            f"{one_line(str(path))} cannot be read ({one_line(repr(error))}); it needs the columns name, r, g, b"
        ) from None
    return names, {color: label for label, color in enumerate(colors)}


class LabelledSample(NamedTuple):
    """One sample: ids, instances, picture in [-1, 1]; position, name, and the files passed over, with reasons."""

    labels: Int[Tensor, "1 size size"]
    instances: Int[Tensor, "1 size size"]
    picture: Float[Tensor, "3 size size"]
    position: int
    name: str
    broken: dict[Path, str]


class LabelledBatch(NamedTuple):
    """Several samples, and the files passed over."""

    labels: Int[Tensor, "b 1 h w"]
    instances: Int[Tensor, "b 1 h w"]
    picture: Float[Tensor, "b 3 h w"]
    positions: Int[Tensor, " b"]
    broken: dict[Path, str]


class LabelledCrops(Dataset[LabelledSample]):
    """Square crops at random places, the same of map and picture, mirrored half of the time.

    A sample is a function of the seed and its position in the training, of nothing else. Where there is no map of
    instances, every class is one.
    """

    def __init__(
        self,
        items: Sequence[Labelled],
        crop: tuple[int, int],
        length: int,
        *,
        load_size: int,
        palette: Palette | None = None,
        find_objects: bool = False,
        seed: int = 0,
    ) -> None:
        """Prepare.

        Args:
            items: What is trained on.
            crop: Height and width of a crop, in pixels.
            length: How many samples there are.
            load_size: What the shorter side is resized to before a crop is cut.
            palette: The id of each colour, for maps in colours.
            find_objects: Whether every connected area is an object where there is no map of instances.
            seed: Of order, place and mirroring.

        Raises:
            SettingError: If something is not allowed.
        """
        check_crop(crop, load_size)
        self.items, self.crop, self.length, self.load_size = list(items), crop, length, load_size
        self.palette, self.find_objects, self.seed = palette, find_objects, seed
        self._kept = Kept(self._read)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, position: int) -> LabelledSample:
        """Return one sample.

        Raises:
            IndexError: Past the end.
            InputError: If nothing can be read.
        """
        if not 0 <= position < self.length:
            raise IndexError(position)
        item, whole, broken = first_readable(
            self.items, position, self.seed, self._kept, attrgetter("picture"), "pictures"
        )
        labels, instances, picture = cut(whole, self.crop, np.random.default_rng((self.seed, 1, position)))
        pixels = picture.float() / 127.5 - 1
        return LabelledSample(labels.long(), instances.long(), pixels, position, item.name, broken)

    def _read(self, item: Labelled) -> tuple[Tensor, Tensor, Tensor]:
        labels, instances, picture = read_labelled(
            item, self.load_size, self.palette, find_objects=self.find_objects, crop=self.crop
        )
        return labels[0].int(), instances[0].int(), (picture[0] * 255).round().byte()


def read_labelled(
    item: Labelled,
    size: int | None = None,
    palette: Palette | None = None,
    *,
    find_objects: bool = False,
    crop: tuple[int, int] = (1, 1),
) -> tuple[Int[Tensor, "1 1 _h _w"], Int[Tensor, "1 1 _h _w"], Float[Tensor, "1 3 _h _w"]]:
    """Return ids, instances and picture in [0, 1], whole.

    Args:
        item: Which.
        size: Of the shorter side, in pixels; as it is if not given. Maps are resized to the nearest.
        palette: The id of each colour, for maps in colours.
        find_objects: Whether every connected area is an object where there is no map of instances; else every
            class is one.
        crop: Height and width that it has at least, for crops to be cut.

    Raises:
        InputError: If a file cannot be read, or they are not of one size.
    """
    picture = visible_colors(read_image(item.picture))
    ids = read_label_map(item.labels, palette)
    numbers = ids if item.instances is None else read_label_map(item.instances)
    for path, found in ((item.labels, ids), (item.instances or item.labels, numbers)):
        if found.shape != tuple(picture.shape[-2:]):
            raise InputError(
                f"{one_line(path.name)} is {found.shape[1]}×{found.shape[0]} pixels and {item.picture.name} "
                f"{picture.shape[3]}×{picture.shape[2]}; map and picture must be of one size"
            )
    maps = [torch.from_numpy(each)[None, None] for each in (ids, numbers)]
    if size is not None:
        sides = loaded_size(ids.shape[0], ids.shape[1], size, crop)
        picture = resize(picture, *sides)
        maps = [interpolate(each.double(), size=sides, mode="nearest-exact").long() for each in maps]
    if find_objects and item.instances is None:
        maps[1] = torch.from_numpy(connected(maps[0][0, 0].numpy()))[None, None]
    return maps[0], maps[1], picture


def collate_labelled(samples: Sequence[LabelledSample]) -> LabelledBatch:
    """Put samples into one batch."""
    return LabelledBatch(
        torch.stack([sample.labels for sample in samples]),
        torch.stack([sample.instances for sample in samples]),
        torch.stack([sample.picture for sample in samples]),
        torch.tensor([sample.position for sample in samples]),
        {path: reason for sample in samples for path, reason in sample.broken.items()},
    )


def name_of(path: Path) -> str:
    """Return what a file is called: its name without ending, and without what Cityscapes adds."""
    return _ENDING.sub("", path.stem)


def _by_name(paths: Sequence[Path]) -> dict[str, Path]:
    """Return files by what they are called.

    Raises:
        InputError: If two are called alike.
    """
    found: dict[str, Path] = {}
    for path in paths:
        name = name_of(path)
        if name in found:
            raise InputError(
                f"{one_line(str(found[name]))} and {path.name} have the same name; rename one, since maps and "
                "pictures are matched by name"
            )
        found[name] = path
    return found
