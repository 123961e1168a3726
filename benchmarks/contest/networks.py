"""Our networks that take part: found by name or file, with what their files say about their training."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from contest.workers import Contestant, command
from impasto.methods import METHODS
from impasto.nn.perceptual import PerceptualSettings
from impasto.weights.model import Card, read_model
from impasto.weights.store import catalog, find


@dataclass(frozen=True)
class Network:
    """A trained network.

    Attributes:
        method: Which method's.
        path: Its file.
        card: What the file says about it; `training["paintings"]`, if there, names the paintings it was trained on.
    """

    method: str
    path: Path
    card: Card

    def style_of(self, painting: Path) -> str | None:
        """Return how it is told a painting: its file, or the name it has learnt it by, if it has."""
        if not self.card.styles:
            return str(painting)
        return next((style for style in self.card.styles if _plain(style) == _plain(painting.stem)), None)

    def has_seen(self, painting: Path) -> bool | None:
        """Tell whether it was trained on a painting; None if its file does not say."""
        known = self.card.styles or self.card.training.get("paintings")
        return None if known is None else _plain(painting.stem) in map(_plain, known)

    def contestant(self, threads: int) -> Contestant:
        """Return the process that paints with it."""
        start = command(sys.executable, "ours", method=self.method, model=str(self.path), threads=threads)
        own = self.card.styles[0] if self.card.styles else None
        return Contestant(self.method, start, self.style_of, own)

    def about(self, paintings: Sequence[Path]) -> dict[str, object]:
        """Return what is reported of it."""
        return {
            "file": self.path.name,
            "settings": dict(self.card.settings),
            "training": dict(self.card.training),
            "trained_on": {painting.stem: self.has_seen(painting) for painting in paintings},
        }


def networks(given: Sequence[str]) -> list[Network]:
    """Return the networks given as `METHOD=FILE`, and those of the catalogue for the other methods."""
    paths = {name: find(name) for name, row in METHODS.items() if row.one_pass and name in catalog()}
    for each in given:
        method, _, file = each.partition("=")
        if method not in METHODS or not METHODS[method].one_pass or not Path(file).is_file():
            methods = ", ".join(name for name, row in METHODS.items() if row.one_pass)
            sys.exit(f"--models {each}: give METHOD=FILE with an existing file; methods are {methods}")
        paths[method] = Path(file).resolve()
    found = [Network(method, path, read_model(path)[0]) for method, path in paths.items()]
    for network in found:
        if network.card.method != network.method:
            sys.exit(f"{network.path} is a network for {network.card.method}, not for {network.method}")
    return found


def objective_of(networks: Sequence[Network]) -> PerceptualSettings:
    """Return the perceptual objective the first network was trained on that has one; else the usual one."""
    known = {field.name for field in fields(PerceptualSettings)}
    for network in networks:
        if issubclass(_settings_class(network.method), PerceptualSettings):
            stored = {name: value for name, value in network.card.settings.items() if name in known}
            return replace(network.card, settings=stored).settings_as(PerceptualSettings)
    return PerceptualSettings()


def _settings_class(method: str) -> type:
    kind: type = getattr(METHODS[method].load(), METHODS[method].settings)
    return kind


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")
