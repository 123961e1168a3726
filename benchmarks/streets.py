"""Streets from label maps: SPADE and Pix2PixHD trained at a CPU's size, and what a segmenter finds in them.

    python benchmarks/streets.py DATA RUNS [--size 128] [--hours 1]

DATA holds `train`, `trainannot`, `val` and `valannot` of CamVid. Both networks train side by side, with half of the
cores each, in folders under RUNS, for at most so many hours; interrupted, the same command goes on. A small
segmenter learns from the real training photos and is asked about real validation photos and about those that the
networks paint of the same maps; `ratio` is its agreement there divided by that on real photos. Then road becomes
grass in every map (what changes inside and outside of it, in levels of 8 bits). Two sheets to look at are written:
`streets.png`, and `edited.png` with a car of one map removed, moved and restyled, and one added. One JSON object a
line.
"""

import argparse
import subprocess
import time
from pathlib import Path

import numpy as np
import torch

from contest.report import machine, say
from contest.segmenter import Agreement, Segmenter, train_segmenter
from contest.trainings import start_training
from impasto.data.labelled import Labelled, find_labelled, read_labelled
from impasto.image.grid import grid
from impasto.image.io import Image, write_image
from impasto.image.regions import visible_colors
from impasto.verbs.edit import edit
from impasto.verbs.translate import translate

CLASSES, ROAD, GRASS, CAR = 11, 3, 5, 8
"""Of CamVid as SegNet's tutorial has it: its trees are the nearest to grass."""
COLORS = np.array(
    [(128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (0, 0, 192), (128, 128, 0), (192, 128, 128),
     (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192), (0, 0, 0)],
    np.uint8,
)  # fmt: skip
"""What maps are shown in; the last is no class."""
SHOWN = 4
"""Streets on the sheet."""
WEIGHTS: dict[str, dict[str, object]] = {
    "spade": {"--base-channels": 16, "--num-ups": 5, "--discriminator-channels": 32},
    "pix2pixhd": {
        "--base-channels": 32, "--num-downs": 2, "--num-blocks": 6, "--discriminator-channels": 32,
        "--num-scales": 2, "--instance-features": 3, "--upsampling": "resize",
    },
}  # fmt: skip


def start(name: str, arguments: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Start a training, or go on with it."""
    settings: dict[str, object] = {
        "--data": arguments.data, "--classes": CLASSES,
        "--crop-size": arguments.size, "--load-size": arguments.size,
        "--epochs": arguments.epochs, "--decay-epochs": arguments.epochs, "--patience": 0,
    }  # fmt: skip
    return start_training(name, arguments.runs / name, settings | WEIGHTS[name])


def train(arguments: argparse.Namespace) -> None:
    """Train both until they are done or time is up."""
    began = time.perf_counter()
    running = [start(name, arguments) for name in arguments.networks]
    while any(process.poll() is None for process in running):
        time.sleep(2)
        if time.perf_counter() - began > 3600 * arguments.hours:
            for process in running:
                process.terminate()
            for process in running:
                process.wait()
    say(trained_minutes=round((time.perf_counter() - began) / 60, 1))


def measure(name: str, segmenter: Segmenter, items: list[Labelled], arguments: argparse.Namespace) -> None:
    """Say how a network's streets agree with their maps, and what becomes of them when road becomes grass."""
    model = arguments.runs / name / "model.safetensors"
    real, painted = Agreement(CLASSES), Agreement(CLASSES)
    inside, outside, turned = list[float](), list[float](), list[float]()
    for item in items:
        labels, _, photo = read_labelled(item, arguments.size)
        source = source_of(item, arguments.size)
        picture = visible_colors(translate(model, source).image)
        real.add(segmenter, photo, labels)
        painted.add(segmenter, picture, labels)
        road = labels == ROAD
        if road.float().mean() < 0.05:
            continue
        swapped = visible_colors(translate(model, source, edits=[f"replace {ROAD} {GRASS}"]).image)
        change = 255 * (swapped - picture).abs().mean(dim=1, keepdim=True)
        inside.append(float(change[road].mean()))
        outside.append(float(change[~road].mean()))
        found = Agreement(CLASSES).add(segmenter, swapped, labels)
        turned.append(float((found[road] == GRASS).float().mean()))
    on_real, on_painted = real.values(), painted.values()
    say(
        name=name,
        agreement_with_real_photos={key: round(value, 3) for key, value in on_real.items()},
        agreement={key: round(value, 3) for key, value in on_painted.items()},
        ratio={key: round(on_painted[key] / on_real[key], 3) for key in on_real},
        road_to_grass={"inside": round(float(np.mean(inside)), 1), "outside": round(float(np.mean(outside)), 1),
                       "found_as_grass": round(float(np.mean(turned)), 3)},
    )  # fmt: skip


def source_of(item: Labelled, size: int) -> Image:
    """Return a label map as the networks were trained on it."""
    return Image(read_labelled(item, size)[0][0, 0, :, :, None].numpy().astype(np.uint8))


def in_colors(source: Image) -> Image:
    """Return a label map to look at."""
    return Image(COLORS[np.minimum(source.pixels[:, :, 0], CLASSES)])


def write_sheets(items: list[Labelled], arguments: argparse.Namespace) -> None:
    """Put maps beside what both networks make of them, and of road that became grass."""
    models = {name: arguments.runs / name / "model.safetensors" for name in arguments.networks}
    cells: list[Image | None] = []
    for item in items[:: len(items) // SHOWN][:SHOWN]:
        source = source_of(item, arguments.size)
        real = read_labelled(item, arguments.size)[2]
        photo = Image((real[0] * 255).round().byte().permute(1, 2, 0).numpy())
        cells += [in_colors(source), *(translate(model, source).image for model in models.values())]
        swapped = [translate(model, source, edits=[f"replace {ROAD} {GRASS}"]).image for model in models.values()]
        cells += [*swapped, photo]
    names = ("labels", *models, *(f"{name}, road made trees" for name in models), "photo")
    write_image(grid(cells, columns=len(names), column_labels=names), arguments.runs / "streets.png")


def write_edited(items: list[Labelled], arguments: argparse.Namespace) -> None:
    """Edit the map with the largest car, and put what every network makes of it below."""
    models = {name: arguments.runs / name / "model.safetensors" for name in arguments.networks}
    sources = [source_of(item, arguments.size) for item in items[::5]]
    found = [edit(next(iter(models.values())), source, []).objects for source in sources]
    cars = [
        (each.places, each.number, at) for at, objects in enumerate(found) for each in objects if each.label == CAR
    ]
    _, car, at = max(cars)
    source = sources[at]
    height, width = source.height, source.width
    edits = {
        "as it is": [],
        "removed": [f"remove {car}"],
        "moved": [f"move {car} {-width // 4} 0"],
        "a car added": [f"add {CAR} {width // 8} {5 * height // 8} {width // 4} {height // 4}"],
        "road made trees": [f"replace {ROAD} {GRASS}"],
        "restyled": [f"restyle {car} 5"],
    }
    cells: list[Image | None] = [in_colors(edit(next(iter(models.values())), source, each).labels)
                                 for name, each in edits.items() if name != "restyled"]  # fmt: skip
    cells.append(in_colors(source))
    for network, model in models.items():
        for name, each in edits.items():
            knows_looks = network == "pix2pixhd" or name != "restyled"
            cells.append(edit(model, source, each).result.image if knows_looks else None)
    write_image(grid(cells, columns=len(edits), column_labels=tuple(edits)), arguments.runs / "edited.png")


def main() -> None:
    """Train both, and measure them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--networks", nargs="+", choices=[*WEIGHTS], default=[*WEIGHTS])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=20, help="at the full rate; as many follow in which it falls")
    parser.add_argument("--hours", type=float, default=2.0, help="at most")
    parser.add_argument("--segmenter-steps", type=int, default=600)
    arguments = parser.parse_args()
    arguments.runs.mkdir(parents=True, exist_ok=True)
    settings = {name: value for name, value in vars(arguments).items() if isinstance(value, int | float)}
    say(benchmark="streets", machine=machine(), settings=settings)
    train(arguments)
    torch.manual_seed(0)
    segmenter = train_segmenter(
        find_labelled(arguments.data).items, CLASSES, arguments.size, arguments.segmenter_steps
    )
    items = list(find_labelled(arguments.data, "val").items)
    for name in arguments.networks:
        measure(name, segmenter, items, arguments)
    write_sheets(items, arguments)
    write_edited(items, arguments)


if __name__ == "__main__":
    main()
