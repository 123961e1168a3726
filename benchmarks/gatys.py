"""Gatys style transfer: ours against the textbook loop, on the same pictures, objective and machine.

    python benchmarks/gatys.py [--steps 300] [--size 512] [--pairs 3] [--no-memory]

For three photo-painting pairs the two take turns, so that a busy moment of the machine hits both:

- the textbook loop: one size, `torch.optim.LBFGS` with its default history, from the content, fp32, contiguous,
  VGG to its last layer, Gram matrices by `torch.mm`, pixels clamped before every evaluation as tutorials do;
- ours: `paint` with its default settings but the paper's Gram matrices, which the textbook has, and the command
  line's memory setting. Where its default number of steps is not enough for the loss wanted, its last size goes on.

One objective judges both, ours in fp32 on the picture in [0, 1], with the clocks stopped. `seconds_book` is what
the textbook's steps take, `seconds_ours` the time until our picture's loss is at or below what the textbook has
at its end. Then: the share that one step of ours reaches of the fastest convolution, and peak memory.

One JSON object a line; the last one is the summary, where `ratio` above 1 means that ours is sooner.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d, pad

import impasto
from contest.report import machine, peak_gigabytes, say
from impasto.image.io import read_image
from impasto.image.regions import Style
from impasto.image.resize import fit, resize
from impasto.image.tensors import to_tensor
from impasto.methods.gatys import GatysSettings, Objective, paint
from impasto.nn.compute import choose_device, choose_dtype, reused_memory
from impasto.nn.lbfgs import HISTORY
from impasto.nn.vgg import VGG, WIDTHS, Network, layer_names
from impasto.result import Step

EXAMPLES = Path(__file__).parents[1] / "examples"
PAIRS = (("pagoda", "great_wave"), ("astronaut", "starry_night"), ("mountains", "auvers"))
BOOK_TURN, OUR_TURN = 10, 8
"""Steps of each before the other goes on: about as many as bring both to the end together."""


def main() -> None:
    """Run everything and print it."""
    arguments = parse()
    if arguments.peak:
        print(peak_memory(arguments.size))
        return
    settings = GatysSettings(size=arguments.size, style_loss="gram")
    say(
        benchmark="gatys",
        machine=machine(),
        threads=torch.get_num_threads(),
        device=choose_device("auto").type,
        versions={"torch": torch.__version__, "impasto": impasto.__version__},
        book_steps=arguments.steps,
        settings=asdict(settings),
    )
    races: list[dict[str, Any]] = []
    for photo, painting in PAIRS[: arguments.pairs]:
        race = Race(load("photos", photo, settings.size), load("paintings", painting), settings, arguments.steps)
        races.append({"pair": f"{photo} after {painting}", **race.run()})
        say(**races[-1])
    share = step_share(load("photos", PAIRS[0][0], settings.size), load("paintings", PAIRS[0][1]), settings)
    say(**share)
    peaks = {} if arguments.no_memory else {str(size): peak_of(size) for size in (512, 1024, 2048)}
    say(
        summary="gatys",
        ratio=statistics.median(race["ratio"] for race in races),
        ratios=[race["ratio"] for race in races],
        step_ratio=statistics.median(race["step_ratio"] for race in races),
        share_of_fastest_convolution=share["share"],
        peak_gigabytes=peaks,
    )


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="longest side in pixels")
    parser.add_argument("--steps", type=int, default=300, help="steps of the textbook loop")
    parser.add_argument("--pairs", type=int, default=len(PAIRS), help="how many photo-painting pairs")
    parser.add_argument("--no-memory", action="store_true", help="leave out peak memory, which takes minutes")
    parser.add_argument("--peak", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def load(folder: str, name: str, longest: int | None = None) -> Tensor:
    """Return an example picture, `(1, 3, height, width)`."""
    picture = to_tensor(read_image(EXAMPLES / folder / f"{name}.jpg"))
    height, width = picture.shape[-2:]
    return picture if longest is None else resize(picture, *fit(height, width, longest))


class Clock:
    """Adds up the time between `start` and `stop`."""

    def __init__(self) -> None:
        self.seconds, self.since = 0.0, 0.0

    def start(self) -> None:
        """Go on counting."""
        self.since = time.perf_counter()

    def stop(self) -> None:
        """Stop counting."""
        self.seconds += time.perf_counter() - self.since


class Done(Exception):  # noqa: N818 -- not an error: it ends a painting that is good enough
    """Our picture is as good as the textbook's."""


class Race:
    """One pair: our painting, in whose `on_step` the textbook loop gets its turns."""

    def __init__(self, content: Tensor, style: Tensor, settings: GatysSettings, book_steps: int) -> None:
        self.content, self.style, self.settings, self.book_steps = content, style, settings, book_steps
        self.judge = Objective(VGG.pretrained(), content, [Style(style)], settings)
        self.book, self.book_taken, self.book_loss = textbook(content, style, settings), 0, 0.0
        self.book_clock, self.our_clock, self.memory = Clock(), Clock(), ExitStack()
        self.snapshots: list[tuple[int, float, Tensor]] = []
        self.our_steps, self.our_seconds, self.our_loss = 0, 0.0, 0.0
        self.our_step_seconds = float("nan")

    def run(self) -> dict[str, float]:
        """Race, and return times, losses and their ratio."""
        self._ours_goes_on()
        try:
            long = replace(self.settings, steps=self.book_steps * 10)
            paint(self.content, [Style(self.style)], long, on_step=self._after_our_step)
        except Done:
            pass
        return {
            "ratio": round(self.book_clock.seconds / self.our_seconds, 2),
            "seconds_book": round(self.book_clock.seconds, 1),
            "seconds_ours": round(self.our_seconds, 1),
            "loss_book": round(self.book_loss, 5),
            "loss_ours": round(self.our_loss, 5),
            "steps_ours": self.our_steps,
            "step_ratio": round(self.book_clock.seconds / self.book_steps / self.our_step_seconds, 2),
        }

    def _ours_goes_on(self) -> None:
        self.memory.enter_context(reused_memory())
        self.our_clock.start()

    def _ours_pauses(self) -> None:
        self.our_clock.stop()
        self.memory.close()

    def _after_our_step(self, step: Step) -> None:
        if step.index % OUR_TURN:
            return
        self._ours_pauses()
        self._book_turn(self.book_steps if self.book_taken + BOOK_TURN > self.book_steps else BOOK_TURN)
        if step.image.shape == self.content.shape:
            self.snapshots.append((step.index, self.our_clock.seconds, step.image))
        if self.book_taken == self.book_steps and self.snapshots:
            self._judge_snapshots()
        self._ours_goes_on()

    def _book_turn(self, steps: int) -> None:
        while steps and self.book_taken < self.book_steps:
            self.book_clock.start()
            picture = next(self.book)
            self.book_clock.stop()
            self.book_taken, steps = self.book_taken + 1, steps - 1
            if self.book_taken == self.book_steps:
                self.book_loss = self._loss(picture)

    def _judge_snapshots(self) -> None:
        """Find the first of our pictures that is as good as the textbook's last."""
        (first, first_seconds, _), (last, last_seconds, _) = self.snapshots[0], self.snapshots[-1]
        if last > first:
            self.our_step_seconds = (last_seconds - first_seconds) / (last - first)
        while self.snapshots:
            self.our_steps, self.our_seconds, picture = self.snapshots.pop(0)
            self.our_loss = self._loss(picture)
            if self.our_loss <= self.book_loss:
                raise Done

    def _loss(self, picture: Tensor) -> float:
        with torch.no_grad():
            return float(torch.stack([*self.judge(picture).values()]).sum())


def textbook_features(network: Network, device: torch.device) -> Callable[[Tensor], dict[str, Tensor]]:
    """Return what gives all layers of a VGG the usual way: fp32, contiguous, to its last layer."""
    weights = dict(VGG.pretrained(network, device=device).named_parameters())
    convolutions = [
        (name, weights[f"{ours}.weight"].contiguous(), weights[f"{ours}.bias"])
        for name, ours in ((name, name.replace("relu", "conv")) for name in layer_names(network))
    ]

    def features(picture: Tensor) -> dict[str, Tensor]:
        found, values = {}, pad(picture, (1, 1, 1, 1), mode="replicate")
        for name, weight, bias in convolutions:
            if name != "relu1_1" and name.endswith("_1"):
                values = max_pool2d(values, 2)
            values = conv2d(values, weight, bias, padding=0 if name == "relu1_1" else 1).relu_()
            found[name] = values
        return found

    return features


def textbook(content: Tensor, style: Tensor, settings: GatysSettings) -> Iterator[Tensor]:
    """Yield the picture after every evaluation of the loop that tutorials teach.

    The objective is ours, written the usual way; it is not made slower than usual in any part.
    """
    features = textbook_features(settings.network, content.device)

    def gram(values: Tensor) -> Tensor:
        flat = values.flatten(2)[0]
        return torch.mm(flat, flat.t()) / flat.shape[1]

    with torch.no_grad():
        wanted = {name: features(content)[name] for name in settings.content_layers}
        height, width = style.shape[-2:]
        painting = features(resize(style, *fit(height, width, max(content.shape[-2:]))))
        grams = {name: gram(painting[name]) for name in settings.style_layers}

    pixels = content.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([pixels], lr=1, max_iter=1)

    def evaluate() -> Tensor:
        with torch.no_grad():
            pixels.clamp_(0, 1)
        optimizer.zero_grad()
        values = features(pixels)
        loss = settings.tv_weight * (pixels.diff(dim=2).square().mean() + pixels.diff(dim=3).square().mean())
        for name, target in wanted.items():
            loss = loss + settings.content_weight * (values[name] - target).square().sum() / target.square().sum()
        for name, share in settings.layer_shares().items():
            distance = (gram(values[name]) - grams[name]).square().sum() / grams[name].square().sum()
            loss = loss + settings.style_weight * share * distance
        loss.backward()
        return loss

    while True:
        optimizer.step(evaluate)
        yield pixels.detach().clamp(0, 1)


def step_share(content: Tensor, style: Tensor, settings: GatysSettings) -> dict[str, object]:
    """Compare the speed of one step, in operations a second, with that of single convolutions around it."""
    device = choose_device("auto")
    dtype = choose_dtype("auto", device)
    objective = Objective(VGG.pretrained(device=device, dtype=dtype), content.to(device), [Style(style)], settings)

    def step() -> None:
        pixels = content.to(device).clone().requires_grad_()
        torch.stack([*objective(pixels).values()]).sum().backward()

    operations = step_operations(settings, *content.shape[-2:])
    seconds: dict[str, list[float]] = {}
    kernels = {f"{width}@{side}": kernel(width, side, dtype, device) for width, side in KERNELS}
    with reused_memory():
        for _ in range(8):
            for name, (run, _) in {"step": (step, 0), **kernels}.items():
                seconds.setdefault(name, []).append(timed(run, device))
    speeds = {name: work / statistics.median(seconds[name]) / 1e9 for name, (_, work) in kernels.items()}
    speed = operations / statistics.median(seconds["step"]) / 1e9
    return {
        "step_gigaflops": round(speed),
        "convolution_gigaflops": {name: round(value) for name, value in speeds.items()},
        "share": round(speed / max(speeds.values()), 3),
        "dtype": str(dtype).removeprefix("torch."),
    }


KERNELS = ((64, 512), (128, 256), (256, 128), (512, 64), (256, 256), (512, 128))
"""Channels and side of the convolutions among which the fastest is looked for, VGG's own and larger ones."""


def kernel(width: int, side: int, dtype: torch.dtype, device: torch.device) -> tuple[Callable[[], object], int]:
    """Return a 3×3 convolution to run, and the operations it takes."""
    features = torch.randn(1, width, side, side, dtype=dtype, device=device)
    weight = torch.randn(width, width, 3, 3, dtype=dtype, device=device)
    features = features.contiguous(memory_format=torch.channels_last)
    weight = weight.contiguous(memory_format=torch.channels_last)
    return lambda: conv2d(features, weight, padding=1), 2 * 9 * width**2 * side**2


def step_operations(settings: GatysSettings, height: int, width: int) -> int:
    """Count the operations of the convolutions and Gram matrices of a step, forward and backward."""
    names = layer_names(settings.network)
    deepest = max(map(names.index, (*settings.content_layers, *settings.style_layers)))
    total, in_channels = 0, 3
    for name in names[: deepest + 1]:
        block = int(name[len("relu")])
        channels, places = WIDTHS[block - 1], (height >> (block - 1)) * (width >> (block - 1))
        total += 2 * 9 * in_channels * channels * places
        if name in settings.style_layers:
            total += 2 * channels**2 * places
        in_channels = channels
    return 2 * total


def timed(run: Callable[[], object], device: torch.device) -> float:
    """Return the seconds one run takes."""
    began = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def peak_of(size: int) -> float:
    """Return the peak memory of painting at a size, in GB, measured in a process of its own."""
    command = [sys.executable, __file__, "--peak", "--size", str(size)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # noqa: S603


def peak_memory(size: int) -> float:
    """Paint at one size until L-BFGS remembers all it can, and return the most memory this process had, in GB."""
    settings = GatysSettings(size=size, coarse_size=size, steps=HISTORY + 2)
    with reused_memory():
        paint(load("photos", PAIRS[0][0]), [Style(load("paintings", PAIRS[0][1]))], settings)
    if torch.cuda.is_available():
        return round(torch.cuda.max_memory_allocated() / 1e9, 2)
    return round(peak_gigabytes(), 2)


if __name__ == "__main__":
    main()
