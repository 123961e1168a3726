"""What one network knows by name: domains of which a picture has one, attributes of which it has any number.

A label is a vector with a place for each name, 1 where a picture has it and 0 where not. A network that learns from
several data sets knows the names of all of them; of a picture only those of its own data set are known. The others
are 0, and behind them comes the mask: which data set's names are meant (Choi et al. 2018, arXiv:1711.09020, section
3.3).

    Black_Hair Blond_Hair Male   happy sad   mask
         1          0       1       0    0    1 0       a picture of the first data set
         0          0       0       0    1    0 1       one of the second
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from impasto.errors import SettingError, check_choice, one_line

EITHER, ANY = "|", ","
"""What stands between names of domains that exclude each other, and between attributes."""
ALL = "all"
"""Stands for every name."""
HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
"""Attributes of CelebA of which nobody has two: the authors' code sets one of them and unsets the others."""
_WANTED = f"names with {EITHER} between them of which a picture has one, or with {ANY} of which it has any number"


@dataclass(frozen=True)
class LabelSet:
    """The names of one data set.

    Attributes:
        names: In the order of their places in a label.
        exclusive: Whether a picture has exactly one of them.
    """

    names: tuple[str, ...]
    exclusive: bool

    @classmethod
    def read(cls, text: str) -> "LabelSet":
        """Return the names that a text gives: `Cloudy|Rain|Shine`, or `Black_Hair,Male`.

        Raises:
            SettingError: If it is none.
        """
        if not isinstance(text, str):
            raise SettingError(f"domains is {text!r}; allowed are {_WANTED}")
        exclusive = EITHER in text
        names = tuple(text.split(EITHER if exclusive else ANY))
        for name in names:
            check_name(name)
        if len({*names}) < len(names):
            raise SettingError(f"domains is {text!r}, where a name comes twice; allowed are {_WANTED}")
        return cls(names, exclusive)

    def __str__(self) -> str:
        """Return the names as a text that `read` reads."""
        return (EITHER if self.exclusive else ANY).join(self.names)


def check_name(name: str) -> None:
    """Raise unless something can be called so.

    Raises:
        SettingError: If the name has another meaning.
    """
    if not name.strip() or name == ALL or EITHER in name or ANY in name:
        raise SettingError(
            f"a domain is called {one_line(name)!r}; allowed are names without {EITHER} and {ANY}, but not "
            f"{ALL!r}: rename it"
        )


@dataclass(frozen=True)
class LabelSets:
    """The names of all data sets, and what labels look like."""

    sets: tuple[LabelSet, ...]

    @classmethod
    def read(cls, texts: Sequence[str]) -> "LabelSets":
        """Return what texts give, one for each data set.

        Raises:
            SettingError: If a name comes twice, or is none.
        """
        found = cls(tuple(LabelSet.read(text) for text in texts))
        if twice := sorted({name for name in found.names if found.names.count(name) > 1}):
            raise SettingError(f"two data sets have {twice[0]}; rename one: domains are called by name")
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of their places."""
        return tuple(name for each in self.sets for name in each.names)

    @property
    def channels(self) -> int:
        """Places of a label: one for each name, and with several data sets one for each of these."""
        return len(self.names) + (len(self.sets) if len(self.sets) > 1 else 0)

    @property
    def groups(self) -> list[tuple[int, bool]]:
        """How many names each data set has, and whether they exclude each other."""
        return [(len(each.names), each.exclusive) for each in self.sets]

    def first(self, owner: int) -> int:
        """Return the place of a data set's first name."""
        return sum(len(each.names) for each in self.sets[:owner])

    def owner(self, name: str) -> int:
        """Return which data set has a name."""
        return next(number for number, each in enumerate(self.sets) if name in each.names)

    def masked(
        self, known: Float[Tensor, "b names"], owners: Int[Tensor, " b"]
    ) -> Float[Tensor, "b label_channels"]:
        """Return labels with their masks, if there are several data sets.

        Args:
            known: What pictures have, 0 where that is not known.
            owners: Which data set each of them is of.
        """
        if len(self.sets) < 2:
            return known
        mask = torch.nn.functional.one_hot(owners, len(self.sets))
        return torch.cat([known, mask.to(known.dtype)], dim=1)

    def label(self, names: Sequence[str]) -> Float[Tensor, "1 label_channels"]:
        """Return the label of what has some names and no others.

        Raises:
            SettingError: If there is no such name, or no picture can have them all.
        """
        for name in names:
            check_choice("the domain to translate to", name, self.names)
        owners = {self.owner(name) for name in names}
        if len(owners) > 1:
            both = [next(name for name in names if self.owner(name) == owner) for owner in sorted(owners)[:2]]
            raise SettingError(f"{' and '.join(both)} are of two data sets; name those of one")
        (owner,) = owners
        for excluding in (self.sets[owner].names if self.sets[owner].exclusive else (), HAIR):
            if len(several := [name for name in dict.fromkeys(names) if name in excluding]) > 1:
                raise SettingError(f"{' and '.join(several)} exclude each other; name one of them")
        known = torch.zeros(1, len(self.names))
        for name in names:
            known[0, self.names.index(name)] = 1
        return self.masked(known, torch.tensor([owner]))

    def chosen(self, text: str | None) -> dict[str, Float[Tensor, "1 label_channels"]]:
        """Return the labels that a text asks for, by what they are called: `Male,Young` is one, `all` each name.

        Raises:
            SettingError: If nothing is asked for, or something that is not allowed.
        """
        if text is None:
            raise SettingError(f"to is not given; choose of {', '.join(self.names)}, or {ALL}")
        if text == ALL:
            return {name: self.label([name]) for name in self.names}
        return {text: self.label([name.strip() for name in text.split(ANY)])}

    def changed(self, present: Sequence[str], name: str) -> list[str]:
        """Return what a picture has once it is translated to a name: what excludes that, it has no more.

        Args:
            present: What it has, all of one data set.
            name: Another name of this data set.
        """
        excluded = self.sets[self.owner(name)].names if self.sets[self.owner(name)].exclusive else HAIR
        kept = [each for each in present if not (name in excluded and each in excluded)]
        return [*dict.fromkeys([*kept, name])]
