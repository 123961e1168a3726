"""What is promised of painting in one pass: no seams, huge pictures, a style learnt in minutes, calm video.

    python benchmarks/one_pass.py [--parts strips large row flicker runtime checkerboard] [--photos DIR]

- `strips`: how far a picture painted in many strips is from the same painted whole, in [0, 1]: in fp32 by the plain
  network, in bf16 by the same code in a single strip.
- `large`: seconds and most memory of a fresh process that paints 8192 × 8192 pixels with `multistyle`.
- `row`: a painting is learnt into the bundled `multistyle` network by its row alone: its style and content loss on
  photos that were not trained on, beside those of `prediction` for the same painting, and whether all else of the
  network is as before, to the bit.
- `flicker`: of a moving camera over a noisy photo, painted with and without smoothing, in levels of 8 bits.
- `checkerboard`: amplitude, in levels of 8 bits, of what keeps in step with the stride: four photos at 512 pixels
  painted after four styles, at full and at half strength; beside photos and paintings, which have no stride.
- `runtime`: median seconds of PyTorch and of ONNX Runtime for the same picture, taking turns.

One JSON object a line. How far exported networks are from ours, `impasto export` reports itself.
"""

import argparse
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

import impasto
from contest.judging import FORMULAS, Judge
from contest.report import machine, peak_gigabytes, say
from gatys import EXAMPLES, load
from impasto.image.clips import VideoSettings
from impasto.image.files import pictures_in
from impasto.image.io import read_image
from impasto.image.resize import fit, resize
from impasto.image.tensors import to_tensor
from impasto.losses.checkerboard import checkerboard
from impasto.methods import adain
from impasto.methods.multistyle import MultistylePainter
from impasto.methods.prediction import PredictionPainter
from impasto.nn import strips
from impasto.nn.compute import reused_memory
from impasto.nn.one_pass import OnePassSettings, paint, paint_any_size
from impasto.nn.transform import Painting, TransformNetwork
from impasto.nn.vgg import VGG
from impasto.training.train import train
from impasto.verbs.one_pass import load_model
from impasto.verbs.stylize import stylize
from impasto.verbs.video import Look, VideoRun
from impasto.weights.model import read_model
from impasto.weights.store import find

LARGE = 8192
ROUNDS, REST = 7, 0.1
"""How often each runtime paints, and seconds between: threads of ONNX Runtime spin on for a while."""
PHOTOS = ("astronaut", "cat", "mountains", "pagoda")
PAINTINGS = ("auvers", "great_wave", "poppies", "summertime")
STYLES = ("great_wave", "mondrian_composition", "starry_night", "udnie")
SHOTS = 24
"""Frames of the clip that flicker is measured on."""


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parts = {
        "strips": measure_strips,
        "large": measure_large,
        "row": measure_row,
        "flicker": measure_flicker,
        "runtime": measure_runtime,
        "checkerboard": measure_checkerboard,
    }
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts), help="what to measure")
    parser.add_argument("--photos", type=Path, default=EXAMPLES / "photos", help="row: what is trained with")
    parser.add_argument("--judged", type=Path, default=EXAMPLES / "photos", help="row: what is painted and judged")
    parser.add_argument(
        "--painting", type=Path, default=EXAMPLES / "paintings" / "auvers.jpg", help="row: the new one"
    )
    parser.add_argument("--paint-large", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.paint_large:
        paint_large()
        return
    versions = {"torch": torch.__version__, "impasto": impasto.__version__}
    say(benchmark="one_pass", machine=machine(), threads=torch.get_num_threads(), versions=versions)
    for part in arguments.parts:
        parts[part](arguments)


def measure_strips(_: argparse.Namespace) -> None:
    """Say how far strips are from the whole, for each method and precision."""
    photo = load("photos", "mountains", 1000)
    photo = photo[:, :, : photo.shape[2] // 4 * 4, : photo.shape[3] // 4 * 4]
    half = torch.linspace(0, 1, photo.shape[3]).expand(1, 1, *photo.shape[2:])
    everywhere = torch.tensor([1.0, 0.0])[None, :, None, None]
    for method, styles in (
        ("multistyle", ["great_wave", "udnie"]),
        ("prediction", [load("paintings", "great_wave"), load("paintings", "auvers")]),
    ):
        for precision in ("fp32", "bf16"):
            found = load_model(method, OnePassSettings(precision=precision, device="cpu", runtime="torch")).painter
            assert isinstance(found, MultistylePainter | PredictionPainter)
            network, rows = found.network.transform, found.rows(styles, 1.0)
            for regions, weights in ((False, everywhere), (True, torch.cat([half, 1 - half], dim=1))):
                painting = Painting(rows, weights)
                if precision == "fp32":
                    with torch.inference_mode():
                        whole = network(photo, painting)
                else:
                    whole = in_strips(network, photo, painting, photo.numel() * 64)
                difference = (whole - in_strips(network, photo, painting, 2**18)).abs()
                say(
                    part="strips",
                    method=method,
                    precision=precision,
                    regions=regions,
                    size=[photo.shape[3], photo.shape[2]],
                    greatest_difference=float(difference.max()),
                    mean_difference=float(difference.mean()),
                )


def in_strips(network: TransformNetwork, photo: torch.Tensor, painting: Painting, values: int) -> torch.Tensor:
    """Paint in strips of about so many numbers."""
    usual, strips.VALUES = strips.VALUES, values
    try:
        return paint_any_size(network, photo, painting)
    finally:
        strips.VALUES = usual


def measure_large(_: argparse.Namespace) -> None:
    """Say what a huge picture takes, in a process of its own."""
    began = time.perf_counter()
    command = [sys.executable, __file__, "--paint-large"]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 -- this file
    peak = float(ran.stdout)
    say(part="large", size=[LARGE, LARGE], seconds=round(time.perf_counter() - began), peak_gigabytes=peak)


def paint_large() -> None:
    """Paint a huge picture and print the most memory it took, in GB."""
    photo = read_image(EXAMPLES / "photos" / "mountains.jpg").pixels
    times = -(-LARGE // min(photo.shape[:2]))
    pixels = np.ascontiguousarray(np.tile(photo, (times, times, 1))[:LARGE, :LARGE])
    stylize(pixels, "great_wave", method="multistyle")
    print(peak_gigabytes())


def measure_row(arguments: argparse.Namespace) -> None:
    """Learn one painting by its row, and judge it beside what `prediction` makes of it."""
    before = read_model(find("multistyle"))[1]
    with TemporaryDirectory() as folder, reused_memory():
        began = time.perf_counter()
        trained = train(
            "multistyle",
            data=arguments.photos,
            styles=[arguments.painting],
            run=Path(folder) / "run",
            start="multistyle",
        )
        minutes = (time.perf_counter() - began) / 60
        after = read_model(trained.model)[1]
        unchanged = all(torch.equal(after[name][: len(kept)], kept) for name, kept in before.items())
        vgg, losses = VGG.pretrained(), {"row": [0.0, 0.0], "prediction": [0.0, 0.0]}
        photos = pictures_in(arguments.judged)[:6]
        painting = to_tensor(read_image(arguments.painting))
        for path in photos:
            photo = read_image(path)
            height, width = fit(photo.height, photo.width, 512)
            judge = Judge(vgg, resize(to_tensor(photo), height, width), painting)
            painted = {
                "row": stylize(
                    photo, arguments.painting.stem, method="multistyle", model=str(trained.model), size=512
                ),
                "prediction": stylize(photo, arguments.painting, method="prediction", size=512),
            }
            for name, result in painted.items():
                content, style = judge(to_tensor(result.image))
                losses[name][0] += content / len(photos)
                losses[name][1] += style / len(photos)
    say(
        part="row",
        painting=arguments.painting.stem,
        steps=trained.steps,
        minutes=round(minutes, 1),
        all_else_unchanged=unchanged,
        losses={name: {"content": round(each[0], 4), "style": round(each[1], 4)} for name, each in losses.items()},
        style_ratio=round(losses["prediction"][1] / losses["row"][1], 2),
        formulas=FORMULAS,
    )


def measure_runtime(_: argparse.Namespace) -> None:
    """Paint one photo with each runtime in turn."""
    choices: dict[str, dict[str, Any]] = {
        "torch, default precision": {"runtime": "torch"},
        "torch, fp32": {"runtime": "torch", "precision": "fp32"},
        "onnx, fp32": {"runtime": "onnx"},
    }
    settings = {name: OnePassSettings(device="cpu", **chosen) for name, chosen in choices.items()}
    painters = {name: load_model("multistyle", chosen).painter for name, chosen in settings.items()}
    for size in (512, 1024):
        photo = load("photos", "mountains", size)
        seconds: dict[str, list[float]] = {name: [] for name in choices}
        for _round in range(ROUNDS):
            for name, painter in painters.items():
                time.sleep(REST)
                began = time.perf_counter()
                paint(photo, ["great_wave"], painter, settings[name])
                seconds[name].append(time.perf_counter() - began)
        say(part="runtime", size=size, seconds={name: round(median(each), 3) for name, each in seconds.items()})


def measure_checkerboard(_: argparse.Namespace) -> None:
    """Look for what repeats with the stride in painted pictures, and in pictures that no network made."""
    paintings = [EXAMPLES / "paintings" / f"{name}.jpg" for name in PAINTINGS]
    photos = [EXAMPLES / "photos" / f"{name}.jpg" for name in PHOTOS]
    found = {"photos": [_pattern(load("photos", name, 512)) for name in PHOTOS]}
    found["paintings"] = [_pattern(load("paintings", name, 512)) for name in PAINTINGS]
    for method, styles in (("multistyle", STYLES), ("prediction", paintings), ("adain", paintings)):
        for strength in (1.0, 0.5):
            painted = [
                stylize(photo, style, method=method, size=512, strength=strength).image
                for photo in photos
                for style in styles
            ]
            found[f"{method} at strength {strength:g}"] = [_pattern(to_tensor(each)) for each in painted]
    say(part="checkerboard", median_levels={name: round(median(each), 2) for name, each in found.items()})


def _pattern(picture: torch.Tensor) -> float:
    return 255 * math.sqrt(float(checkerboard(picture, adain.STRIDE)))


def measure_flicker(_: argparse.Namespace) -> None:
    """Paint a short clip with and without smoothing."""
    with TemporaryDirectory() as folder:
        source = Path(folder) / "clip.mp4"
        write_clip(source)
        for smooth in (0.0, VideoSettings().smooth):
            settings = OnePassSettings(device="cpu")
            model, video = load_model("multistyle", settings), VideoSettings(smooth=smooth)
            look = Look("multistyle", model, ["great_wave"], [], settings, video)
            painted = VideoRun(source, Path(folder) / f"painted-{smooth}.mp4", look).paint()
            flicker = {name: None if each is None else round(each, 2) for name, each in painted.flicker.items()}
            say(part="flicker", smooth=smooth, frames=painted.frames, flicker=flicker)


def write_clip(path: Path) -> None:
    """Write a clip whose camera moves over a photo, with the noise of a sensor."""
    import av  # noqa: PLC0415 -- the one part that needs it

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 384, 256, "yuv420p"
        stream.options = {"crf": "12"}
        for pixels in frames():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


def frames() -> Iterator[np.ndarray]:
    """Yield the frames of the clip, 256 × 384."""
    photo = (load("photos", "mountains", 640)[0].permute(1, 2, 0).numpy() * 255).astype(np.float32)
    noise = np.random.default_rng(0)
    for index in range(SHOTS):
        top, left = 20 + index, 40 + 4 * index
        shot = photo[top : top + 256, left : left + 384]
        yield np.clip(shot + noise.normal(0, 3, shot.shape), 0, 255).round().astype(np.uint8)


if __name__ == "__main__":
    main()
