"""Pictures of one kind turned into another without pairs: CycleGAN against CUT and FastCUT, measured as they learn.

    python benchmarks/unpaired.py A B RUNS [--minutes 60] [--size 128] [--base-channels 32] [--methods cyclegan cut]
        [--give cyclegan.identity-weight=0]

A and B are folders of pictures of two kinds, such as `weather4/train/Cloudy` and `weather4/train/Sunrise`; every
tenth picture of each is held out, and never trained on. The trainings run side by side, each with its share of the
cores, for as many minutes, in folders under RUNS; the same command again goes on for as many more.
Upsampling is nearest where there is a choice, and what is kept is a running mean of the generator.

Every look at held-out pictures is a line with the kernel distance of what was made of A to B and the correlation of
edges with what went in. In the end the best and the last networks are measured by `impasto evaluate`, beside what
went in, and a sheet is written to look at. One JSON object a line; the last one is the summary: `fall` is the share
by which the kernel distance to B is less than that of the untranslated pictures, and `ratio` that of the best
CycleGAN's distance to the best of the others': above 1 means that the latter is nearer to B.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, get_args

from contest.report import machine, say
from contest.trainings import start_training
from impasto.image.files import pictures_in
from impasto.image.grid import grid
from impasto.image.io import Image, read_image, write_image
from impasto.methods import METHODS
from impasto.nn.adversarial import Architecture
from impasto.verbs.evaluate import KERNEL, evaluate
from impasto.verbs.translate import translate

HELD_OUT_EVERY = 10
SHOWN = 6
"""Pictures on the sheet `unpaired.png`."""
POLLED = 2.0
"""Seconds between two looks at what trainings have measured."""
FOREVER = 100_000
"""Epochs: the time ends a training, not its last step; the rate stays."""


def lay_out(folder: Path, kinds: dict[str, Path]) -> None:
    """Link the pictures of both kinds as a data set, every so-manieth held out."""
    for side, source in kinds.items():
        for number, path in enumerate(pictures_in(source, within=True)):
            split = "val" if number % HELD_OUT_EVERY == HELD_OUT_EVERY // 2 else "train"
            link = folder / f"{split}{side}" / path.name
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(path.resolve())


def start(method: str, arguments: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Start a training, or go on with it."""
    settings = {
        "--data": arguments.runs / "data",
        "--generator": arguments.generator, "--num-downs": (arguments.size & -arguments.size).bit_length() - 1,
        "--crop-size": arguments.size, "--load-size": arguments.size * 286 // 256,
        "--base-channels": arguments.base_channels, "--num-blocks": arguments.num_blocks,
        "--epochs": FOREVER, "--decay-epochs": 0, "--ema-decay": 0.999,
        "--evaluate-every": arguments.every, "--patience": 0, "--learning-rate": arguments.learning_rate,
    }  # fmt: skip
    if method == "cyclegan":
        settings["--upsampling"] = "resize"
    for method_of, name, value in arguments.give:
        if method_of == method:
            settings[f"--{name}"] = value
    run = arguments.runs / method
    switches = ("--diff-augment",) if arguments.diff_augment else ()
    return start_training(method, run, settings, switches, beside=len(arguments.methods))


def given(text: str) -> tuple[str, str, str]:
    """Return the method, the name and the value of `METHOD.NAME=VALUE`."""
    named, _, value = text.partition("=")
    method, _, name = named.partition(".")
    if not (method in METHODS and name and value):
        raise argparse.ArgumentTypeError(f"{text} is not METHOD.NAME=VALUE, such as cyclegan.identity-weight=0")
    return method, name, value


def looks(run: Path) -> list[dict[str, float]]:
    """Return what was measured of held-out pictures so far."""
    path = run / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    found = [json.loads(line) for line in lines if line.endswith("}")]
    return [line for line in found if "held_out_kid_b" in line]


def train_all(arguments: argparse.Namespace) -> dict[str, float]:
    """Train all until their time is over, telling of every look; return the seconds that each took."""
    running = {method: start(method, arguments) for method in arguments.methods}
    told = {method: len(looks(arguments.runs / method)) for method in arguments.methods}
    began = time.perf_counter()
    taken: dict[str, float] = {}
    while running:
        time.sleep(POLLED)
        over = time.perf_counter() - began > 60 * arguments.minutes
        for method, process in list(running.items()):
            for look in looks(arguments.runs / method)[told[method] :]:
                told[method] += 1
                say(name=method, step=look["step"], kid=look["held_out_kid_b"], edges=look["held_out_edges"])
            ended = process.poll()
            if ended not in (None, 0, 130, 143):
                sys.exit(f"the training {method} ended with {ended}; see {arguments.runs / method}.log")
            if over and ended is None:
                process.terminate()
                ended = process.wait()
            if ended is not None:
                taken[method] = time.perf_counter() - began
                del running[method]
    return taken


def measure(method: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return how near the best network of a training comes to B, and how much of the structure it keeps."""
    found = evaluate(arguments.runs / method / "model.safetensors", data=arguments.runs / "data")
    kid, input_kid = found.values[KERNEL], found.values[f"input_{KERNEL}"]
    measured = {
        "kid": round(kid, 5), "input_kid": round(input_kid, 5), "fall": round(1 - kid / input_kid, 3),
        "interval": [round(limit, 5) for limit in found.intervals[KERNEL]],
        "edges": round(found.values["edge_correlation"], 3), "count": found.protocol["count"],
    }  # fmt: skip
    say(name=method, **measured)
    return measured


def write_sheet(arguments: argparse.Namespace) -> None:
    """Put held-out pictures beside what each network makes of them."""
    cells: list[Image | None] = []
    for path in pictures_in(arguments.runs / "data" / "valA")[:SHOWN]:
        cells.append(read_image(path))
        for method in arguments.methods:
            model = arguments.runs / method / "model.safetensors"
            cells.append(translate(model, path, size=2 * arguments.size).image)
    names = ("input", *arguments.methods)
    write_image(grid(cells, columns=len(names), column_labels=names), arguments.runs / "unpaired.png")


def main() -> None:
    """Train all, and measure what was kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", type=Path, help="pictures to translate")
    parser.add_argument("b", type=Path, help="pictures of what they become")
    parser.add_argument("runs", type=Path)
    known = [name for name, method in METHODS.items() if method.unpaired and name != "sincut"]
    parser.add_argument("--methods", nargs="+", choices=known, default=["cyclegan", "cut", "fastcut"])
    parser.add_argument("--minutes", type=float, default=60, help="of training, for all of them side by side")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--base-channels", type=int, default=32)
    parser.add_argument("--num-blocks", type=int, default=6)
    parser.add_argument("--generator", choices=get_args(Architecture), default="resnet")
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--diff-augment", action="store_true", help="for long trainings on few pictures")
    parser.add_argument(
        "--give", nargs="+", type=given, default=[], metavar="METHOD.NAME=VALUE",
        help="settings of one method alone, such as cyclegan.identity-weight=0",
    )  # fmt: skip
    parser.add_argument("--every", type=int, default=500, help="steps between two looks")
    arguments = parser.parse_args()
    arguments.runs.mkdir(parents=True, exist_ok=True)
    lay_out(arguments.runs / "data", {"A": arguments.a, "B": arguments.b})
    told = {name: value for name, value in vars(arguments).items() if not isinstance(value, Path)}
    say(benchmark="unpaired", machine=machine(), settings=told)
    taken = train_all(arguments)
    measured = {method: measure(method, arguments) for method in arguments.methods}
    write_sheet(arguments)
    others = [each["kid"] for method, each in measured.items() if method != "cyclegan"]
    ratio = round(measured["cyclegan"]["kid"] / min(others), 2) if others and "cyclegan" in measured else None
    minutes = {method: round(seconds / 60, 1) for method, seconds in taken.items()}
    say(summary=True, minutes=minutes, measured=measured, ratio=ratio)


if __name__ == "__main__":
    main()
