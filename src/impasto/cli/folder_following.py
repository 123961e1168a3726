"""A folder painted for a person: how far it is, what failed, and where the manifest lies."""

import time
from collections import Counter
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from impasto.cli.console import print_json, say
from impasto.cli.progress import folder_bar
from impasto.errors import ImpastoError, one_line
from impasto.nn.compute import reused_memory
from impasto.result import duration
from impasto.verbs.folder import MANIFEST
from impasto.verbs.folder_painter import Outcome


def follow(outcomes: Generator[Outcome, None, None], output: Path, *, as_json: bool) -> int:
    """Let a folder be painted; say what fails as it does, and at the end how many did.

    Args:
        outcomes: What becomes of each picture, as it is painted.
        output: The output folder.
        as_json: Whether to print a summary as one JSON object.

    Raises:
        ImpastoError: At the end, if any failed.
        KeyboardInterrupt: After it was said how to go on.
    """
    began, counts, stop = time.perf_counter(), Counter[str](), None
    where = one_line(str(output / MANIFEST))
    try:
        with closing(outcomes), folder_bar(one_line(output.name)) as show, reused_memory():
            for outcome in outcomes:
                counts[outcome.status] += 1
                show(outcome.index, outcome.total)
                if outcome.status == "failed":
                    named = Path(outcome.content).name in outcome.error
                    say(f"impasto: {'' if named else f'{one_line(outcome.content)}: '}{outcome.error}")
    except KeyboardInterrupt as interrupt:
        stop = interrupt
    seconds, done = time.perf_counter() - began, sum(counts.values())
    if as_json:
        told = {status: counts[status] for status in ("painted", "kept", "failed")}
        print_json(
            {"output": str(output), "manifest": str(output / MANIFEST), **told, "seconds": round(seconds, 3)}
        )
    kept = f", {counts['kept']} kept that were finished before" if counts["kept"] else ""
    said = f"{one_line(str(output))}: {counts['painted']} painted{kept}, {duration(seconds)}"
    if stop:
        say(f"{said}; interrupted, and the same command goes on from there")
        raise stop
    say(said)
    if counts["failed"]:
        raise ImpastoError(f"{counts['failed']} of {done} pictures could not be painted; they are named in {where}")
    return 0
