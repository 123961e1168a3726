"""Trainings without pairs in which something goes wrong: it is planted for real, and caught within 200 steps."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.training.test_cut import TINY
from torch import Tensor, nn

from impasto.methods import cut, cyclegan
from impasto.methods.cut import CutSettings
from impasto.methods.cyclegan import BothWays, CycleGANSettings
from impasto.training import chapters, module, unpaired
from impasto.training.run_settings import RunSettings
from impasto.training.train import train
from impasto.weights.model import write_model

STEPS = 200
LASTING = 1e-6
"""A learning rate at which what is planted stays as it is."""
Plant = Callable[[nn.Module, list[Tensor]], None]


@pytest.fixture(autouse=True)
def real_chapters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chapters of 100 steps, as users have them; fewer pictures are looked at."""
    for each in (chapters, module):
        monkeypatch.setattr(each, "CHAPTER", 100)
    monkeypatch.setattr(unpaired, "LOOKED_AT", 2)


def inverted(generator: nn.Module, pictures: list[Tensor]) -> None:
    """Teach a generator to exchange light and dark."""
    adam = torch.optim.Adam(generator.parameters(), lr=0.01)
    for step in range(150):
        picture = pictures[step % len(pictures)][:, :, :32, :32] * 2 - 1
        loss = (generator(picture) + picture).abs().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()


def collapsed(generator: nn.Module, pictures: list[Tensor]) -> None:
    """Let a generator paint the same of everything."""
    with torch.no_grad():
        generator.leave.weight.zero_()
        generator.leave.bias.copy_(torch.tensor([0.4, -0.2, 0.1]))


def settings_of(method: str) -> CycleGANSettings | CutSettings:
    sizes = {
        "base_channels": 4, "num_blocks": 1, "num_layers": 1, "load_size": 32, "crop_size": 32, "epochs": STEPS,
        "decay_epochs": 0, "learning_rate": LASTING,
    }  # fmt: skip
    if method == "cyclegan":
        return CycleGANSettings(**sizes)
    return replace(CutSettings(**{**TINY, **sizes, "num_blocks": 2}), num_patches=16, batch_size=1)


def start(method: str, plant: Plant, pictures: list[Tensor], path: Path) -> Path:
    """Write a model of which every generator has the fault."""
    settings = settings_of(method)
    torch.manual_seed(0)
    if isinstance(settings, CycleGANSettings):
        network: nn.Module = BothWays(*(cyclegan.generator_of(settings, way) for way in ("AtoB", "BtoA")))
        planted, card = [network.a_to_b, network.b_to_a], cyclegan.card_of(settings)
    else:
        network = cut.generator_of(settings)
        planted, card = [network], cut.card_of(settings)
    for generator in planted:
        plant(generator, pictures)
    write_model(path, network.state_dict(), card)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("method", ["cyclegan", "cut"])
@pytest.mark.parametrize(
    ("plant", "words"), [(inverted, "light and dark are exchanged"), (collapsed, "outputs are nearly alike")]
)
def test_what_is_planted_is_caught_within_200_steps(
    method: str, plant: Plant, words: str, kinds: Path, tmp_path: Path, photo: Tensor, painting: Tensor
):
    """However rarely held-out pictures are measured; and the run ends there if that is wanted."""
    model = start(method, plant, [photo, painting], tmp_path / "start.safetensors")
    said: list[str] = []
    trained = train(
        method,
        data=kinds,
        run=tmp_path / "run",
        start=model,
        settings=settings_of(method),
        run_settings=RunSettings(evaluate_every=1000, trouble="stop"),
        on_warning=said.append,
    )
    assert any(words in each for each in said), said
    assert trained.stopped_early and trained.steps <= STEPS
