"""Every method trains, measures and samples in fp32 and with bf16 mixed in, on colour pictures and on others.

A processor computes bf16 whether it has instructions for it or not, and IMPASTO_BF16 makes loss networks and
encoders compute in it, so all runs on any machine.
"""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from tests.training import test_cut, test_cyclegan, test_pix2pix, test_pix2pixhd, test_run, test_spade, test_stargan
from tests.training.test_pix2pix import pairs
from tests.training.test_spade import streets
from tests.training.test_stargan import skies
from torch import Tensor

from impasto.errors import SettingError
from impasto.image.color import rgb_to_yiq
from impasto.image.io import read_image
from impasto.image.resize import resize
from impasto.methods.pix2pixhd import Pix2PixHDSettings
from impasto.nn.compute import choose_dtype
from impasto.training.cyclegan import CycleGANTraining
from impasto.training.run_settings import RunSettings
from impasto.training.train import train

__all__ = ["pairs", "skies", "streets"]  # fixtures


class Case(NamedTuple):
    """A short training: its method, the fixture with its data, its settings."""

    method: str
    data: str
    settings: Any


ONCE = {"epochs": 1, "decay_epochs": 0}
STYLES = {name: Case(name, "photos", replace(test_run.SETTINGS[name], steps=2)) for name in test_run.SETTINGS}
TRANSLATORS = {
    "pix2pix": Case("pix2pix", "pairs", replace(test_pix2pix.SMALL, **ONCE)),
    "pix2pix, grey to colour": Case("pix2pix", "pairs", replace(test_pix2pix.SMALL, in_channels=1, **ONCE)),
    "pix2pix, RGBA to grey": Case(
        "pix2pix", "pairs", replace(test_pix2pix.SMALL, in_channels=4, out_channels=1, **ONCE)
    ),
    "cyclegan": Case("cyclegan", "kinds", replace(test_cyclegan.SMALL, **ONCE)),
    "cyclegan, grey to colour": Case(
        "cyclegan", "kinds", replace(test_cyclegan.SMALL, in_channels=1, identity_weight=0, **ONCE)
    ),
    "cyclegan, RGBA": Case(
        "cyclegan", "kinds", replace(test_cyclegan.SMALL, in_channels=4, out_channels=4, **ONCE)
    ),
    "cut": Case("cut", "kinds", replace(test_cut.SMALL, **ONCE)),
    "cut, grey": Case("cut", "kinds", replace(test_cut.SMALL, in_channels=1, out_channels=1, **ONCE)),
    "fastcut": Case("fastcut", "kinds", replace(test_cut.FAST, **ONCE)),
    "stargan": Case("stargan", "skies", replace(test_stargan.SMALL, **ONCE)),
    "spade": Case("spade", "streets", replace(test_spade.SMALL, classes=3, style_guided=True, **ONCE)),
    "pix2pixhd": Case("pix2pixhd", "streets", Pix2PixHDSettings(**{**test_pix2pixhd.SMALL, **ONCE})),
}


@pytest.mark.parametrize("precision", ["bf16-mixed", "32-true"])
@pytest.mark.parametrize("name", [*STYLES, *TRANSLATORS])
def test_every_method_trains_in_every_precision(
    name: str,
    precision: str,
    request: pytest.FixtureRequest,
    art: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("IMPASTO_BF16", "1")
    case = (STYLES | TRANSLATORS)[name]
    styles = {"johnson": [art / "first.png"]}.get(name, [art] if name in STYLES else [])
    running = RunSettings(precision=precision, evaluate_every=2)
    trained = train(
        case.method,
        data=request.getfixturevalue(case.data),
        styles=styles,
        run=tmp_path / "run",
        settings=case.settings,
        run_settings=running,
    )
    assert math.isfinite(trained.best) and trained.model.is_file()
    samples = sorted((tmp_path / "run" / "samples").iterdir())
    assert samples and read_image(samples[-1]).pixels.any()


@pytest.mark.parametrize(("value", "dtype"), [("1", torch.bfloat16), ("0", torch.float32)])
def test_detection_of_bf16_is_overridden(value: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("IMPASTO_BF16", value)
    assert choose_dtype("auto", torch.device("cpu")) == dtype


def test_another_value_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("IMPASTO_BF16", "yes")
    with pytest.raises(SettingError, match="IMPASTO_BF16 is 'yes'"):
        choose_dtype("auto", torch.device("cpu"))


def test_what_is_measured_is_measured_in_fp32(kinds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Also while the training mixes bf16 in."""
    seen = []

    def watched(self: CycleGANTraining) -> dict[str, float]:
        product = torch.ones(2, 2) @ torch.ones(2, 2)
        seen.append((product.dtype, torch.is_autocast_enabled("cpu"), torch.is_grad_enabled()))
        return {"total": 1.0}

    monkeypatch.setattr(CycleGANTraining, "held_out_terms", watched)
    settings = replace(test_cyclegan.SMALL, **ONCE)
    running = RunSettings(precision="bf16-mixed", evaluate_every=2)
    train("cyclegan", data=kinds, run=tmp_path / "run", settings=settings, run_settings=running)
    assert seen and {*seen} == {(torch.float32, False, False)}


def test_pictures_are_converted_and_resized_in_fp32_under_autocast(photo: Tensor):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        converted, resized = rgb_to_yiq(photo), resize(photo, 21, 30)
    assert converted.dtype == resized.dtype == torch.float32
    torch.testing.assert_close(converted, rgb_to_yiq(photo))
    torch.testing.assert_close(resized, resize(photo, 21, 30))


def test_half_precision_is_resized_as_fp32_is(photo: Tensor):
    resized = resize(photo.bfloat16(), 21, 30)
    assert resized.dtype == torch.bfloat16
    torch.testing.assert_close(resized.float(), resize(photo.bfloat16().float(), 21, 30), atol=4e-3, rtol=0)
