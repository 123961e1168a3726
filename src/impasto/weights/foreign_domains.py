"""Published generators of StarGAN under our names: yunjey/stargan's (`*-G.pth`).

How wide and deep one is, and how many places its labels have, its tensors tell; what these are called they do not.
Five are those that the authors' published faces were trained on; others are called by their numbers, from 1 on, and
may be named together, since nothing tells whether they exclude each other.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from impasto.errors import WeightsError
from impasto.weights.foreign import Translation, check_state, describe

STARGAN = "the generator of StarGAN"
CELEBA = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")
"""The attributes of CelebA that the paper learns, in the authors' order."""
_ENTRY = "main.0.weight"
_BLOCK = re.compile(r"main\.(\d+)\.main\.\d+\.weight$")
_DOWNS = 2
_RUNNING = re.compile(r"\.(running_(mean|var)|num_batches_tracked)$")
"""Statistics of whole trainings; pictures are normalised by their own, as the authors' test does."""


def is_domain_generator(state: Mapping[str, Tensor]) -> bool:
    """Return whether a checkpoint is nearly StarGAN's generator."""
    return _ENTRY in state and state[_ENTRY].ndim == 4 and state[_ENTRY].shape[2:] == (7, 7)


def translate_domain_generator(state: Mapping[str, Tensor]) -> Translation:
    """Return a published generator under our names.

    Args:
        state: The checkpoint's tensors.

    Raises:
        WeightsError: If it is none, saying what is otherwise.
    """
    left_out = tuple(name for name in state if _RUNNING.search(name))
    kept = {name: tensor for name, tensor in state.items() if name not in left_out}
    base, entered = kept[_ENTRY].shape[:2]
    count = entered - 3
    if count < 1:
        raise WeightsError(f"it is nearly {STARGAN}, but takes no label beside the picture; {describe(state)}")
    blocks = len({match[1] for match in map(_BLOCK.match, kept) if match})
    names: dict[str, str] = {}
    expected: dict[str, tuple[int, ...]] = {}
    for theirs, ours, shape in _layers(base, entered, blocks):
        names[f"{theirs}.weight"], expected[f"{theirs}.weight"] = f"{ours}.weight", shape
        if len(shape) == 1:
            names[f"{theirs}.bias"], expected[f"{theirs}.bias"] = f"{ours}.bias", shape
    check_state(kept, expected, STARGAN)
    known = CELEBA if count == len(CELEBA) else [str(number) for number in range(1, count + 1)]
    settings = {"domains": (",".join(known),), "base_channels": base, "num_blocks": blocks}
    tensors = {ours: kept[theirs].float() for theirs, ours in names.items()}
    return Translation("stargan", settings, tensors, STARGAN, left_out)


def _layers(base: int, entered: int, blocks: int) -> list[tuple[str, str, tuple[int, ...]]]:
    """Return their names, ours, and shapes of weights: one number a channel for normalisations."""
    wide = base * 2**_DOWNS
    layers: list[tuple[str, str, tuple[int, ...]]] = [
        ("main.0", "enter", (base, entered, 7, 7)),
        ("main.1", "enter_norm", (base,)),
    ]
    for level in range(_DOWNS):
        narrow, place = base * 2**level, 3 + 3 * level
        layers.append((f"main.{place}", f"down.{level}", (2 * narrow, narrow, 4, 4)))
        layers.append((f"main.{place + 1}", f"down_norm.{level}", (2 * narrow,)))
    first = 3 + 3 * _DOWNS
    for block in range(blocks):
        for place, ours in ((0, "first"), (3, "second")):
            theirs = f"main.{first + block}.main"
            layers.append((f"{theirs}.{place}", f"blocks.{block}.{ours}", (wide, wide, 3, 3)))
            layers.append((f"{theirs}.{place + 1}", f"blocks.{block}.{ours}_norm", (wide,)))
    for level in range(_DOWNS):
        wider, place = wide >> level, first + blocks + 3 * level
        layers.append((f"main.{place}", f"up.{level}", (wider, wider // 2, 4, 4)))
        layers.append((f"main.{place + 1}", f"up_norm.{level}", (wider // 2,)))
    return [*layers, (f"main.{first + blocks + 3 * _DOWNS}", "leave", (3, base, 7, 7))]
