"""impasto paints with deep networks."""

from impasto._version import __version__

__all__ = ["__version__"]
