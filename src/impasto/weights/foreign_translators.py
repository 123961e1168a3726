"""Published generators under our names: U-Net and ResNet of pytorch-CycleGAN-and-pix2pix (`*_net_G.pth`).

Which of them a checkpoint is, how deep and wide, with which normalisation, its tensors tell. What they do not tell
is whether a U-Net was trained with dropout; its authors' default is that it was.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from torch import Tensor

from impasto.errors import WeightsError
from impasto.weights.foreign import Translation, check_state, describe

UNET = "the U-Net of pytorch-CycleGAN-and-pix2pix"
RESNET = "the ResNet of pytorch-CycleGAN-and-pix2pix"

FULL = 5
"""So many blocks a U-Net has at least."""
_UNET_ENTRY, _RESNET_ENTRY = "model.model.0.weight", "model.1.weight"
_RUNNING = re.compile(r"\.(running_(mean|var)|num_batches_tracked)$")
"""Statistics of whole trainings; pictures are normalised by their own, as the authors' test script does."""
_BLOCK = re.compile(r"model\.(\d+)\.conv_block\.(\d+)\.weight$")


class _Layer(NamedTuple):
    """A convolution, our name, its tensors' shapes, and the normalisation after it, if there is one."""

    theirs: str
    ours: str
    shape: tuple[int, int, int, int]
    channels: int
    norm: tuple[str, str] | None = None
    has_bias: bool = False


def is_generator(state: Mapping[str, Tensor]) -> bool:
    """Return whether a checkpoint is nearly a generator that is known."""
    return _UNET_ENTRY in state or (_RESNET_ENTRY in state and state[_RESNET_ENTRY].shape[2:] == (7, 7))


def translate_generator(state: Mapping[str, Tensor]) -> Translation:
    """Return a published generator under our names, for `methods.pix2pix`.

    Args:
        state: The checkpoint's tensors.

    Raises:
        WeightsError: If it is none that is known.
    """
    left_out = tuple(name for name in state if _RUNNING.search(name))
    kept = {name: tensor for name, tensor in state.items() if name not in left_out}
    if _UNET_ENTRY in kept and kept[_UNET_ENTRY].ndim == 4:
        settings, layers, what = *_unet(kept), UNET
    elif _RESNET_ENTRY in kept and kept[_RESNET_ENTRY].shape[2:] == (7, 7):
        settings, layers, what = *_resnet(kept), RESNET
    else:
        raise WeightsError(
            f"it is no generator that is known: {describe(state)}; recognised are {UNET}, and {RESNET}"
        )
    batch = settings["norm"] == "batch"
    expected: dict[str, tuple[int, ...]] = {}
    names: dict[str, str] = {}
    for layer in layers:
        expected[f"{layer.theirs}.weight"] = layer.shape
        parts = ["weight"]
        if layer.has_bias or not batch:
            expected[f"{layer.theirs}.bias"] = (layer.channels,)
            parts.append("bias")
        names |= {f"{layer.theirs}.{part}": f"{layer.ours}.{part}" for part in parts}
        if layer.norm is not None and batch:
            theirs, ours = layer.norm
            expected |= {f"{theirs}.{part}": (layer.channels,) for part in ("weight", "bias")}
            names |= {f"{theirs}.{part}": f"{ours}.{part}" for part in ("weight", "bias")}
    check_state(kept, expected, what)
    tensors = {ours: kept[theirs].float() for theirs, ours in names.items()}
    return Translation("pix2pix", settings, tensors, what, left_out)


def _unet(state: Mapping[str, Tensor]) -> tuple[dict[str, str | int | bool], list[_Layer]]:
    """Return settings and layers: blocks lie within each other, the innermost has no normalisation going down."""
    prefixes = list(_unet_prefixes(state))
    if len(prefixes) < FULL:
        raise WeightsError(
            f"it is nearly {UNET}, but only {len(prefixes)} of its blocks are here; {describe(state)}"
        )
    last = len(prefixes) - 1
    base_channels, in_channels = state[_UNET_ENTRY].shape[:2]
    leave = f"{prefixes[0]}.3.weight"
    out_channels = state[leave].shape[1] if leave in state and state[leave].ndim == 4 else 3
    settings: dict[str, str | int | bool] = {
        "generator": "unet",
        "in_channels": in_channels,
        "out_channels": out_channels,
        "base_channels": base_channels,
        "num_downs": len(prefixes),
        "norm": "batch" if f"{prefixes[1]}.2.weight" in state else "instance",
        "crop_size": max(256, 2 ** len(prefixes)),
        "load_size": max(286, 2 ** len(prefixes)),
    }
    widths = [base_channels * min(2**level, 8) for level in range(len(prefixes))]
    layers = []
    for level, (prefix, width) in enumerate(zip(prefixes, widths, strict=True)):
        narrow, out = (widths[level - 1], widths[level - 1]) if level else (in_channels, out_channels)
        wide = width if level == last else 2 * width
        down, up, up_norm = (0, 3, 0) if level == 0 else (1, 3, 4) if level == last else (1, 5, 6)
        down_norm = (f"{prefix}.2", f"down_norm.{level}") if 0 < level < last else None
        layers += [
            # the authors' outermost and innermost convolutions going down are not followed by a normalisation
            _Layer(f"{prefix}.{down}", f"down.{level}", (width, narrow, 4, 4), width, down_norm),
            _Layer(
                f"{prefix}.{up}",
                f"up.{level}",
                (wide, out, 4, 4),
                out,
                (f"{prefix}.{up_norm}", f"up_norm.{level}") if level else None,
                has_bias=level == 0,
            ),
        ]
    return settings, layers


def _unet_prefixes(state: Mapping[str, Tensor]) -> Iterator[str]:
    """Yield where the layers of each block are, the outermost first."""
    prefix, place = "model.model", 0
    while f"{prefix}.{place}.weight" in state:
        yield prefix
        prefix, place = f"{prefix}.{1 if place == 0 else 3}.model", 1


def _resnet(state: Mapping[str, Tensor]) -> tuple[dict[str, str | int | bool], list[_Layer]]:
    """Return settings and layers: c7s1, two going down, blocks, two going up, c7s1."""
    found = [match for match in map(_BLOCK.match, state) if match]
    blocks = sorted({int(match[1]) for match in found})
    # dropout has a number of its own, so that what comes after it is one further
    second = 6 if any(match[2] == "6" and state[match[0]].ndim == 4 for match in found) else 5
    base, in_channels = state[_RESNET_ENTRY].shape[:2]
    leave = f"model.{10 + len(blocks) + 7}"
    out_channels = state[f"{leave}.weight"].shape[0] if f"{leave}.weight" in state else 3
    settings: dict[str, str | int | bool] = {
        "generator": "resnet",
        "in_channels": in_channels,
        "out_channels": out_channels,
        "base_channels": base,
        "num_blocks": len(blocks),
        "norm": "batch" if "model.2.weight" in state else "instance",
        "dropout": second == 6,
    }
    layers = [
        _Layer("model.1", "enter", (base, in_channels, 7, 7), base, ("model.2", "enter_norm")),
        _Layer("model.4", "down.0", (2 * base, base, 3, 3), 2 * base, ("model.5", "down_norm.0")),
        _Layer("model.7", "down.1", (4 * base, 2 * base, 3, 3), 4 * base, ("model.8", "down_norm.1")),
    ]
    for index in range(len(blocks)):
        block, ours, shape = f"model.{10 + index}.conv_block", f"blocks.{index}", (4 * base, 4 * base, 3, 3)
        for place, name in ((1, "first"), (second, "second")):
            norm = (f"{block}.{place + 1}", f"{ours}.{name}_norm")
            layers.append(_Layer(f"{block}.{place}", f"{ours}.{name}", shape, 4 * base, norm))
    up = 10 + len(blocks)
    layers += [
        _Layer(f"model.{up}", "up.0", (4 * base, 2 * base, 3, 3), 2 * base, (f"model.{up + 1}", "up_norm.0")),
        _Layer(f"model.{up + 3}", "up.1", (2 * base, base, 3, 3), base, (f"model.{up + 4}", "up_norm.1")),
        _Layer(leave, "leave", (out_channels, base, 7, 7), out_channels, has_bias=True),
    ]
    return settings, layers
