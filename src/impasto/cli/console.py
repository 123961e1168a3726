"""What a person or a program reads on standard output and standard error."""

import json
import math
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TextIO


def say(line: str) -> None:
    """Print one line on standard error, unless that is closed."""
    if sys.stderr is not None:
        print(line, file=sys.stderr, flush=True)


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a person sees what is written to a stream, which is None when closed."""
    return stream is not None and stream.isatty()


def warn(line: str) -> None:
    """Print a warning on standard error."""
    say(f"impasto: warning: {line}")


def print_json(answer: dict[str, Any]) -> None:
    """Print one JSON object on standard output; escapes keep it readable whatever a file is called."""
    print(json.dumps(answer, allow_nan=False))


def finite(losses: Mapping[str, float]) -> dict[str, float | None]:
    """Return losses as JSON can hold them; what is not finite is null."""
    return {name: loss if math.isfinite(loss) else None for name, loss in losses.items()}


def unknown(word: str, known: Iterable[str], ending: str) -> str:
    """Word what is wrong with a word that means nothing, with the nearest that do.

    Args:
        word: As typed.
        known: What would mean something.
        ending: What to do.

    Example:
        >>> unknown("stylise", ["stylize", "sheet"], "choose one of stylize, sheet")
        'there is no stylise; did you mean stylize? Choose one of stylize, sheet'
    """
    import difflib

    near = difflib.get_close_matches(word, known, n=3)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    return f"there is no {word}; {meant}{ending[0].upper() if near else ending[0]}{ending[1:]}"
