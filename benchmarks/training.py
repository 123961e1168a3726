"""Training Pix2Pix or CycleGAN: impasto's step against the textbook's, on the same pictures.

    python benchmarks/training.py [--method pix2pix] [--size 256] [--base-channels 64] [--steps 6] [--rounds 3]

The textbook's loop is eager, fp32, contiguous in memory, of PyTorch's own layers, and runs each network as often
as the paper's reference code: for Pix2Pix the generator once a batch, the discriminator three times; for
CycleGAN each network three times. It computes the discriminators' weights' gradients in the generators' step too,
and reads losses every step. Ours is `impasto.training` with its defaults, reading pictures and keeping losses
included. With `--method cyclegan` CUT and FastCUT are timed as well. All have the papers' networks; they take
turns, each turn in a process of its own.
One JSON object a line; the last one is the summary: `ratio` above 1 means that ours is faster; `beside_cyclegan`
is what share of CycleGAN's time and memory CUT and FastCUT take, where memory is the most that a process had (or a
GPU), less what it had before.
"""

import argparse
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import PIL.Image
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss, mse_loss

from contest.report import machine, peak_gigabytes, say
from impasto.methods import cyclegan, pix2pix
from impasto.methods.cut import CutSettings, FastCutSettings
from impasto.methods.cyclegan import CycleGANSettings
from impasto.methods.pix2pix import Pix2PixSettings
from impasto.nn import blocks, lean, winograd
from impasto.nn.compute import choose_device, reused_memory
from impasto.training.run_settings import RunSettings
from impasto.training.train import train
from impasto.training.translators import Settings

PICTURES = 8


class _Enough(Exception):  # noqa: N818 -- not an error
    """Raised when enough steps were taken."""


class Turn(NamedTuple):
    """What a turn took: seconds a step, the first one left out, and the most memory, in GB."""

    seconds: float
    gigabytes: float


def textbook_pix2pix(settings: Pix2PixSettings, steps: int) -> list[float]:
    """Take the steps of the textbook's loop; return when each was done."""
    device = choose_device("auto")
    torch.manual_seed(0)
    generator: nn.Module = pix2pix.generator_of(settings).to(device)
    discriminator = pix2pix.discriminator_of(settings).to(device)
    judge_adam, adam = (_adam(network) for network in (discriminator, generator))
    times = []
    for _ in range(steps + 1):
        real_a, real_b = _drawn(settings, device)
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
    return times


def textbook_cyclegan(settings: CycleGANSettings, steps: int) -> list[float]:
    """Take the steps of the textbook's loop; return when each was done."""
    device = choose_device("auto")
    torch.manual_seed(0)
    there, back = (cyclegan.generator_of(settings, way).to(device) for way in ("AtoB", "BtoA"))
    judge_a, judge_b = (cyclegan.discriminator_of(settings, 3).to(device) for _ in range(2))
    adam, judge_adam = _adam(there, back), _adam(judge_a, judge_b)
    times = []
    for _ in range(steps + 1):
        real_a, real_b = _drawn(settings, device)
        fake_b, fake_a = there(real_a), back(real_b)
        rec_a, rec_b = back(fake_b), there(fake_a)
        idt_b, idt_a = there(real_b), back(real_a)
        loss = _taken_for(judge_b(fake_b), 1.0) + _taken_for(judge_a(fake_a), 1.0)
        loss = loss + 10 * (l1_loss(rec_a, real_a) + l1_loss(rec_b, real_b))
        loss = loss + 5 * (l1_loss(idt_a, real_a) + l1_loss(idt_b, real_b))
        adam.zero_grad()
        loss.backward()
        adam.step()
        judge_adam.zero_grad()
        for judge, real, fake in ((judge_a, real_a, fake_a), (judge_b, real_b, fake_b)):
            (0.5 * (_taken_for(judge(real), 1.0) + _taken_for(judge(fake.detach()), 0.0))).backward()
        judge_adam.step()
        loss.item()
        times.append(time.perf_counter())
    return times


def _adam(*networks: nn.Module) -> torch.optim.Adam:
    parameters = chain.from_iterable(network.parameters() for network in networks)
    return torch.optim.Adam(parameters, lr=2e-4, betas=(0.5, 0.999))


def _drawn(settings: Settings, device: torch.device) -> Tensor:
    return torch.rand(2, settings.batch_size, 3, settings.crop_size, settings.crop_size).to(device)


def _taken_for(verdicts: Tensor, target: float) -> Tensor:
    return mse_loss(verdicts, torch.full_like(verdicts, target))


def ours(method: str, settings: Settings, steps: int, data: Path) -> list[float]:
    """Take steps of our training; return when each was done, reading pictures and keeping losses included."""
    times: list[float] = []

    def follow(*_: object) -> None:
        times.append(time.perf_counter())
        if len(times) > steps:
            raise _Enough

    with TemporaryDirectory() as folder, reused_memory(), suppress(_Enough):
        run = Path(folder) / "run"
        train(method, data=data, run=run, settings=settings, run_settings=RunSettings(), on_step=follow)
    return times


def turn(name: str, settings: Settings, steps: int, data: Path) -> Turn:
    """Take a contestant's steps in this process, which does nothing else."""
    before = peak_gigabytes()
    if name != "textbook":
        times = ours(name, settings, steps, data)
    else:
        for layers in (winograd, lean, blocks):
            vars(layers)["learns_in_fp32"] = lambda _: False  # which leaves PyTorch's own
        if isinstance(settings, CycleGANSettings):
            times = textbook_cyclegan(settings, steps)
        else:
            assert isinstance(settings, Pix2PixSettings)
            times = textbook_pix2pix(settings, steps)
    if torch.cuda.is_available():
        gigabytes = torch.cuda.max_memory_allocated() / 1e9
    else:
        gigabytes = peak_gigabytes() - before
    return Turn((times[-1] - times[0]) / steps, gigabytes)


def contestants(arguments: argparse.Namespace) -> dict[str, Settings]:
    """Return who takes turns, and how each is set."""
    sizes = {
        "crop_size": arguments.size,
        "load_size": arguments.size,
        "base_channels": arguments.base_channels,
        "batch_size": arguments.batch_size,
    }
    if arguments.method == "pix2pix":
        settings = Pix2PixSettings(**sizes, num_downs=min(8, arguments.size.bit_length() - 1))
        return {"pix2pix": settings, "textbook": settings}
    both = CycleGANSettings(**sizes)
    return {"cyclegan": both, "textbook": both, "cut": CutSettings(**sizes), "fastcut": FastCutSettings(**sizes)}


def write_pictures(folder: Path, size: int) -> None:
    """Write pictures of noise: pairs side by side, and two kinds without pairs."""
    for place, width in (("train", 2 * size), ("trainA", size), ("trainB", size)):
        (folder / place).mkdir()
        for number in range(PICTURES):
            pixels = np.random.default_rng(number).integers(0, 256, (size, width, 3)).astype(np.uint8)
            PIL.Image.fromarray(pixels).save(folder / place / f"{number}.png")


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=("pix2pix", "cyclegan"), default="pix2pix")
    parser.add_argument("--size", type=int, default=256, help="pixels each way of a crop")
    parser.add_argument("--base-channels", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--steps", type=int, default=6, help="timed in every turn")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    say(benchmark="training", machine=machine(), settings=vars(arguments), device=choose_device("auto").type)
    named = contestants(arguments)
    turns: dict[str, list[Turn]] = {name: [] for name in named}
    with (
        TemporaryDirectory() as folder,
        ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes,
    ):
        write_pictures(Path(folder), arguments.size)
        for number in range(arguments.rounds):
            for name, settings in named.items():
                took = processes.submit(turn, name, settings, arguments.steps, Path(folder)).result()
                turns[name].append(took)
                say(turn=number, name=name, seconds_a_step=round(took.seconds, 4), gb=round(took.gigabytes, 3))
    medians = {name: Turn(*map(statistics.median, zip(*taken, strict=True))) for name, taken in turns.items()}
    method = medians[arguments.method]
    beside = {
        name: {
            "time": round(each.seconds / method.seconds, 2),
            "memory": round(each.gigabytes / method.gigabytes, 2),
        }
        for name, each in medians.items()
        if name in ("cut", "fastcut")
    }
    say(
        summary=True,
        images_a_second={name: round(arguments.batch_size / each.seconds, 3) for name, each in medians.items()},
        gigabytes={name: round(each.gigabytes, 2) for name, each in medians.items()},
        ratio=round(medians["textbook"].seconds / method.seconds, 2),
        **({"beside_cyclegan": beside} if beside else {}),
    )


if __name__ == "__main__":
    main()
