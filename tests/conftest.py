"""What all tests share: shapes checked at every call, real pictures small enough to paint, a network that sees."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self, get_origin

import beartype
import jaxtyping
import numpy as np
import PIL.Image
import pytest
import torch
from torch import Tensor

ROOT = Path(__file__).parents[1]


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check shapes and types at every call, but for what beartype cannot or must not judge.

    Choices are left to the errors that users see, and a method alone does not know its `Self`.
    """
    hints = function.__annotations__
    for name, hint in hints.items():
        if hint is Self or get_origin(hint) is Literal:
            hints[name] = Any
    return beartype.beartype(function)


assert not [name for name in sys.modules if name.startswith("impasto.")], "shapes are checked from the import on"
# The hook takes a string to evaluate; this file's name depends on where pytest was started.
jaxtyping.install_import_hook(
    [
        "impasto.losses",
        "impasto.nn",
        *(f"impasto.image.{room}" for room in ("color", "regions", "resize", "tensors")),
    ],
    f"sys.modules[{__name__!r}].checked",
)


def small(path: Path, height: int, width: int) -> Tensor:
    """Open a picture at a size, `(1, 3, height, width)` in [0, 1], by Pillow alone."""
    with PIL.Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB").resize((width, height), PIL.Image.Resampling.LANCZOS))
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].contiguous() / 255


@pytest.fixture(scope="session")
def photo() -> Tensor:
    """A cup of coffee, 40×48."""
    return small(ROOT / "tests" / "data" / "coffee.jpg", 40, 48)


@pytest.fixture(scope="session")
def painting() -> Tensor:
    """The Starry Night, 36×48."""
    return small(ROOT / "examples" / "paintings" / "starry_night.jpg", 36, 48)


@pytest.fixture(scope="session")
def other_painting() -> Tensor:
    """Poppies, 48×40: another palette."""
    return small(ROOT / "examples" / "paintings" / "poppies.jpg", 48, 40)


@pytest.fixture(scope="session")
def vgg() -> Any:
    """VGG-16 in fp32, frozen."""
    from impasto.nn.vgg import VGG

    return VGG.pretrained()
