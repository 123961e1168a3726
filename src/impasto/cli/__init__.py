"""The command line, one command a file. Help and refusals import none of them, so they answer at once."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import FrameType

from impasto._version import __version__
from impasto.cli.console import say, unknown
from impasto.errors import ImpastoError

COMMANDS = {
    "stylize": "paint pictures after paintings",
    "translate": "turn pictures into others with a network trained on pairs",
    "edit": "remove, move, add and restyle objects of label maps, and paint them",
    "dream": "paint into pictures what a network sees in them",
    "studio": "do all this in the browser",
    "sheet": "paint one picture with many settings, side by side",
    "layers": "see what the layers of a network see, or what they dream of",
    "train": "teach a network to paint, or to translate, from folders of pictures",
    "evaluate": "measure what a network makes of pictures it was not trained on",
    "data": "look at a data folder before a training does",
    "reproduce": "paint a picture again from the recipe it carries",
    "export": "write a trained network as an ONNX file",
    "demo": "paint a bundled photo after a bundled painting",
    "methods": "list the methods; with a name: paper, settings, networks",
    "weights": "list, fetch and check the networks that see",
    "convert": "make a model file of a network that others published",
}
"""Every command and what it does; `impasto.cli.NAME` is its file, whose `main` takes the words after it."""

MISTAKE, INTERRUPTED, BROKEN_PIPE, TERMINATED = 2, 130, 141, 143


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM); what is kept on Ctrl-C is kept then too."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words after `impasto`; those of the process if not given.

    Returns:
        The exit code: 0, 2 for what a user can mend, 130 on Ctrl-C, 143 on SIGTERM.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    name = words[0] if words else "--help"
    if name in ("-h", "--help"):
        return _guarded(lambda: print(overview()))
    if name in ("-V", "--version"):
        return _guarded(lambda: print(f"impasto {__version__}"))
    return _guarded(lambda: _run(name, words[1:]))


def overview() -> str:
    """Return what `impasto --help` prints."""
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:<{width}}  {what}" for name, what in COMMANDS.items())
    return (
        "usage: impasto COMMAND …\n\n"
        "Paint with deep networks.\n\n"
        f"commands:\n{rows}\n\n"
        "  impasto stylize photo.jpg --style painting.jpg -o painted.png\n"
        "  impasto COMMAND --help tells all of a command\n"
        "  impasto --version"
    )


def _run(name: str, words: list[str]) -> int | None:
    if name not in COMMANDS:
        raise ImpastoError(unknown(name, COMMANDS, f"choose one of {', '.join(COMMANDS)}"))
    with _termination():
        code: int | None = import_module(f"impasto.cli.{name}").main(words)
    return code


def _guarded(command: Callable[[], int | None]) -> int:
    """Run a command and turn what may end it early into an exit code and, where it helps, one line."""
    try:
        code = command() or 0
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # what reads our output has gone; whatever is still buffered must not complain at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Terminated:
        return TERMINATED
    except KeyboardInterrupt:
        return INTERRUPTED
    except MemoryError:
        return _refuse("out of memory; choose a smaller size or a smaller picture")
    except (ImpastoError, OSError) as error:
        return _refuse(str(error))
    return code


def _refuse(message: str) -> int:
    say("impasto: " + " ".join(message.split()))
    return MISTAKE


@contextmanager
def _termination() -> Iterator[None]:
    """Make SIGTERM raise where the command is, as Ctrl-C does."""

    def terminate(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    try:
        before = signal.signal(signal.SIGTERM, terminate)
    except ValueError:  # not in the main thread, where alone signals can be handled
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
