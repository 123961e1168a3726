"""Run crowsonkb/style-transfer-pytorch on one photo and one painting, with the bundled VGG-16's weights.

    python benchmarks/contest/crowsonkb.py CHECKOUT PHOTO PAINTING OUT.png [--size 384] [--first 300]
        [--further 200]

The checkout's own code runs unchanged, with its defaults but for the number of iterations. What it imports from
torchvision is provided here: its three picture conversions, and a "VGG-19" whose fourth convolutions of blocks 3 to
5 are identities, which makes it the bundled VGG-16 with layer numbers as that code expects them. One JSON object
is printed: seconds, seconds of processor time, iterations, threads and peak memory.
"""

import argparse
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))

from contest.report import peak_gigabytes, say
from impasto.nn.vgg import VGG, WIDTHS

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
DEPTHS = (2, 2, 4, 4, 4)
"""Convolutions of each block of VGG-19."""


class Normalize(nn.Module):
    """Subtract the mean and divide by the deviation of each channel."""

    def __init__(self, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.mean, self.std = (torch.tensor(values).view(1, 3, 1, 1) for values in (mean, std))

    def forward(self, picture: Tensor) -> Tensor:
        """Return the normalised picture."""
        return (picture - self.mean) / self.std


def vgg19(weights: object) -> SimpleNamespace:
    """Return the bundled VGG-16 laid out as torchvision's VGG-19, for pictures normalised by mean and deviation."""
    del weights
    ours = dict(VGG.pretrained("vgg16").named_parameters())
    layers: list[nn.Module] = []
    in_channels = 3
    for block, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True), 1):
        for index in range(1, depth + 1):
            name = f"conv{block}_{index}"
            if f"{name}.weight" not in ours:
                layers += [nn.Identity(), nn.Identity()]
                continue
            convolution = nn.Conv2d(in_channels, width, 3, padding=1)
            weight: Tensor = ours[f"{name}.weight"].contiguous()
            bias: Tensor = ours[f"{name}.bias"]
            if in_channels == 3:
                bias = bias + torch.einsum("oikl,i->o", weight, torch.tensor(MEAN))
                weight = weight * torch.tensor(STD).view(1, 3, 1, 1)
            convolution.load_state_dict({"weight": weight, "bias": bias})
            layers += [convolution, nn.ReLU()]
            in_channels = width
        layers.append(nn.MaxPool2d(2))
    return SimpleNamespace(features=nn.Sequential(*layers))


def to_tensor(image: Image.Image) -> Tensor:
    """Return a picture as `(3, height, width)` in [0, 1]."""
    return torch.from_numpy(np.array(image.convert("RGB"))).movedim(2, 0).float() / 255


def to_pil_image(picture: Tensor) -> Image.Image:
    """Return a picture of 8 bits."""
    return Image.fromarray((picture * 255).round().byte().movedim(0, 2).contiguous().numpy())


def provide_torchvision() -> None:
    """Make `import torchvision` give what the checkout uses of it."""
    parts: dict[str, dict[str, object]] = {
        "models": {"vgg19": vgg19, "VGG19_Weights": SimpleNamespace(IMAGENET1K_V1=None)},
        "transforms": {"Normalize": Normalize},
        "transforms.functional": {"to_tensor": to_tensor, "to_pil_image": to_pil_image},
    }
    modules = {"torchvision": ModuleType("torchvision")}
    for name, members in parts.items():
        module = ModuleType(f"torchvision.{name}")
        for member, value in members.items():
            setattr(module, member, value)
        modules[f"torchvision.{name}"] = module
    for name, module in modules.items():
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(modules[parent], last, module)
    sys.modules.update(modules)


def main() -> None:
    """Paint one picture and print what it took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("photo", type=Path)
    parser.add_argument("painting", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--first", type=int, default=300, help="iterations at the smallest size")
    parser.add_argument("--further", type=int, default=200, help="iterations at each further size")
    arguments = parser.parse_args()

    provide_torchvision()
    sys.path.insert(0, str(arguments.checkout))
    from style_transfer import StyleTransfer  # type: ignore[import-not-found]  # noqa: PLC0415

    pictures = [Image.open(path).convert("RGB") for path in (arguments.photo, arguments.painting)]
    began, cpu_began, iterations = time.perf_counter(), time.process_time(), []
    sys.stdout, printed = sys.stderr, sys.stdout
    transfer = StyleTransfer()
    transfer.stylize(
        pictures[0],
        [pictures[1]],
        end_scale=arguments.size,
        initial_iterations=arguments.first,
        iterations=arguments.further,
        callback=lambda step: iterations.append(step.i),
    )
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    sys.stdout = printed
    transfer.get_image().save(arguments.out)
    say(
        seconds=round(seconds, 1),
        cpu_seconds=round(cpu_seconds, 1),
        iterations=len(iterations),
        threads=torch.get_num_threads(),
        peak_gigabytes=peak_gigabytes(),
    )


if __name__ == "__main__":
    main()
