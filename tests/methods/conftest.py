"""What the tests of methods share: networks read once, and one painting that many look at."""

import functools

import pytest
from torch import Tensor

from impasto.image.regions import Style
from impasto.methods.gatys import GatysSettings, paint
from impasto.nn.vgg import VGG
from impasto.result import Step

load = functools.cache(VGG.pretrained)


@pytest.fixture(autouse=True)
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read each network's file once, not for each of the hundred pictures painted here."""
    monkeypatch.setattr(VGG, "pretrained", load)


@pytest.fixture(scope="session")
def painted_freely(photo: Tensor, painting: Tensor) -> tuple[Tensor, list[Step]]:
    """Return what 25 steps at one size paint in fp32, and the steps."""
    steps: list[Step] = []
    settings = GatysSettings(coarse_size=512, steps=25, precision="fp32")
    return paint(photo, [Style(painting)], settings, on_step=steps.append), steps
