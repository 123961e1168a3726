"""Painting with ONNX Runtime: the same pictures as PyTorch's in fp32, exported once, and only when it is wanted."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from impasto.errors import ImpastoError, SettingError, WeightsError
from impasto.export.runtime import OnnxPainter
from impasto.methods.multistyle import Multistyle
from impasto.nn import one_pass
from impasto.nn.one_pass import OnePassSettings, paint
from impasto.verbs.one_pass import load_model
from impasto.verbs.stylize import stylize
from impasto.weights.model import Card, write_model

STYLES = ("wave", "poppies")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache for all tests of this file, so that the network is exported once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(0)
    network = Multistyle(2, 4, 1)
    torch.nn.init.normal_(network.rows, mean=1, std=0.5)
    path = tmp_path_factory.mktemp("model") / "two.safetensors"
    card = Card("multistyle", {"base_channels": 4, "num_blocks": 1}, STYLES)
    write_model(path, network.state_dict(), card)
    return str(path)


@pytest.fixture(autouse=True)
def cached(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(cache))


def painted(model: str, content: Tensor, regions: tuple = (), **settings) -> Tensor:
    chosen = OnePassSettings(model=model, **settings)
    return paint(content, STYLES, load_model("multistyle", chosen).painter, chosen, regions)


def test_auto_is_torch_and_exports_nothing(model: str, photo: Tensor, cache: Path):
    for precision in ("fp32", "bf16"):
        settings = OnePassSettings(model=model, precision=precision, device="cpu")
        assert load_model("multistyle", settings).runtime == "torch"
    assert not list(cache.iterdir())
    assert load_model("multistyle", OnePassSettings(model=model, runtime="onnx")).runtime == "onnx"
    assert len(list((cache / "onnx").iterdir())) == 1


@pytest.mark.parametrize(
    ("height", "width", "close"),
    # nothing varies in a single pixel, and normalising multiplies what is left of rounding by 300 a layer
    [(40, 48, 1e-4), (61, 34, 1e-4), (9, 130, 1e-4), (1, 1, 0.01)],
)
def test_it_paints_what_torch_paints(model: str, height: int, width: int, close: float):
    content = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    settings = {"strength": 0.7, "style_blend": (3.0, 1.0)}
    expected = painted(model, content, runtime="torch", precision="fp32", device="cpu", **settings)
    found = painted(model, content, runtime="onnx", **settings)
    torch.testing.assert_close(found, expected, rtol=0, atol=close)


def test_regions_and_large_pictures_stay_with_torch(model: str, photo: Tensor, monkeypatch: pytest.MonkeyPatch):
    mask = torch.linspace(0, 1, 48).expand(1, 1, 40, 48)
    settings = {"precision": "fp32", "device": "cpu"}
    expected = painted(model, photo, (mask, 1 - mask), runtime="torch", **settings)
    assert torch.equal(painted(model, photo, (mask, 1 - mask), runtime="onnx"), expected)
    whole = painted(model, photo, runtime="onnx")
    monkeypatch.setattr(one_pass, "WHOLE", 100)
    monkeypatch.setattr("impasto.export.runtime.WHOLE", 100)
    torch.testing.assert_close(painted(model, photo, runtime="onnx"), whole, rtol=0, atol=1e-4)


def test_the_recipe_says_what_computed(model: str):
    photo = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    recipe = stylize(photo, "wave", method="multistyle", model=model, runtime="onnx").recipe
    assert recipe["settings"]["runtime"] == "onnx"
    assert recipe["machine"]["runtime"] == "onnx"
    assert (recipe["machine"]["device"], recipe["machine"]["precision"]) == ("cpu", "float32")
    assert "onnxruntime" in recipe["versions"]


def test_a_damaged_export_is_named(model: str, tmp_path: Path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"half a file")
    painter = load_model("multistyle", OnePassSettings(model=model, precision="fp32", runtime="torch")).painter
    with pytest.raises(WeightsError, match=r"broken\.onnx is damaged .*; delete it"):
        OnnxPainter(painter, broken)


def test_what_it_cannot_compute_is_refused(model: str):
    with pytest.raises(SettingError, match="runtime is 'tflite'; choose one of auto, torch, onnx"):
        OnePassSettings(runtime="tflite")
    for impossible in ({"precision": "bf16"}, {"device": "cuda"}):
        with pytest.raises(SettingError, match="runtime onnx computes in fp32 on the CPU"):
            OnePassSettings(runtime="onnx", **impossible)
    with pytest.raises(SettingError, match="runtime onnx is for johnson, multistyle, prediction; with adain"):
        load_model("adain", OnePassSettings(model=model, runtime="onnx"))


def test_without_onnx_runtime_one_line_names_the_extra(model: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("impasto.export.installed.find_spec", lambda library: None)
    with pytest.raises(
        ImpastoError, match=r"onnxruntime, which is not installed; run pip install 'impasto\[export"
    ):
        load_model("multistyle", OnePassSettings(model=model, runtime="onnx"))
    settings = OnePassSettings(model=model, precision="fp32", device="cpu")
    assert load_model("multistyle", settings).runtime == "torch"
