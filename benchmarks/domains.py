"""Skin tones of drawings: StarGAN trained on drawings that are there in six tones, held to those it never saw.

    python benchmarks/domains.py DATA RUNS [--minutes 60] [--size 64] [--base-channels 24] [--batch-size 8]

DATA is `emoji_tones`: RGBA drawings, the same file name is the same drawing in each of `train/tone0` … `tone5`. One
drawing of `--every` is held out in all of its tones, half of them to choose the best weights by, the others for the
measure. The training is stopped after `--minutes` or with its last step; the same command goes on with it. Then
every drawing of the latter in the first tone is translated to each other tone, and compared with the true one on
the pixels that differ between the two. One JSON object a line; the last one is the summary, its ratio how many
times nearer a translation is to the truth than the drawing it was made of, for the tone where that is least: 2 and
more is wanted. `domains.png` in RUNS is a strip to look at, `truth.png` what it should be.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import get_args

from contest.report import machine, say
from impasto.data.domain_crops import whole
from impasto.data.domains import Member, find_domains, split_by_name, twins
from impasto.image.grid import grid
from impasto.image.io import Image, read_image, write_image
from impasto.image.tensors import to_tensor
from impasto.methods.stargan import StarganSettings
from impasto.metrics.relative import changed_error
from impasto.nn.adversarial import Architecture
from impasto.training.run_settings import RunSettings
from impasto.training.train import train
from impasto.verbs.translate import translate

SHOWN = 6
"""Drawings in the strip."""


class _Over(Exception):  # noqa: N818 -- not an error
    """Raised when the time is over."""


def lay_out(data: Path, folder: Path, every: int) -> None:
    """Link the drawings into `train`, `val` and `test`, as trainings find them."""
    trained, held_out = split_by_name(find_domains(data).members, every, 1000)
    stems = sorted({member.path.stem for member in held_out})
    chosen_by = [member for member in held_out if stems.index(member.path.stem) % 2]
    measured = [member for member in held_out if member not in chosen_by]
    for split, members in (("train", trained), ("val", chosen_by), ("test", measured)):
        for member in members:
            link = folder / split / member.present[0] / member.path.name
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                link.symlink_to(member.path.resolve())


def learn(arguments: argparse.Namespace, folder: Path) -> tuple[int, float]:
    """Train, and return how many steps were taken and how many crops went through a second of this part."""
    settings = StarganSettings(
        load_size=arguments.size, crop_size=arguments.size, base_channels=arguments.base_channels,
        discriminator_channels=arguments.discriminator_channels, num_blocks=arguments.num_blocks,
        generator=arguments.generator, num_downs=arguments.size.bit_length() - 1,
        attention=arguments.attention,
        upsampling="resize", num_layers=arguments.size.bit_length() - 2, batch_size=arguments.batch_size,
        n_critic=arguments.n_critic, learning_rate=arguments.learning_rate, ema_decay=0.999,
        epochs=arguments.epochs, decay_epochs=arguments.decay_epochs,
    )  # fmt: skip
    began = time.perf_counter()
    times: list[tuple[int, float]] = []

    def follow(step: int, steps: int, losses: Mapping[str, float]) -> None:
        times.append((step, time.perf_counter()))
        if step % 100 == 0:
            say(step=step, steps=steps, **{name: round(value, 4) for name, value in losses.items()})
        if time.perf_counter() - began > 60 * arguments.minutes and step % 100 == 1:
            raise _Over  # just after everything was saved

    running = RunSettings(patience=0, evaluate_every=arguments.evaluate_every)
    run = arguments.runs / "stargan"
    with suppress(_Over):
        train(
            "stargan", data=folder, run=run, settings=settings, run_settings=running, on_step=follow,
            start=arguments.start,
        )  # fmt: skip
    (first, since), (last, until) = times[0], times[-1]
    crops = settings.batch_size * settings.n_critic
    return last, crops * (last - first) / max(1e-9, until - since)


def measure(model: Path, folder: Path, size: int) -> dict[str, float]:
    """Return, for each tone, how many times nearer to the truth translations are than the drawings of the first."""
    found: dict[str, list[tuple[float, float]]] = {}
    for named in twins(find_domains(folder, "test")).values():
        first, *others = sorted(named)
        source = whole(named[first].path, size)
        for name in others:
            fake = to_tensor(translate(model, source, to=name).image)
            if (error := changed_error(fake, source, whole(named[name].path, size))) is not None:
                found.setdefault(name, []).append((error.source, error.found))
    return {name: sum(source for source, _ in each) / sum(left for _, left in each) for name, each in found.items()}


def write_strips(model: Path, folder: Path, size: int, runs: Path) -> None:
    """Put drawings of the first tone beside what becomes of them in each, and beside what should."""
    known = [*twins(find_domains(folder, "test")).values()]
    shown: Sequence[Mapping[str, Member]] = known[:: max(1, len(known) // SHOWN)][:SHOWN]
    made: list[Image | None] = []
    true: list[Image | None] = []
    for named in shown:
        drawings = {name: read_image(whole(named[name].path, size)) for name in sorted(named)}
        first = drawings[min(drawings)]
        made += [first, *(translate(model, first, to=name).image for name in drawings)]
        true += [first, *drawings.values()]
    columns = ["input", *sorted(shown[0])]
    for name, cells in (("domains.png", made), ("truth.png", true)):
        write_image(grid(cells, columns=len(columns), column_labels=columns), runs / name)


def main() -> None:
    """Train, measure, and write strips."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--start", type=Path, help="a model of the same settings to begin with")
    parser.add_argument("--minutes", type=float, default=60.0, help="after which the training is stopped")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--generator", choices=get_args(Architecture), default="resnet")
    parser.add_argument("--attention", action="store_true", help="keep the picture where a mask says so")
    parser.add_argument("--base-channels", type=int, default=24)
    parser.add_argument("--discriminator-channels", type=int, default=24)
    parser.add_argument("--num-blocks", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--n-critic", type=int, default=5)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--epochs", type=int, default=40, help="at the full rate")
    parser.add_argument("--decay-epochs", type=int, default=20, help="after them, in which it falls")
    parser.add_argument("--every", type=int, default=12, help="one drawing of so many is held out")
    parser.add_argument("--evaluate-every", type=int, default=500, help="steps between two looks at them")
    arguments = parser.parse_args()
    arguments.runs.mkdir(parents=True, exist_ok=True)
    say(
        benchmark="domains",
        machine=machine(),
        settings={k: v for k, v in vars(arguments).items() if not isinstance(v, Path | None)},
    )
    folder = arguments.runs / "data"
    lay_out(arguments.data, folder, arguments.every)
    began = time.perf_counter()
    steps, rate = learn(arguments, folder)
    trained = time.perf_counter() - began
    model = arguments.runs / "stargan" / "model.safetensors"
    if not model.is_file():
        sys.exit(f"no network was kept in {steps} steps; give more --minutes, or look sooner with --evaluate-every")
    nearer = measure(model, folder, arguments.size)
    write_strips(model, folder, arguments.size, arguments.runs)
    rounded = {name: round(value, 2) for name, value in nearer.items()}
    say(summary=True, minutes=round(trained / 60, 1), steps=steps, crops_a_second=round(rate, 1), nearer=rounded,
        ratio=min(rounded.values()))  # fmt: skip


if __name__ == "__main__":
    main()
