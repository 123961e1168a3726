"""Where Gatys' method starts best: a draft painted in one pass, the content in the style's colours, or the content.

    python benchmarks/starts.py [--size 512] [--steps 100] [--pairs 3] [--schedules ...]

For three photo-painting pairs, and each start:

- at one size, how long it takes to the lowest loss that the content start has reached after `--steps` steps;
- with the default sizes from coarse to fine, how long it takes to the loss that the default start ends with.

The time of painting the draft counts, loading networks does not; the starts take turns step by step, so that a busy
moment of the machine hits all of them. Losses are those that are minimised, the best so far, at full size.

One JSON object a line; the last one is the summary, where ratios above 1 mean that the draft is sooner.
"""

import argparse
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch

import impasto
from contest.report import machine, say
from gatys import EXAMPLES, PAIRS
from impasto.methods.gatys import GatysSettings
from impasto.nn.compute import reused_memory
from impasto.result import Step
from impasto.verbs.stylize import stylize

STARTS = ("content", "toned", "draft")


class Point(NamedTuple):
    """How far a walk was after some seconds of its own: the best loss so far at full size."""

    seconds: float
    loss: float


class Walk(threading.Thread):
    """A painting that goes on one step at a time, when it is asked to."""

    def __init__(self, photo: str, painting: str, settings: GatysSettings) -> None:
        super().__init__(daemon=True)
        self.photo, self.painting, self.settings = photo, painting, settings
        self.points: list[Point] = []
        self.seconds, self._since, self._best = 0.0, 0.0, float("inf")
        self._turn, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self.over = False

    def run(self) -> None:
        """Paint, waiting for its turn before every step."""
        self._turn.acquire()
        self._since = time.perf_counter()
        stylize(self.photo, self.painting, settings=self.settings, on_step=self._stepped)
        self.over = True
        self._done.release()

    def step(self) -> None:
        """Let one step happen."""
        self._turn.release()
        self._done.acquire()

    def _stepped(self, step: Step) -> None:
        self.seconds += time.perf_counter() - self._since
        if step.losses and max(step.image.shape[-2:]) == self.settings.size:
            self._best = min(self._best, step.losses["total"])
            self.points.append(Point(self.seconds, self._best))
        self._done.release()
        self._turn.acquire()
        self._since = time.perf_counter()


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="longest side in pixels")
    parser.add_argument("--steps", type=int, default=100, help="steps from the content at one size")
    schedules = "one size", "default"
    parser.add_argument("--schedules", nargs="+", choices=schedules, default=schedules, help="which to race on")
    parser.add_argument("--pairs", type=int, default=len(PAIRS), help="how many photo-painting pairs")
    arguments = parser.parse_args()
    say(
        benchmark="starts",
        machine=machine(),
        threads=torch.get_num_threads(),
        versions={"torch": torch.__version__, "impasto": impasto.__version__},
        settings=vars(arguments),
    )
    one_size = GatysSettings(size=arguments.size, coarse_size=arguments.size, steps=arguments.steps)
    coarse_to_fine = GatysSettings(size=arguments.size)
    ratios: dict[str, list[float]] = {}
    with reused_memory():
        for photo, painting in PAIRS[: arguments.pairs]:
            paths = str(EXAMPLES / "photos" / f"{photo}.jpg"), str(EXAMPLES / "paintings" / f"{painting}.jpg")
            for name, settings, against in (
                ("one size", one_size, "content"),
                ("default", coarse_to_fine, "toned"),
            ):
                walks = race(*paths, settings, STARTS if against == "content" else STARTS[1:])
                goal = walks[against].points[-1].loss
                times = {start: reached(walk.points, goal) for start, walk in walks.items()}
                say(
                    pair=f"{photo} after {painting}",
                    schedule=name,
                    against=against,
                    goal=round(goal, 5),
                    seconds={start: None if found is None else round(found, 2) for start, found in times.items()},
                    first={start: round(walk.points[0].loss, 5) for start, walk in walks.items()},
                    last={start: round(walk.points[-1].loss, 5) for start, walk in walks.items()},
                )
                needed, draft = times[against], times["draft"]
                assert needed is not None
                ratios.setdefault(name, []).append(0.0 if draft is None else round(needed / draft, 2))
    say(
        summary="starts",
        ratio={name: statistics.median(found) for name, found in ratios.items()},
        ratios=ratios,
    )


def race(photo: str, painting: str, settings: GatysSettings, starts: Sequence[str]) -> dict[str, Walk]:
    """Return a finished walk from each start; they take turns."""
    for start in starts:  # loads what each needs
        stylize(photo, painting, settings=replace(settings, init=start, size=64, coarse_size=64, steps=1))
    walks = {start: Walk(photo, painting, replace(settings, init=start)) for start in starts}
    for walk in walks.values():
        walk.start()
    while not all(walk.over for walk in walks.values()):
        for walk in walks.values():
            if not walk.over:
                walk.step()
    return walks


def reached(points: Sequence[Point], goal: float) -> float | None:
    """Return the seconds to a loss, or None if it was not reached."""
    return next((point.seconds for point in points if point.loss <= goal), None)


if __name__ == "__main__":
    main()
