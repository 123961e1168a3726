"""The watchdog: each trouble made on purpose is noticed and said once; a healthy training hears nothing."""

from pathlib import Path

import pytest
import torch
from tests.training.test_pix2pix import SMALL, pairs  # noqa: F401 -- a fixture
from torch import Tensor

from impasto.losses.adversarial import verdict_accuracy
from impasto.training.run_settings import RunSettings
from impasto.training.train import train
from impasto.training.watchdog import REMEMBERED, HeldOutMeasures, Watchdog


def signs(fakes: list[Tensor], reals: list[Tensor], vgg) -> dict[str, float]:
    measures = HeldOutMeasures(vgg)
    for fake, real in zip(fakes, reals, strict=True):
        measures.add(fake, real)
    return measures.means()


@pytest.fixture
def reals(photo: Tensor, painting: Tensor) -> list[Tensor]:
    larger = [
        torch.nn.functional.interpolate(picture, size=(96, 96), mode="bilinear") for picture in (photo, painting)
    ]
    return [*larger, larger[0].flip(3), larger[1].flip(2)]


def test_what_is_well_is_not_spoken_of(reals: list[Tensor], vgg):
    noisy = [(real + 0.02 * torch.randn_like(real)).clamp(0, 1) for real in reals]
    terms = signs(noisy, reals, vgg)
    assert terms["correlation"] > 0.9 and 0.9 < terms["spread"] < 1.1 and terms["checkerboard"] < 2
    assert terms["total"] == terms["distance"] > 0
    assert Watchdog().after_look(terms) == []


def test_collapse_inversion_and_checkerboards_are_noticed(reals: list[Tensor], vgg):
    board = 0.06 * ((torch.arange(96)[:, None] + torch.arange(96)) % 2 * 2 - 1.0)
    for fakes, words in (
        ([reals[0]] * 4, "nearly alike"),
        ([1 - real for real in reals], "light and dark are exchanged"),
        ([(real + board).clamp(0, 1) for real in reals], "a checkerboard lies over the outputs"),
    ):
        watchdog, terms = Watchdog(), signs(fakes, reals, vgg)
        assert watchdog.after_look(terms) == [], "all begins grey"
        (said,) = watchdog.after_look(terms)
        assert words in said and "\n" not in said
        assert watchdog.after_look(terms) == [], "once is enough"
        watchdog.after_look(signs(reals, reals, vgg))
        assert [*watchdog.after_look(terms), *watchdog.after_look(terms)] == [said], "but again when it was over"


def test_without_pairs_light_is_compared_with_what_went_in():
    terms = {"input_correlation": -0.9, "spread": 1.0, "checkerboard": 1.0}
    watchdog = Watchdog()
    assert watchdog.after_look(terms) == []
    (said,) = watchdog.after_look(terms)
    assert "light and dark are exchanged (correlation -0.90 with what went in)" in said
    assert "the term that keeps what went in" in said and "l1_weight" not in said


@pytest.mark.parametrize(("accuracy", "words"), [(1.0, "nearly every time (100.0%)"), (0.5, "as often as a coin")])
def test_a_discriminator_that_teaches_nothing_is_noticed(accuracy: float, words: str):
    watchdog = Watchdog()
    said = [words for _ in range(REMEMBERED + 50) for words in watchdog.after_step({"accuracy": accuracy})]
    assert len(said) == 1 and words in said[0]
    healthy = Watchdog()
    assert not [each for _ in range(500) for each in healthy.after_step({"accuracy": 0.8})]
    assert healthy.after_step({"l1": 1.0}) == []


def test_a_discriminator_that_is_nearly_always_right_is_named_once():
    watchdog = Watchdog()
    wavering = [accuracy for _ in range(10) for accuracy in [1.0] * 200 + [0.98] * 200]
    assert len([words for accuracy in wavering for words in watchdog.after_step({"accuracy": accuracy})]) == 1
    for accuracy, times in ((0.8, 0), (1.0, 1)):
        assert len([words for _ in range(1000) for words in watchdog.after_step({"accuracy": accuracy})]) == times


def test_right_verdicts_are_counted():
    real, fake = torch.tensor([1.0, 2.0, -1.0, 0.7]), torch.tensor([-1.0, 0.6, -2.0, 0.2])
    assert float(verdict_accuracy(real, fake, "vanilla")) == pytest.approx((3 / 4 + 2 / 4) / 2)
    assert float(verdict_accuracy(real, fake, "lsgan")) == pytest.approx((3 / 4 + 3 / 4) / 2)
    assert float(verdict_accuracy(real + 9, fake + 9, "wgangp")) == pytest.approx((3 / 4 + 2 / 4) / 2)


def test_a_run_says_what_is_wrong_and_stops_if_asked(pairs: Path, tmp_path: Path):  # noqa: F811
    """A generator that learns nothing makes the same grey of everything."""
    said: list[str] = []
    settings = RunSettings(evaluate_every=2, trouble="stop")
    stopped = train(
        "pix2pix", data=pairs, run=tmp_path / "run", settings=SMALL, run_settings=settings, on_warning=said.append
    )
    assert stopped.stopped_early and stopped.steps == 4
    assert any(words.startswith("step 4: outputs are nearly alike") for words in said)
    assert list(stopped.warnings) == said
    again = train("pix2pix", data=pairs, run=tmp_path / "run", settings=SMALL, run_settings=settings)
    assert again == stopped
