"""A folder's pictures: which they are, where they go, and painting one of them in whichever process.

A picture that is finished is known by the recipe it carries: nothing else has to be remembered between runs.
"""

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from impasto.errors import ImpastoError, InputError, WeightsError, one_line
from impasto.image.decoding import decode
from impasto.image.files import SUFFIXES, free_path, read_file
from impasto.image.formats import MAX_PIXELS
from impasto.image.io import Image, encode_image, read_recipe
from impasto.nn.one_pass import OnePassSettings
from impasto.verbs.stylize import stylize
from impasto.writing import find_target, replace_file

Status = Literal["painted", "kept", "failed"]
"""What became of a picture; `kept` was finished before."""

_COMPARED = ("verb", "method", "grey", "styles", "interrupted")
_NOT_COMPARED = ("model", "device")
"""Settings that say where the network is and where it computes; its hash says which it is."""


class Picture(NamedTuple):
    """One picture of a folder.

    Attributes:
        content: Its path in the folder, with forward slashes.
        output: That of the painted one in the output folder.
    """

    content: str
    output: str


@dataclass(frozen=True)
class Outcome:
    """What became of a picture.

    Attributes:
        content: Its path in the folder.
        output: That of the painted one in the output folder.
        status: `painted`, `kept` (finished before) or `failed`.
        sha256: Of the files: `content` and, if it was painted now, `output`.
        error: Why it failed, in one line.
        index: How many pictures are done with it.
        total: How many there are.
    """

    content: str
    output: str
    status: Status
    sha256: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    index: int = 0
    total: int = 0

    def as_row(self) -> dict[str, Any]:
        """Return what the manifest says of it."""
        row: dict[str, Any] = {"content": self.content, "output": self.output, "status": self.status}
        return row | ({"error": self.error} if self.status == "failed" else {"sha256": dict(self.sha256)})


def pictures_of(folder: Path, ending: str, *, nested: bool, without: Path) -> Iterator[Picture]:
    """Yield a folder's pictures sorted by name, one folder's names in memory at a time; hidden ones are left out.

    Args:
        folder: Where to look.
        ending: What a painted picture is called after the photo.
        nested: Whether to look in the folders in it too; painted pictures then lie in folders of the same names.
        without: The output folder, where nothing is looked for.
    """
    skipped = os.path.realpath(without)
    for place, folders, names in os.walk(folder):
        inner = [each for each in folders if nested and each[0] != "."]
        folders[:] = sorted(each for each in inner if os.path.realpath(Path(place, each)) != skipped)
        here, taken = Path(place).relative_to(folder), set[Path]()
        for name in sorted(names):
            if name[0] != "." and Path(name).suffix.lower() in SUFFIXES:
                output = free_path(here / f"{Path(name).stem}-{ending}.png", taken)
                yield Picture((here / name).as_posix(), output.as_posix())


@dataclass(frozen=True)
class FolderWork(ABC):
    """What making a picture of any picture of a folder needs; it can travel to other processes.

    Attributes:
        folder: Where the pictures are.
        output: Where the ones made of them go.
        protected: Real paths of files that must stay: those that styles and masks were read from.
        settings: All settings; every verb's name a device.
    """

    folder: Path
    output: Path
    protected: frozenset[str]
    settings: Any

    @abstractmethod
    def essence(self) -> dict[str, Any]:
        """Return what decides how every picture looks, and find out before the first one what would fail for all.

        Raises:
            ImpastoError: If no picture could be made like this.
        """

    @abstractmethod
    def made(self, photo: Image) -> Image:
        """Return what becomes of a picture, its recipe with it."""

    def read(self, data: bytes, content: str) -> Image:
        """Return a picture of the folder.

        Args:
            data: Its file's bytes.
            content: Its path in the folder.
        """
        return Image(*decode(data, one_line(content), MAX_PIXELS), name=one_line(Path(content).name))

    def paint(self, picture: Picture, essence: Mapping[str, Any]) -> Outcome:
        """Paint a picture unless it is finished; whatever is wrong with it is told, never raised.

        Args:
            picture: Which.
            essence: What decides how it looks; see `essence`.
        """
        try:
            sha256 = self._painted_file(picture, essence)
        except ImpastoError as error:
            said = str(error)
        except MemoryError:
            said = "out of memory; choose a smaller size"
        except Exception as error:  # a fault of ours in one picture must not end a night's work either
            said = f"{type(error).__name__}: {error}"
        else:
            return Outcome(*picture, "painted" if "output" in sha256 else "kept", sha256)
        return Outcome(*picture, "failed", error=one_line(" ".join(said.split())))

    def _painted_file(self, picture: Picture, essence: Mapping[str, Any]) -> dict[str, str]:
        """Paint a picture to its file; return the content's hash and, unless it was finished, the output's."""
        path = self.output / picture.output
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make the folder {path.parent} ({error.strerror}): choose another") from None
        target = find_target(path)
        if str(target) in self.protected:
            raise InputError(f"{picture.output} is one of the pictures painted from; choose another output")
        data = read_file(self.folder / picture.content)
        content = hashlib.sha256(data).hexdigest()
        if _is_finished(target, dict(essence) | {"content": content}):
            return {"content": content}
        photo = replace(self.read(data, picture.content), sha256=content)
        encoded = encode_image(self.made(photo), "png")
        replace_file(target, encoded)
        return {"content": content, "output": hashlib.sha256(encoded).hexdigest()}


@dataclass(frozen=True)
class FolderPainter(FolderWork):
    """What painting any picture of a folder after styles needs.

    Attributes:
        styles: Paintings, or names of styles that the network has learnt.
        method: How.
        masks: One per style, or none.
        grey: Whether a grey photo stays grey.
    """

    settings: OnePassSettings
    styles: Sequence[Image | str]
    method: str
    masks: Sequence[Image] = ()
    grey: bool = True

    def essence(self) -> dict[str, Any]:
        """Return what decides how every picture looks, and find out before the first one what would fail for all.

        Raises:
            ImpastoError: If no picture could be painted like this.
        """
        small = replace(self, settings=replace(self.settings, size=None))
        return essence_of(dict(small.made(ramp()).recipe or {}) | {"settings": asdict(self.settings)})

    def made(self, photo: Image) -> Image:
        """Return the painted picture."""
        styles, masks = list(self.styles), self.masks
        return stylize(photo, styles, method=self.method, settings=self.settings, masks=masks, grey=self.grey).image


def ramp() -> Image:
    """Return a small picture to find out with what would fail for all."""
    return Image(np.linspace(0, 255, 16 * 16 * 3).astype(np.uint8).reshape(16, 16, 3))


def check_same(here: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise unless another process would paint the same.

    Raises:
        WeightsError: If its network is another one.
    """
    if here != wanted:
        raise WeightsError("a worker has another network under this name; give all machines the same files")


def _is_finished(path: Path, essence: Mapping[str, Any]) -> bool:
    """Tell whether a picture lies there that was painted like this."""
    if not path.is_file():
        return False
    try:
        recipe = read_recipe(path)
        return recipe is not None and essence_of(recipe) == essence
    except (InputError, KeyError, TypeError, AttributeError):
        return False  # damaged, or a recipe that anybody may have written


def essence_of(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a recipe decides how the picture looks: not names, places, versions or the machine."""
    inputs: Mapping[str, Any] = recipe["inputs"]
    chosen: dict[str, Any] = {name: recipe.get(name) for name in _COMPARED}
    chosen["settings"] = {name: value for name, value in recipe["settings"].items() if name not in _NOT_COMPARED}
    chosen["weights"] = sorted(recipe["weights"].values())
    chosen["content"] = inputs["content"]["sha256"]
    for role in ("style", "masks"):
        given = inputs.get(role, [])
        chosen[role] = [each["sha256"] for each in (given if isinstance(given, list) else [given])]
    found: dict[str, Any] = json.loads(json.dumps(chosen))  # tuples are lists there
    return found
