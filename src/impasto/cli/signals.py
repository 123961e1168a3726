"""Signals wait while a picture is being written."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from impasto.cli import Terminated
from impasto.cli.words import STDIN


@contextmanager
def undisturbed(target: str) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block, which writes a picture, has ended.

    Args:
        target: Where it is written to; what reads standard output may never do so, and then nothing waits.

    Raises:
        KeyboardInterrupt: After the block, if one of them came.
    """
    if target == STDIN or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    numbers = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) != signal.SIG_IGN]
    before = {each: signal.signal(each, lambda number, _frame: came.append(number)) for each in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise Terminated if signal.SIGTERM in came else KeyboardInterrupt
