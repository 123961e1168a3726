"""Training Pix2Pix: impasto's step against the textbook's, on the same pairs.

    python benchmarks/training.py [--size 256] [--base-channels 64] [--steps 6] [--rounds 3]

The textbook's loop is eager, fp32, contiguous in memory, and runs each network as often as the paper's reference
code: the generator once a batch, the discriminator three times, computing its weights' gradients in the generator's
step too; losses are read every step. Ours is `impasto.training` with its defaults, reading pairs and keeping losses
included. Both have the paper's networks; they take turns. One JSON object a line; the last one is the summary,
where a ratio above 1 means that ours is faster.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import PIL.Image
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss

from contest.report import machine, say
from impasto.methods.pix2pix import Pix2PixSettings, discriminator_of, generator_of
from impasto.nn.compute import choose_device, reused_memory
from impasto.training.run import RunSettings
from impasto.training.train import train


class _Enough(Exception):  # noqa: N818 -- not an error
    """Raised when enough steps were taken."""


def textbook(settings: Pix2PixSettings, steps: int) -> float:
    """Return seconds a step of the textbook's loop, the first step left out."""
    device = choose_device("auto")
    torch.manual_seed(0)
    generator: nn.Module = generator_of(settings).to(device)
    discriminator = discriminator_of(settings).to(device)
    judge_adam, adam = (
        torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999))
        for network in (discriminator, generator)
    )
    times = []
    for _ in range(steps + 1):
        real_a, real_b = torch.rand(2, settings.batch_size, 3, settings.crop_size, settings.crop_size).to(device)
        fake_b = generator(real_a)
        verdicts = [discriminator(torch.cat([real_a, each], dim=1)) for each in (real_b, fake_b.detach())]
        targets = (torch.ones_like(verdicts[0]), torch.zeros_like(verdicts[1]))
        for_real, for_fake = map(binary_cross_entropy_with_logits, verdicts, targets)
        judge_adam.zero_grad()
        (0.5 * (for_real + for_fake)).backward()
        judge_adam.step()
        verdict = discriminator(torch.cat([real_a, fake_b], dim=1))
        gan = binary_cross_entropy_with_logits(verdict, torch.ones_like(verdict))
        loss = gan + 100 * l1_loss(fake_b, real_b)
        adam.zero_grad()
        loss.backward()
        adam.step()
        loss.item()
        times.append(time.perf_counter())
    return (times[-1] - times[0]) / steps


def ours(settings: Pix2PixSettings, steps: int, pairs: Path) -> float:
    """Return seconds a step of our training, the first step left out: reading pairs and keeping losses included."""
    times: list[float] = []

    def follow(*_: object) -> None:
        times.append(time.perf_counter())
        if len(times) > steps:
            raise _Enough

    with TemporaryDirectory() as folder, reused_memory(), suppress(_Enough):
        run = Path(folder) / "run"
        train("pix2pix", data=pairs, run=run, settings=settings, run_settings=RunSettings(), on_step=follow)
    return (times[-1] - times[0]) / steps


def write_pairs(folder: Path, size: int) -> None:
    """Write pairs of noise, side by side."""
    (folder / "train").mkdir()
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 256, (size, 2 * size, 3)).astype(np.uint8)
        PIL.Image.fromarray(pixels).save(folder / "train" / f"{number}.png")


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256, help="pixels each way of a crop")
    parser.add_argument("--base-channels", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--steps", type=int, default=6, help="timed in every turn")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    settings = Pix2PixSettings(
        crop_size=arguments.size,
        load_size=arguments.size,
        base_channels=arguments.base_channels,
        batch_size=arguments.batch_size,
        num_downs=min(8, arguments.size.bit_length() - 1),
    )
    say(benchmark="training", machine=machine(), settings=vars(arguments), device=choose_device("auto").type)
    taken: dict[str, list[float]] = {"impasto": [], "textbook": []}
    with TemporaryDirectory() as folder:
        write_pairs(Path(folder), arguments.size)
        contestants: dict[str, Callable[[], float]] = {
            "impasto": lambda: ours(settings, arguments.steps, Path(folder)),
            "textbook": lambda: textbook(settings, arguments.steps),
        }
        for turn in range(arguments.rounds):
            for name, run in contestants.items():
                taken[name].append(run())
                say(turn=turn, name=name, seconds_a_step=round(taken[name][-1], 4))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    say(
        summary=True,
        images_a_second={name: round(arguments.batch_size / seconds, 3) for name, seconds in medians.items()},
        ratio=round(medians["textbook"] / medians["impasto"], 2),
    )


if __name__ == "__main__":
    main()
