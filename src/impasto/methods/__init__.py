"""The methods, one file a paper; this is their table. Reading it imports none of them."""

from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType, ModuleType


@dataclass(frozen=True)
class Method:
    """One row of the table.

    Attributes:
        name: What a user calls it, and the name of its file.
        verb: Which verb it serves: `stylize`, `dream` or `translate`.
        settings: Name of its settings dataclass.
        what: One line on what it does.
        paper: Authors, title, venue or year.
        url: Where the paper is.
    """

    name: str
    verb: str
    settings: str
    what: str
    paper: str
    url: str

    def load(self) -> ModuleType:
        """Import the method's file, which has its settings class and `networks(settings)`."""
        return import_module(f"impasto.methods.{self.name}")


METHODS = MappingProxyType(
    {
        "gatys": Method(
            name="gatys",
            verb="stylize",
            settings="GatysSettings",
            what="paints one picture after any painting by optimising its pixels: slow, and the best quality",
            paper="Gatys, Ecker & Bethge, Image Style Transfer Using Convolutional Neural Networks, CVPR 2016",
            url="https://arxiv.org/abs/1508.06576",
        ),
    }
)
