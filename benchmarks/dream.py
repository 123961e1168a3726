"""DeepDream: ours against the textbook loop on the same photo, and tiles against the whole.

    python benchmarks/dream.py [--parts speed tiles] [--size 1024] [--steps 10] [--rounds 3]

- `speed`: three contestants dream on one photo with the same number of sizes and steps, taking turns; medians.
  `textbook` is the loop that tutorials teach: VGG-16 to its last layer, fp32, contiguous, the gradient divided by
  its mean magnitude, bilinear resizing. `default` is ours as it comes, on the same layers of the same network;
  `classifier` is ours on EfficientNet-Lite0.
- `tiles`: the mean difference of the gradient in tiles from that of the whole picture, over the gradient's mean
  magnitude, for each network and several rims; and how far two dreams are apart, in levels of 8 bits, of which one
  was made in tiles, beside two of which one had its photo changed by a millionth: dreams do not forget small
  changes, so no two ways to compute them end alike, and the gradient is what can be compared.

One JSON object a line. The last one is the summary, where `ratio` is the textbook's seconds over those of
`default`, and `ratio_classifier` over those of `classifier`.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import interpolate

import impasto
from contest.report import machine, say
from gatys import load, textbook_features
from impasto.methods.deepdream import DEFAULT_LAYERS, RIM, DeepDreamSettings, dream, objective_of_layers
from impasto.nn.backbones import Backbone, backbone_dtype, load_backbone
from impasto.nn.compute import choose_device, reused_memory
from impasto.nn.tiles import tiled_gradient

PHOTO = "pagoda"
VGG16: Final = "vgg16"
RIMS, TILE = (0, 32, 64, 96, RIM), 128
NETWORKS: tuple[Backbone, ...] = ("efficientnet-lite0", "vgg16")


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parts = {"speed": measure_speed, "tiles": measure_tiles}
    parser.add_argument("--parts", nargs="+", choices=parts, default=["tiles", "speed"], help="what to measure")
    parser.add_argument("--size", type=int, default=1024, help="longest side of the photo")
    parser.add_argument("--steps", type=int, default=10, help="speed: steps at each size")
    parser.add_argument("--rounds", type=int, default=3, help="speed: how often each dreams")
    arguments = parser.parse_args()
    versions = {"torch": torch.__version__, "impasto": impasto.__version__}
    say(
        benchmark="dream",
        machine=machine(),
        threads=torch.get_num_threads(),
        versions=versions,
        size=arguments.size,
        steps=arguments.steps,
    )
    for part in arguments.parts:
        parts[part](arguments)


def measure_speed(arguments: argparse.Namespace) -> None:
    """Let the three take turns, and say the summary."""
    photo = load("photos", PHOTO, arguments.size)
    settings = DeepDreamSettings(size=arguments.size, steps=arguments.steps)
    features = textbook_features(VGG16, torch.device("cpu"))
    contestants: dict[str, Callable[[], object]] = {
        "textbook": lambda: textbook(photo, features, settings),
        "default": lambda: dream(photo, settings),
        "classifier": lambda: dream(photo, replace(settings, network="efficientnet-lite0")),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    with reused_memory():
        for number in range(arguments.rounds):
            for name, run in contestants.items():
                began = time.perf_counter()
                run()
                seconds[name].append(time.perf_counter() - began)
                say(part="speed", round=number, contestant=name, seconds=round(seconds[name][-1], 2))
    medians = {name: median(each) for name, each in seconds.items()}
    say(
        summary="dream",
        ratio=round(medians["textbook"] / medians["default"], 2),
        ratio_classifier=round(medians["textbook"] / medians["classifier"], 2),
        seconds={name: round(each, 2) for name, each in medians.items()},
        size=arguments.size,
        steps=arguments.steps,
    )


def textbook(photo: Tensor, features: Callable[[Tensor], dict[str, Tensor]], settings: DeepDreamSettings) -> Tensor:
    """Dream as tutorials teach; it is not made slower than usual in any part."""
    generator, (octaves, steps, step_size, _) = torch.Generator().manual_seed(0), settings.pace()
    height, width = photo.shape[-2:]
    detail = torch.zeros_like(photo)
    for octave in range(octaves - 1, -1, -1):
        scale = settings.octave_scale**-octave
        size = (round(height * scale), round(width * scale))
        base = interpolate(photo, size, mode="bilinear", align_corners=False)
        picture = base + interpolate(detail, size, mode="bilinear", align_corners=False)
        for _ in range(steps):
            jitter = settings.jitter
            down, right = torch.randint(-jitter, jitter + 1, (2,), generator=generator).tolist()
            pixels = picture.roll((down, right), (2, 3)).requires_grad_()
            found = features(pixels)
            objective = torch.stack([found[name].square().mean() for name in DEFAULT_LAYERS[VGG16]]).sum()
            (gradient,) = torch.autograd.grad(objective, pixels)
            gradient = gradient.roll((-down, -right), (2, 3))
            picture = (picture + step_size * gradient / gradient.abs().mean()).clamp(0, 1)
        detail = picture - base
    return picture


def measure_tiles(arguments: argparse.Namespace) -> None:
    """Say how far the gradient in tiles is from that of the whole, and what becomes of it."""
    photo = load("photos", PHOTO, arguments.size)
    for name in NETWORKS:
        settings, device = DeepDreamSettings(network=name), choose_device("cpu")
        objective = objective_of_layers(load_backbone(name, device, backbone_dtype(name, "fp32", device)), settings)
        whole, _ = tiled_gradient(photo, objective, 2**20, RIM)
        for rim in RIMS:
            tiled, _ = tiled_gradient(photo, objective, TILE, rim)
            difference = float((tiled - whole).abs().mean() / whole.abs().mean())
            say(part="tiles", network=name, tile=TILE, rim=rim, difference=float(f"{difference:.2g}"))
    settings = DeepDreamSettings(steps=arguments.steps, device="cpu")
    noise = torch.randn(photo.shape, generator=torch.Generator().manual_seed(0))
    at_once = dream(photo, replace(settings, tile=2**15))
    others = {
        "in_tiles": dream(photo, replace(settings, tile=TILE)),
        "photo_changed_by_a_millionth": dream((photo + 1e-6 * noise).clamp(0, 1), replace(settings, tile=2**15)),
        "photo": photo,
    }
    levels = {name: round(255 * float((other - at_once).abs().mean()), 2) for name, other in others.items()}
    say(part="tiles", mean_difference_in_levels=levels)


if __name__ == "__main__":
    main()
