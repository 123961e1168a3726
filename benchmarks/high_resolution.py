"""Pix2PixHD at 2048 × 1024: the most memory that its training needs, batch 1, with the paper's networks.

    python benchmarks/high_resolution.py [--width 2048] [--height 1024] [--steps 2] [--low-memory]

Global generator and local enhancer, three discriminators, feature matching and a VGG; label maps of 35 classes,
with instances, and pictures, all of noise. One JSON object a line; the last has the peak of the process in GB.
"""

import argparse
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import PIL.Image

from contest.report import machine, peak_gigabytes, say
from impasto.methods.pix2pixhd import Pix2PixHDSettings
from impasto.nn.compute import reused_memory
from impasto.training.run_settings import RunSettings
from impasto.training.train import train

CLASSES = 35


class _Enough(Exception):  # noqa: N818 -- not an error
    """Raised when enough steps were taken."""


def write_streets(folder: Path, height: int, width: int) -> None:
    """Write a label map with its instances and its picture, all in blocks of noise."""
    chance = np.random.default_rng(0)
    labels = chance.integers(0, CLASSES, (height // 32, width // 32)).repeat(32, axis=0).repeat(32, axis=1)
    pixels = chance.integers(0, 256, (height // 8, width // 8, 3)).repeat(8, axis=0).repeat(8, axis=1)
    for name, made in (("label", labels), ("inst", labels), ("img", pixels)):
        (folder / f"train_{name}").mkdir()
        PIL.Image.fromarray(made.astype(np.uint8)).save(folder / f"train_{name}" / "street.png")


def main() -> None:
    """Take a few steps, and say what they needed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--height", type=int, default=1024)
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--low-memory", action="store_true", help="compute activations again in the backward pass")
    arguments = parser.parse_args()
    settings = Pix2PixHDSettings(
        classes=CLASSES,
        enhanced=True,
        crop_size=arguments.height,
        crop_width=arguments.width,
        load_size=arguments.height,
        low_memory=arguments.low_memory,
    )
    say(benchmark="high_resolution", machine=machine(), settings=vars(arguments))
    times = [time.perf_counter()]

    def follow(step: int, steps: int, losses: object) -> None:
        times.append(time.perf_counter())
        say(step=step, seconds=round(times[-1] - times[-2], 1), peak_gb=peak_gigabytes())
        if step == arguments.steps:
            raise _Enough

    with TemporaryDirectory() as folder, reused_memory(), suppress(_Enough):
        write_streets(Path(folder), arguments.height, arguments.width)
        train(
            "pix2pixhd",
            data=folder,
            run=Path(folder) / "run",
            settings=settings,
            run_settings=RunSettings(),
            on_step=follow,
        )
    say(summary=True, peak_gb=peak_gigabytes())


if __name__ == "__main__":
    main()
