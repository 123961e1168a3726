"""The contestant's side: a process that does what it is told on its input, timed by the same code for everyone.

It needs nothing but Python, so that it runs in a peer's environment too.
"""

import json
import os
import sys
import time
from typing import Protocol

from contest.report import peak_gigabytes


class Contestant(Protocol):
    """Something that paints photos after styles."""

    def about(self) -> dict[str, str]:
        """Return versions."""

    def prepare(self, style: str) -> None:
        """Make ready to paint after a painting's file, or after a style known by name or number."""

    def load(self, photo: str) -> None:
        """Decode a photo's file."""

    def paint(self) -> None:
        """Paint: a decoded 8-bit picture in, a painted 8-bit picture of the same size out."""

    def save(self, path: str) -> None:
        """Write what was painted last."""


def serve(contestant: Contestant) -> None:
    """Answer calls such as `["load", "photo.png"]` until there are no more, each with seconds and peak memory."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    for line in sys.stdin:
        name, *given = json.loads(line)
        began = time.perf_counter()
        answer = getattr(contestant, name)(*given)
        seconds = time.perf_counter() - began
        reply = {"answer": answer, "seconds": seconds, "peak": peak_gigabytes()}
        print(json.dumps(reply), file=replies, flush=True)
