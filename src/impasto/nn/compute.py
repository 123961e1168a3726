"""Where and how precisely to compute: one setting each, `auto` by default."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

import torch
from torch import nn

from impasto.errors import SettingError, check_choice

BF16: Final = "IMPASTO_BF16"
"""Environment variable that overrides the detection of bf16 for precision `auto`: 1 uses bf16, 0 does not."""

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "bf16", "fp32"]


def choose_device(device: Device = "auto") -> torch.device:
    """Return the device asked for; `auto` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        SettingError: If there is no such device here.
    """
    check_choice("device", device, Device)
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return torch.device(next(name for name, available in here.items() if available))
    if not here[device]:
        available = ", ".join(name for name, found in here.items() if found)
        raise SettingError(f"device is {device!r}, which this machine does not offer; available: {available}")
    return torch.device(device)


def choose_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Return the type of weights and activations; `auto` takes bf16 where the hardware computes in it.

    Never fp16: processors emulate it, far too slowly.

    Raises:
        SettingError: If there is no such precision.
    """
    check_choice("precision", precision, Precision)
    if precision == "auto":
        return torch.bfloat16 if _computes_bf16(device) else torch.float32
    return torch.bfloat16 if precision == "bf16" else torch.float32


def _computes_bf16(device: torch.device) -> bool:
    overruled = os.environ.get(BF16, "")
    if overruled not in ("", "0", "1"):
        raise SettingError(f"{BF16} is {overruled!r}; set it to 1 or 0 to overrule the hardware, or unset it")
    if overruled:
        return overruled == "1"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported()
    return False


def learns_in_fp32(tensor: torch.Tensor) -> bool:
    """Tell whether slopes will be asked of features or of weights, on a processor that computes in fp32."""
    return (
        torch.is_grad_enabled()
        and tensor.requires_grad
        and tensor.device.type == "cpu"
        and tensor.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
    )


def frozen_for_speed(network: nn.Module) -> None:
    """Make a network ready to be applied, never trained: without gradients, laid out for speed."""
    network.eval().requires_grad_(False)
    lay_out(network)


def lay_out(network: nn.Module) -> None:
    """Lay the weights of convolutions out with the channels last, which is the fastest layout for features too."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory ran out, of the processor or of an accelerator."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error).lower()


@contextmanager
def repeatable() -> Iterator[None]:
    """Make CUDA pick the same algorithms every time, so that a seed gives the same picture again."""
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=True):
        yield


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_GLIBC_DEFAULT, _GLIBC_LARGEST = 128 * 1024, 2**31 - 1


@contextmanager
def reused_memory() -> Iterator[None]:
    """Let this process keep the memory it frees, and use it again, until the block ends.

    glibc gives every freed block above 32 MB back to the system, and each new one costs a page fault per 4 kB:
    a tenth and more of the time of a painting's step. This changes the whole process, all threads, so the
    command line does it and a library caller may. It does nothing where the C library is another one.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    libc.mallopt(_M_MMAP_THRESHOLD, _GLIBC_LARGEST)
    libc.mallopt(_M_TRIM_THRESHOLD, _GLIBC_LARGEST)
    try:
        yield
    finally:
        libc.mallopt(_M_MMAP_THRESHOLD, _GLIBC_DEFAULT)
        libc.mallopt(_M_TRIM_THRESHOLD, _GLIBC_DEFAULT)
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None
