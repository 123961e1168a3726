"""Weights by name, as tensors."""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from impasto.errors import WeightsError
from impasto.weights.foreign import inception_from_fid, vgg_from_torchvision
from impasto.weights.store import find
from impasto.weights.transfer import OnProgress

TRANSLATIONS = {
    "vgg16-imagenet": vgg_from_torchvision,
    "vgg19-imagenet": vgg_from_torchvision,
    "inception-v3-fid": inception_from_fid,
}


def load_weights(
    name: str, dtype: torch.dtype = torch.float32, on_progress: OnProgress | None = None
) -> dict[str, Tensor]:
    """Return the tensors of a weights file under our names, fetching the file first if it is not here.

    Args:
        name: A name of the catalogue.
        dtype: What floating-point tensors are converted to.
        on_progress: Called while the file is being fetched.

    Raises:
        WeightsError: If there is no such name, the file cannot be fetched, or it is damaged.
    """
    path = find(name, on_progress)
    try:
        tensors = read_tensors(path)
        if name in TRANSLATIONS:
            tensors = TRANSLATIONS[name](tensors)
    except WeightsError as error:
        raise WeightsError(f"{error}; to check the file, run: impasto weights verify {name}") from error
    return {key: tensor.to(dtype) if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a `.safetensors` or `.pth` file as they are stored, on the CPU.

    Raises:
        WeightsError: If the file cannot be read or holds something other than tensors by name.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror or error}") from error
    except SafetensorError as error:
        raise WeightsError(f"{path} is damaged: {_one_line(error)}") from error
    except UnpicklingError as error:  # torch advises to load it unsafely
        raise WeightsError(f"{path} is damaged, or holds more than weights; give a state_dict alone") from error
    except Exception as error:  # a damaged pickle raises whatever its first wrong byte asks for
        raise WeightsError(f"{path} is damaged, or holds more than weights: {_one_line(error)}") from error
    if not _holds_tensors(content):
        raise WeightsError(f"{path} holds a {type(content).__name__}, not tensors by name")
    return {name: tensor.detach() for name, tensor in content.items()}


def _holds_tensors(content: object) -> bool:
    return isinstance(content, Mapping) and all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in content.items()
    )


def _one_line(error: Exception) -> str:
    """Return the first sentence of an error; torch's go on for a page."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
