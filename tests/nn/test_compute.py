"""Where and how precisely: what `auto` takes on each kind of machine."""

import pytest
import torch

from impasto.errors import SettingError
from impasto.nn import compute
from impasto.nn.compute import BF16, choose_device, choose_dtype, repeatable, reused_memory


def pretend(monkeypatch: pytest.MonkeyPatch, *, cuda: bool = False, mps: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "taken"),
    [(False, False, "cpu"), (False, True, "mps"), (True, False, "cuda"), (True, True, "cuda")],
)
def test_auto_takes_the_fastest_device_there_is(monkeypatch, cuda, mps, taken):
    pretend(monkeypatch, cuda=cuda, mps=mps)
    assert choose_device().type == choose_device("auto").type == taken
    assert choose_device("cpu").type == "cpu"
    for name, there in {"cuda": cuda, "mps": mps}.items():
        if there:
            assert choose_device(name).type == name
        else:
            with pytest.raises(SettingError, match=f"^device is '{name}', .*not offer; available: .*cpu$"):
                choose_device(name)


def test_wrong_choices_list_the_choices():
    with pytest.raises(SettingError, match=r"^device is 'tpu'; choose one of auto, cpu, cuda, mps$"):
        choose_device("tpu")
    with pytest.raises(SettingError, match=r"^precision is 'fp16'; choose one of auto, bf16, fp32$"):
        choose_dtype("fp16", torch.device("cpu"))


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_auto_takes_bf16_only_where_the_hardware_computes_in_it(monkeypatch, device, fast):
    def on_cuda(including_emulation: bool = True) -> bool:
        return fast or including_emulation

    monkeypatch.delenv(BF16, raising=False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", on_cuda)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: fast)
    where = torch.device(device)
    taken = torch.bfloat16 if fast and device != "mps" else torch.float32
    assert choose_dtype("auto", where) == taken
    assert choose_dtype("bf16", where) == torch.bfloat16
    assert choose_dtype("fp32", where) == torch.float32


def test_repeatable_leaves_the_settings_as_they_were():
    flags = torch.backends.cudnn
    before = (flags.enabled, flags.benchmark, flags.deterministic, flags.allow_tf32)
    with pytest.raises(KeyError), repeatable():
        assert flags.deterministic
        assert not flags.benchmark
        raise KeyError
    assert (flags.enabled, flags.benchmark, flags.deterministic, flags.allow_tf32) == before


def test_reused_memory_is_given_back_even_after_an_error(monkeypatch):
    calls = []

    class Recorder:
        def mallopt(self, option: int, value: int) -> None:
            calls.append((option, value))

        def malloc_trim(self, pad: int) -> None:
            calls.append("trim")

    monkeypatch.setattr(compute, "_glibc", Recorder)
    with pytest.raises(KeyError), reused_memory():
        inside = dict(calls)
        calls.clear()
        raise KeyError
    assert min(inside.values()) >= 2**30
    outside = dict(calls[:-1])
    assert calls[-1] == "trim"
    assert outside.keys() == inside.keys()
    # man mallopt: M_TRIM_THRESHOLD (-1) and M_MMAP_THRESHOLD (-3) start at 128 KiB
    assert outside == {-1: 128 * 1024, -3: 128 * 1024}


def test_reused_memory_does_nothing_without_glibc(monkeypatch):
    monkeypatch.setattr(compute, "_glibc", lambda: None)
    with reused_memory():
        assert torch.ones(3).sum() == 3


def test_reused_memory_computes_the_same():
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    plain = (picture @ picture).sum()
    with reused_memory():
        assert (picture @ picture).sum() == plain
