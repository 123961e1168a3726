"""Checkpoints as one safetensors file: tensors as they are, everything around them as JSON. No pickle.

A training's state is a tree of dictionaries, lists, tuples and numbers with tensors as leaves. The tree goes into
the file's metadata with a number in place of each tensor; what comes back is equal to the bit, and lies in memory
as it lay: an optimiser rounds otherwise where it goes through its numbers in another order.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import CheckpointIO
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from impasto.errors import InputError, WeightsError
from impasto.writing import replace_file

_TREE = "impasto-training-state"


class SafetensorsCheckpoints(CheckpointIO):
    """Saves and loads what Lightning wants kept; a file is replaced whole or not at all."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint."""
        tensors: dict[str, Tensor] = {}
        tree = json.dumps(_packed(checkpoint, tensors))
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        replace_file(Path(path), save(tensors, {_TREE: tree}))

    def load_checkpoint(
        self, path: str | os.PathLike[str], map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint, on the CPU.

        Raises:
            InputError: If the file is missing.
            WeightsError: If it is damaged, or not a checkpoint of a training.
        """
        if not Path(path).is_file():
            raise InputError(f"there is no checkpoint {path}")
        try:
            with safe_open(path, framework="pt") as file:
                tree = (file.metadata() or {}).get(_TREE)
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 -- not a mapping
        except (SafetensorError, OSError) as error:
            raise WeightsError(
                f"the checkpoint {path} is damaged ({error}); delete it to go on from another"
            ) from None
        if tree is None:
            raise WeightsError(f"{path} is not a training's checkpoint; those are in the run's folder checkpoints/")
        unpacked: dict[str, Any] = _unpacked(json.loads(tree), tensors)
        return unpacked

    def remove_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Delete a checkpoint, if it is there."""
        Path(path).unlink(missing_ok=True)


def _packed(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Return a value as JSON knows it, its tensors moved out."""
    if isinstance(value, Tensor):
        # a copy, because safetensors stores no tensor that shares memory with another
        tensors[str(len(tensors))] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        channels_last = value.ndim == 4 and value.is_contiguous(memory_format=torch.channels_last)
        kind = "tensor, channels last" if channels_last and not value.is_contiguous() else "tensor"
        return {kind: str(len(tensors) - 1)}
    if isinstance(value, Mapping):
        return {"dict": [[_packed(key, tensors), _packed(each, tensors)] for key, each in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_packed(each, tensors) for each in value]}
    if isinstance(value, list):
        return [_packed(each, tensors) for each in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    assert value is None or type(value) in (bool, int, float, str), f"cannot keep {value!r} in a checkpoint"
    return value


def _unpacked(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpacked(each, tensors) for each in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "tensor, channels last":
        return tensors[content].contiguous(memory_format=torch.channels_last)
    if kind == "tuple":
        return tuple(_unpacked(each, tensors) for each in content)
    return {_unpacked(key, tensors): _unpacked(each, tensors) for key, each in content}
