"""Pictures with what they are called: folders of domains, pictures with attributes, or several such data sets.

Three layouts are known. `train/<domain>/*`: each picture belongs to the domain whose folder it lies in.
`list_attr_celeba.txt` beside a folder of pictures: a line with their number, one with the names of attributes, then
a line a picture, its file and 1 or -1 for each attribute, as CelebA has it. And a folder of folders each of which
is laid out in one of these two ways: several data sets, which train one network together.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from impasto.data.label_sets import ANY, LabelSet, LabelSets, check_name
from impasto.errors import ImpastoError, InputError, SettingError, check_choice, one_line
from impasto.image.files import SUFFIXES, pictures_in
from impasto.image.io import read_image
from impasto.image.regions import on_white
from impasto.image.resize import resize
from impasto.losses.tone import tone_loss
from impasto.weights.foreign_domains import CELEBA

ATTRIBUTES = "list_attr*.txt"
"""What attribute files are called."""
PICTURES = ("images", "img_align_celeba")
"""Where the pictures of an attribute file may lie, besides folders called like a split and beside it."""
THUMB, COMPARED, NEARER = 24, 12, 0.5
"""Pictures of one name in two domains are the same thing if light and dark in their thumbnails of so many pixels
each way, of so many of them, are this much nearer to each other than to the next ones."""


class Member(NamedTuple):
    """A picture and what it is.

    Attributes:
        path: Of its file.
        owner: Which data set it is of.
        present: Names that it has.
    """

    path: Path
    owner: int
    present: tuple[str, ...]


class AttributeFile(NamedTuple):
    """What a file of attributes says.

    Attributes:
        path: Of the file.
        stated: How many rows it says that it has; None if it does not.
        names: Of the attributes.
        rows: Which attributes each file has, by its name.
    """

    path: Path
    stated: int | None
    names: tuple[str, ...]
    rows: Mapping[str, frozenset[str]]


class Domains(NamedTuple):
    """What there is to train on, or to measure.

    Attributes:
        labels: All names.
        members: The pictures of a split, data set by data set.
    """

    labels: LabelSets
    members: Sequence[Member]


def find_domains(folder: Path, split: str = "train", attributes: str = "") -> Domains:
    """Find the pictures of a split; the names are those of `train`, whichever split it is.

    Args:
        folder: Of the data set, or with several of them in it.
        split: `train`, `val` or `test`.
        attributes: Which attributes to take of an attribute file, with commas between them.

    Raises:
        InputError: If it is laid out otherwise, or there is no picture.
        SettingError: If there are no such attributes.
    """
    data_sets = data_sets_in(folder)
    sets, members = [], list[Member]()
    for owner, data_set in enumerate(data_sets):
        listed = attribute_file(data_set)
        if listed is None:
            labels = LabelSet(domains_in(data_set), exclusive=True)
            found = list(_in_folders(data_set, split, labels, owner))
        else:
            labels = LabelSet(_chosen(read_attributes(listed), attributes), exclusive=False)
            found = list(_in_file(data_set, split, read_attributes(listed), labels, owner))
        sets.append(str(labels))
        members += found
    if not members:
        raise InputError(f"{one_line(str(folder))} holds no picture of {split}; looked for {', '.join(SUFFIXES)}")
    return Domains(LabelSets.read(sets), members)


def data_sets_in(folder: Path) -> list[Path]:
    """Return the data sets that a folder is, or has in it.

    Raises:
        InputError: If there is none.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {one_line(str(folder))}; give that of a data set")
    if _is_data_set(folder):
        return [folder]
    within = [path for path in sorted(folder.iterdir()) if path.is_dir() and _is_data_set(path)]
    if not within:
        raise InputError(
            f"{one_line(str(folder))} holds neither train with a folder for each domain nor {ATTRIBUTES} beside "
            "pictures; lay it out so, or give a folder of such folders"
        )
    return within


def domains_in(data_set: Path) -> tuple[str, ...]:
    """Return the names of the domains that have folders.

    Raises:
        InputError: If there is one alone, or one is called what has another meaning.
    """
    names = tuple(path.name for path in _folders(data_set / "train"))
    if len(names) < 2:
        raise InputError(f"{one_line(str(data_set / 'train'))} holds one domain alone, {names[0]}; two are needed")
    try:
        for name in names:
            check_name(name)
    except SettingError as error:
        raise InputError(f"{one_line(str(data_set))}: {error}") from None
    return names


def attribute_file(data_set: Path) -> Path | None:
    """Return the attribute file of a data set, if it has one."""
    return next(iter(sorted(data_set.glob(ATTRIBUTES))), None)


def read_attributes(path: Path) -> AttributeFile:
    """Read a file in the format of CelebA's `list_attr_celeba.txt`.

    Raises:
        InputError: If it is none, naming the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"{one_line(str(path))} cannot be read ({error}); give a text file") from None
    stated = int(lines.pop(0)) if lines and lines[0].strip().isdecimal() else None
    before = 1 if stated is None else 2
    names = tuple(lines[0].split()) if lines else ()
    if not names or len({*names}) < len(names):
        raise InputError(f"{one_line(str(path))} has no line of names, each once; see that of CelebA")
    rows = {}
    for number, line in enumerate(lines[1:], before + 1):
        if not line.strip():
            continue
        file, *values = line.split()
        if len(values) != len(names) or {*values} - {"1", "-1", "0"}:
            raise InputError(
                f"line {number} of {one_line(str(path))} is not a file and {len(names)} times 1 or -1; mend it"
            )
        rows[file] = frozenset(name for name, value in zip(names, values, strict=True) if value == "1")
    return AttributeFile(path, stated, names, rows)


def pictures_of(data_set: Path, split: str) -> list[Path]:
    """Return the pictures beside an attribute file: those of the split's folder; for `train` whatever there is."""
    places = [data_set / split, *((data_set / name for name in (*PICTURES, ".")) if split == "train" else ())]
    for place in places:
        if place.is_dir() and (found := _pictures(place)):
            return found
    return []


def of_one_name(members: Sequence[Member]) -> dict[tuple[int, str], dict[str, Member]]:
    """Return pictures of exclusive domains by data set and file name: what each domain has of that name.

    Names that only one domain has are left out.
    """
    found: dict[tuple[int, str], dict[str, Member]] = defaultdict(dict)
    for member in members:
        if len(member.present) == 1:
            found[member.owner, member.path.stem][member.present[0]] = member
    return {key: domains for key, domains in found.items() if len(domains) > 1}


def twins(domains: Domains) -> dict[tuple[int, str], dict[str, Member]]:
    """Return what is of one name in several domains, if that is the same thing and not numbering alone.

    It is where pictures of one name are much nearer to each other than to the next ones.
    """
    labels, named = domains.labels, of_one_name(domains.members)
    found: dict[tuple[int, str], dict[str, Member]] = {}
    for owner in {owner for owner, _ in named}:
        mine = {key: each for key, each in named.items() if key[0] == owner}
        if labels.sets[owner].exclusive and len(mine) > 1 and _are_alike([*mine.values()]):
            found |= mine
    return found


def with_truths(known: Mapping[tuple[int, str], Mapping[str, Member]]) -> list[tuple[Member, str, Member]]:
    """Return every picture of `twins` with each name to translate it to, and what it is to become."""
    return [
        (each[source], name, each[name])
        for each in known.values()
        for source in each
        for name in each
        if name != source
    ]


def split_by_name(members: Sequence[Member], every: int, most: int) -> tuple[list[Member], list[Member]]:
    """Return what is trained on and what is held out: one of so many pictures of each domain.

    Pictures that have one name in several domains are held out together.

    Args:
        members: All.
        every: One of how many is held out, at least.
        most: Most names that are held out of each domain.
    """
    groups: dict[tuple[object, ...], dict[str, list[Member]]] = defaultdict(lambda: defaultdict(list))
    together = {owner for owner, _ in of_one_name(members)}
    for member in members:
        alone = (member.owner,) if member.owner in together or len(member.present) != 1 else member[1:]
        groups[alone][member.path.stem].append(member)
    held_out = []
    for named in groups.values():
        for stem in sorted(named)[every // 2 :: max(every, len(named) // most)][:most]:
            held_out += named[stem]
    kept = {member.path for member in held_out}
    return [member for member in members if member.path not in kept], held_out


def _are_alike(named: Sequence[Mapping[str, Member]]) -> bool:
    thumbs = []
    for each in named[:: max(1, len(named) // COMPARED)][:COMPARED]:
        pair = sorted(each.items())[:2]
        try:
            thumbs.append([resize(on_white(read_image(member.path)), THUMB, THUMB) for _, member in pair])
        except ImpastoError:
            continue  # it will be passed over and named
    if len(thumbs) < 2:
        return False
    first, second = (torch.cat(side) for side in zip(*thumbs, strict=True))
    return bool(tone_loss(first, second) < NEARER * tone_loss(first, second.roll(1, 0)))


def _is_data_set(folder: Path) -> bool:
    return attribute_file(folder) is not None or bool(_folders(folder / "train"))


def _folders(place: Path) -> list[Path]:
    within = place.iterdir() if place.is_dir() else ()
    return sorted(path for path in within if path.is_dir() and path.name[0] != ".")


def _pictures(place: Path) -> list[Path]:
    try:
        return pictures_in(place)
    except InputError:
        return []  # an empty one is told of by the doctor


def _in_folders(data_set: Path, split: str, labels: LabelSet, owner: int) -> Iterator[Member]:
    for name in labels.names:
        for path in _pictures(data_set / split / name):
            yield Member(path, owner, (name,))


def _in_file(data_set: Path, split: str, listed: AttributeFile, labels: LabelSet, owner: int) -> Iterator[Member]:
    for path in pictures_of(data_set, split):
        if path.name in listed.rows:
            yield Member(path, owner, tuple(name for name in labels.names if name in listed.rows[path.name]))


def _chosen(listed: AttributeFile, attributes: str) -> tuple[str, ...]:
    """Return which attributes are learnt.

    Raises:
        SettingError: If one is not in the file.
    """
    if not attributes:
        return CELEBA if {*CELEBA} <= {*listed.names} else listed.names
    chosen = tuple(name.strip() for name in attributes.split(ANY))
    for name in chosen:
        check_choice(f"an attribute of {one_line(listed.path.name)}", name, listed.names)
    return chosen
