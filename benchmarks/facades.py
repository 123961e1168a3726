"""Façades from label maps: Pix2Pix against its L1 term alone, trained equally long, measured as they learn.

    python benchmarks/facades.py DATA RUNS [--epochs 25] [--decay-epochs 15] [--size 128] [--base-channels 32]

DATA holds `train` and `val` of the CMP façades, picture left, label map right. Two trainings of as many steps run
side by side, with half of the cores each, in folders under RUNS; interrupted, the same command goes on. Upsampling
is nearest, what is kept is a running mean of the generator, and since 400 pictures are few, the discriminator sees
them changed by DiffAugment. Both are the same but for the adversarial term. Every
`--every` steps the networks are kept, and in the end all of them are measured on `val` by `impasto evaluate`, and a
sheet is written to look at. One JSON object a line; the last one is the summary, its ratio the Fréchet distance of
the L1 term's network divided by that of Pix2Pix: above 1 means that Pix2Pix's façades are more like real ones.
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

from contest.report import machine, say
from contest.trainings import start_training
from impasto.data.paired import whole_pair
from impasto.data.pairs import find_pairs
from impasto.image.grid import grid
from impasto.image.io import Image, read_image, write_image
from impasto.methods.pix2pix import Pix2PixSettings, card_of
from impasto.training.checkpoint import SafetensorsCheckpoints
from impasto.verbs.evaluate import FRECHET, evaluate
from impasto.verbs.translate import translate
from impasto.weights.model import write_model

TRAININGS = {"pix2pix": ("--gan-weight", "1", "--diff-augment"), "l1": ("--gan-weight", "0")}
SHOWN = 6
"""Façades on the sheet `facades.png`."""
POLLED = 2.0
"""Seconds between two looks at what trainings have kept."""


def start(name: str, arguments: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Start a training, or go on with it."""
    settings = {
        "--data": arguments.data, "--direction": "BtoA", "--crop-size": arguments.size,
        "--load-size": arguments.size * 286 // 256, "--num-downs": arguments.size.bit_length() - 1,
        "--base-channels": arguments.base_channels,
        "--epochs": arguments.epochs, "--decay-epochs": arguments.decay_epochs,
        "--evaluate-every": arguments.every, "--patience": 0, "--upsampling": "resize",
        "--l1-weight": arguments.l1_weight, "--ema-decay": 0.999,
    }  # fmt: skip
    return start_training("pix2pix", arguments.runs / name, settings, TRAININGS[name])


def keep(name: str, arguments: argparse.Namespace) -> None:
    """Keep the last checkpoint if it is the first after so many more steps."""
    last = arguments.runs / name / "checkpoints" / "last.safetensors"
    if not last.is_file():
        return
    kept = arguments.runs / f"{name}-kept"
    kept.mkdir(exist_ok=True)
    lines = (arguments.runs / name / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    step = int(lines[-1].split('"step": ')[1].split(",")[0]) if lines else 0
    target = kept / f"{step // arguments.every * arguments.every:07}.safetensors"
    if step >= arguments.every and not target.is_file():
        shutil.copyfile(last, target)


def measure(name: str, path: Path, arguments: argparse.Namespace) -> tuple[int, float]:
    """Return the steps of a checkpoint, and the Fréchet distance of its façades."""
    checkpoint = SafetensorsCheckpoints().load_checkpoint(path)
    prefix = "averaged.module."
    state = checkpoint["state_dict"].items()
    tensors = {each.removeprefix(prefix): tensor for each, tensor in state if each.startswith(prefix)}
    size, base = arguments.size, arguments.base_channels
    settings = Pix2PixSettings(
        crop_size=size,
        load_size=size,
        num_downs=size.bit_length() - 1,
        base_channels=base,
        upsampling="resize",
        direction="BtoA",
    )
    model = path.with_suffix(".model.safetensors")
    write_model(model, tensors, card_of(settings))
    found = evaluate(model, data=arguments.data)
    steps = int(checkpoint["global_step"]) // (2 if name == "pix2pix" else 1)
    say(name=name, step=steps, values={measured: round(value, 4) for measured, value in found.values.items()},
        interval=[round(limit, 1) for limit in found.intervals[FRECHET]])  # fmt: skip
    return steps, found.values[FRECHET]


def write_sheet(arguments: argparse.Namespace) -> None:
    """Put label maps of `val` beside what both networks make of them in the end, and the photos."""
    models = {name: arguments.runs / f"{name}-kept" / "9999999.model.safetensors" for name in TRAININGS}
    cells: list[Image | None] = []
    for pair in find_pairs(arguments.data, "val", "BtoA").pairs[:SHOWN]:
        labels, photo = (read_image(each) for each in whole_pair(pair, arguments.size, (3, 3)))
        cells += [labels, *(translate(models[name], labels).image for name in ("l1", "pix2pix")), photo]
    names = ("labels", "L1 alone", "Pix2Pix", "photo")
    write_image(grid(cells, columns=4, column_labels=names), arguments.runs / "facades.png")


def main() -> None:
    """Train both, and measure what was kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--base-channels", type=int, default=32)
    parser.add_argument("--l1-weight", type=float, default=100.0, help="the paper's λ")
    parser.add_argument("--epochs", type=int, default=25, help="at the full rate")
    parser.add_argument("--decay-epochs", type=int, default=15, help="after them, in which it falls")
    parser.add_argument("--every", type=int, default=2000, help="steps between two networks that are measured")
    arguments = parser.parse_args()
    arguments.runs.mkdir(parents=True, exist_ok=True)
    say(
        benchmark="facades",
        machine=machine(),
        settings={k: v for k, v in vars(arguments).items() if isinstance(v, int | float)},
    )
    began = time.perf_counter()
    running = {name: start(name, arguments) for name in TRAININGS}
    while running:
        time.sleep(POLLED)
        for name, process in list(running.items()):
            ended = process.poll()
            keep(name, arguments)
            if ended is not None:
                del running[name]
                if ended:
                    sys.exit(f"the training {name} ended with {ended}; see {arguments.runs / name}.log")
                shutil.copyfile(
                    arguments.runs / name / "checkpoints" / "last.safetensors",
                    arguments.runs / f"{name}-kept" / "9999999.safetensors",
                )
    trained = time.perf_counter() - began
    last: dict[str, float] = {}
    for name in TRAININGS:
        for path in sorted((arguments.runs / f"{name}-kept").glob("???????.safetensors")):
            _, last[name] = measure(name, path, arguments)
    write_sheet(arguments)
    say(summary=True, minutes=round(trained / 60, 1), last=last, ratio=round(last["l1"] / last["pix2pix"], 2))


if __name__ == "__main__":
    main()
