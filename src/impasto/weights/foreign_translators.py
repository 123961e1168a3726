"""Published generators (`*_net_G.pth`) under our names: of pytorch-CycleGAN-and-pix2pix, CUT, Pix2PixHD and SPADE.

Which of them a checkpoint is, how deep and wide, with which normalisation, its tensors tell. What they do not tell
is taken as their authors' defaults have it: a U-Net was trained with dropout; Pix2PixHD and SPADE saw where objects
touch, beside the classes, SPADE with a channel for what is no class; and SPADE doubles the size five times, but six
times with the 36 channels of Cityscapes. A SPADE that begins with a vector draws its looks: the network that tells
what pictures look like is in a file of its own (`*_net_E.pth`), which is not read.
"""

import math
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from impasto.errors import WeightsError
from impasto.weights.foreign import Translation, check_state, describe
from impasto.weights.foreign_domains import STARGAN, is_domain_generator, translate_domain_generator

UNET = "the U-Net of pytorch-CycleGAN-and-pix2pix"
RESNET = "the ResNet of pytorch-CycleGAN-and-pix2pix"
CUT = "the ResNet of CUT"
GLOBAL, ENHANCER = "the global generator of Pix2PixHD", "the local enhancer of Pix2PixHD"
SPADE = "the generator of SPADE"
KNOWN = (UNET, RESNET, CUT, GLOBAL, ENHANCER, SPADE, STARGAN)
PICTURES = (1, 3, 4)
"""Channels of pictures; whatever has others is a label map."""

FULL = 5
"""So many blocks a U-Net has at least."""
_UNET_ENTRY, _RESNET_ENTRY = "model.model.0.weight", "model.1.weight"
_ENHANCER_ENTRY, _SPADE_ENTRY = "model1_1.1.weight", "head_0.norm_0.mlp_shared.0.weight"
_BLUR = "model.7.filt"
"""What halves without aliasing is a layer of its own, whose fixed weights are stored with the others."""
CITYSCAPES = 36
_RUNNING = re.compile(r"\.(running_(mean|var)|num_batches_tracked)$")
"""Statistics of whole trainings; pictures are normalised by their own, as the authors' test script does."""
_BLOCK = re.compile(r"model\.(\d+)\.conv_block\.(\d+)\.weight$")


Settings = dict[str, str | int | bool]


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
    entries = (_UNET_ENTRY, _ENHANCER_ENTRY, _SPADE_ENTRY)
    return any(entry in state for entry in entries) or (
        is_domain_generator(state) or (_RESNET_ENTRY in state and state[_RESNET_ENTRY].shape[2:] == (7, 7))
    )


def translate_generator(state: Mapping[str, Tensor]) -> Translation:
    """Return a published generator under our names.

    Args:
        state: The checkpoint's tensors.

    Raises:
        WeightsError: If it is none that is known.
    """
    if _SPADE_ENTRY in state:
        return _spade(state)
    if is_domain_generator(state):
        return translate_domain_generator(state)
    left_out = tuple(name for name in state if _RUNNING.search(name))
    kept = {name: tensor for name, tensor in state.items() if name not in left_out}
    if _UNET_ENTRY in kept and kept[_UNET_ENTRY].ndim == 4:
        settings, layers, what = *_unet(kept), UNET
    elif _ENHANCER_ENTRY in kept:
        settings, layers, what = *_enhancer(kept), ENHANCER
    elif _BLUR in kept and _RESNET_ENTRY in kept:
        blurs = {name: tensor for name, tensor in kept.items() if name.endswith(".filt")}
        kept = {name: tensor for name, tensor in kept.items() if name not in blurs}
        settings, layers, what = *_resnet(kept, antialiased=True), CUT
        _check_blurs(blurs, settings)
        left_out += tuple(blurs)
    elif _RESNET_ENTRY in kept and kept[_RESNET_ENTRY].shape[2:] == (7, 7):
        settings, layers = _resnet(kept)
        what = RESNET if settings["in_channels"] in PICTURES else GLOBAL
    else:
        raise WeightsError(
            f"it is no generator that is known: {describe(state)}; recognised are {', '.join(KNOWN)}"
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
    if what in (UNET, RESNET):
        settings.pop("num_downs") if what == RESNET else None
        return Translation("pix2pix", settings, tensors, what, left_out)
    if what == CUT:
        shape = {name: settings[name] for name in ("in_channels", "out_channels", "base_channels", "num_blocks")}
        compared = tuple(layer for layer in (0, 4, 8, 12, 16) if layer < 12 + int(settings["num_blocks"]))
        return Translation("cut", {**shape, "nce_layers": compared}, tensors, what, left_out)
    seen = {"classes": int(settings["in_channels"]) - 1, "dont_care": False, "edges": True, "num_scales": 2}
    shape = {name: settings[name] for name in ("base_channels", "num_blocks", "num_downs")}
    enhanced = {"enhanced": True, "enhancer_blocks": settings["enhancer_blocks"]} if what == ENHANCER else {}
    return Translation("pix2pixhd", {**seen, **shape, **enhanced}, tensors, what, left_out)


def _unet(state: Mapping[str, Tensor]) -> tuple[Settings, list[_Layer]]:
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
    settings: Settings = {
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


def _resnet(
    state: Mapping[str, Tensor], *, whole: bool = True, antialiased: bool = False
) -> tuple[Settings, list[_Layer]]:
    """Return settings and layers: c7s1, some going down, blocks, as many going up, c7s1 unless only a part.

    What halves or doubles without aliasing is one layer more, after a convolution, or before it.
    """
    step, before = (4, 1) if antialiased else (3, 0)
    found = [match for match in map(_BLOCK.match, state) if match]
    blocks = sorted({int(match[1]) for match in found})
    # dropout has a number of its own, so that what comes after it is one further
    second = 6 if any(match[2] == "6" and state[match[0]].ndim == 4 for match in found) else 5
    base, in_channels = state[_RESNET_ENTRY].shape[:2]
    first = blocks[0] if blocks else 4 + 2 * step
    widths = [base * 2**level for level in range((first - 4) // step + 1)]
    up, wide = first + len(blocks), widths[-1]
    leave = f"model.{up + step * (len(widths) - 1) + 1}"
    out_channels = state[f"{leave}.weight"].shape[0] if f"{leave}.weight" in state else 3
    settings: Settings = {
        "generator": "resnet",
        "in_channels": in_channels,
        "out_channels": out_channels,
        "base_channels": base,
        "num_blocks": len(blocks),
        "num_downs": len(widths) - 1,
        "norm": "batch" if "model.2.weight" in state else "instance",
        "dropout": second == 6,
    }
    layers = [_Layer("model.1", "enter", (base, in_channels, 7, 7), base, ("model.2", "enter_norm"))]
    for level, (narrow, wider) in enumerate(pairwise(widths)):
        place = 4 + step * level
        norm = (f"model.{place + 1}", f"down_norm.{level}")
        layers.append(_Layer(f"model.{place}", f"down.{level}", (wider, narrow, 3, 3), wider, norm))
    for index in range(len(blocks)):
        layers += _block(f"model.{first + index}.conv_block", f"blocks.{index}", wide, second)
    for level, (wider, narrow) in enumerate(pairwise(widths[::-1])):
        place = up + before + step * level
        norm = (f"model.{place + 1}", f"up_norm.{level}")
        shape = (narrow, wider, 3, 3) if antialiased else (wider, narrow, 3, 3)
        layers.append(_Layer(f"model.{place}", f"up.{level}", shape, narrow, norm))
    if whole:
        layers.append(_Layer(leave, "leave", (out_channels, base, 7, 7), out_channels, has_bias=True))
    return settings, layers


def _check_blurs(blurs: Mapping[str, Tensor], settings: Settings) -> None:
    """Raise unless fixed weights are those that our layers have, and the rest can be built.

    Raises:
        WeightsError: If they are not.
    """
    for name, blur in blurs.items():
        line = {3: (1.0, 2.0, 1.0), 4: (1.0, 3.0, 3.0, 1.0)}.get(blur.shape[-1])
        wanted = None if line is None else torch.outer(torch.tensor(line), torch.tensor(line)) / 16
        if wanted is None or not torch.allclose(blur.float(), wanted.expand_as(blur), atol=1e-3):
            raise WeightsError(f"it is nearly {CUT}, but {name} is another blur than that of 1, 2, 1 or 1, 3, 3, 1")
    if settings["norm"] != "instance" or settings["dropout"]:
        raise WeightsError(f"it is {CUT} with batch normalisation or dropout, which it is not trained with here")


def _block(theirs: str, ours: str, width: int, second: int) -> Iterator[_Layer]:
    """Yield the two convolutions of a residual block."""
    for place, name in ((1, "first"), (second, "second")):
        norm = (f"{theirs}.{place + 1}", f"{ours}.{name}_norm")
        yield _Layer(f"{theirs}.{place}", f"{ours}.{name}", (width, width, 3, 3), width, norm)


def _enhancer(state: Mapping[str, Tensor]) -> tuple[Settings, list[_Layer]]:
    """Return settings and layers: the global generator without its last layer, and what lies around it."""
    settings, inner = _resnet(state, whole=False)
    wide, in_channels = int(settings["base_channels"]), int(settings["in_channels"])
    narrow = wide // 2
    blocks = sorted({int(name.split(".")[1]) for name in state if re.match(r"model1_2\.\d+\.conv_block", name)})
    up = len(blocks)
    leave = f"model1_2.{up + 4}"
    out_channels = state[f"{leave}.weight"].shape[0] if f"{leave}.weight" in state else 3
    layers = [layer._replace(ours=f"coarse.{layer.ours}", norm=_within(layer.norm)) for layer in inner]
    layers += [
        _Layer("model1_1.1", "enter", (narrow, in_channels, 7, 7), narrow, ("model1_1.2", "enter_norm")),
        _Layer("model1_1.4", "down", (wide, narrow, 3, 3), wide, ("model1_1.5", "down_norm")),
    ]
    for index in range(len(blocks)):
        layers += _block(f"model1_2.{index}.conv_block", f"blocks.{index}", wide, 5)
    layers += [
        _Layer(f"model1_2.{up}", "up", (wide, narrow, 3, 3), narrow, (f"model1_2.{up + 1}", "up_norm")),
        _Layer(leave, "leave", (out_channels, narrow, 7, 7), out_channels, has_bias=True),
    ]
    return {**settings, "out_channels": out_channels, "enhancer_blocks": len(blocks)}, layers


def _within(norm: tuple[str, str] | None) -> tuple[str, str] | None:
    return None if norm is None else (norm[0], f"coarse.{norm[1]}")


_SPADE_BLOCKS = ("head_0", "G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3")
_SPADE_PARTS = {
    "conv_0": "first",
    "conv_1": "second",
    "conv_s": "shortcut",
    "norm_0": "first_norm",
    "norm_1": "second_norm",
    "norm_s": "shortcut_norm",
}
_SPADE_INNER = {
    "mlp_shared.0": "shared",
    "mlp_gamma": "scale",
    "mlp_beta": "shift",
    "param_free_norm": "norm",
    "weight_orig": "parametrizations.weight.original",
    "weight_u": "parametrizations.weight.0._u",
    "weight_v": "parametrizations.weight.0._v",
}
_SPADE_NAME = re.compile(rf"({'|'.join(_SPADE_BLOCKS)})\.({'|'.join(_SPADE_PARTS)})\.(.+)")


def _spade(state: Mapping[str, Tensor]) -> Translation:
    """Translate; spectral norms keep their vectors, normalisations the statistics of their training.

    Raises:
        WeightsError: If there is a tensor that the generator as published does not have.
    """
    tensors: dict[str, Tensor] = {}
    for name, tensor in state.items():
        match = _SPADE_NAME.fullmatch(name)
        if match is None and name.partition(".")[0] not in ("fc", "conv_img"):
            raise WeightsError(f"it is nearly {SPADE}, but has {name} besides; {describe(state)}")
        if match is None:
            ours = name.replace("fc.", "begin.").replace("conv_img.", "leave.")
        else:
            inner = match[3]
            for theirs, named in _SPADE_INNER.items():
                inner = inner.replace(theirs, named) if inner.startswith(theirs) else inner
            ours = f"blocks.{_SPADE_BLOCKS.index(match[1])}.{_SPADE_PARTS[match[2]]}.{inner}"
        tensors[ours] = tensor.float() if tensor.is_floating_point() else tensor
    for name in [name for name in tensors if name.endswith("._u")]:
        # older files lack the right vector, which follows from the left one
        matrix = tensors[f"{name.removesuffix('0._u')}original"].flatten(1)
        tensors.setdefault(f"{name.removesuffix('_u')}_v", normalize(matrix.T @ tensors[name], dim=0))
    for needed in ("fc.weight", "conv_img.weight"):
        if needed not in state:
            raise WeightsError(f"it is nearly {SPADE}, but lacks {needed}; {describe(state)}")
    channels, base = state[_SPADE_ENTRY].shape[1], state["conv_img.weight"].shape[1]
    ups = 6 if channels == CITYSCAPES else 5
    settings: Settings = {
        "classes": channels - 2,
        "base_channels": base,
        "num_ups": ups,
        "statistics": "running",
    }
    if state["fc.weight"].ndim == 2:
        settings |= _vector_settings(state["fc.weight"], base, ups)
    return Translation("spade", settings, tensors, SPADE, ())


def _vector_settings(begin: Tensor, base: int, ups: int) -> Settings:
    """Return the settings of a SPADE that begins with a vector; its crops were squares, or twice as wide as high.

    Raises:
        WeightsError: If they were neither.
    """
    places, style_channels = begin.shape[0] // (16 * base), begin.shape[1]
    for across in (1, 2):
        side = math.isqrt(places // across)
        if side and across * side**2 * 16 * base == begin.shape[0]:
            size, width = side << ups, across * side << ups
            return {
                "style_guided": True,
                "style_channels": style_channels,
                "crop_size": size,
                "crop_width": 0 if across == 1 else width,
                "load_size": size,
            }
    raise WeightsError(
        f"it is {SPADE} that begins with a vector, of crops that were neither squares nor twice as wide as high"
    )
