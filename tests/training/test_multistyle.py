"""Training of many styles: it learns, and a resumed training is the one that was never stopped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import pytorch_lightning as lightning
import torch
from torch import Tensor

from impasto.data.crops import Batch, Crops
from impasto.errors import ImpastoError
from impasto.methods.multistyle import MultistyleSettings
from impasto.training import one_pass
from impasto.training.chapters import Chapters
from impasto.training.checkpoint import SafetensorsCheckpoints
from impasto.training.multistyle import MultistyleTraining

SETTINGS = MultistyleSettings(
    base_channels=4, num_blocks=1, crop_size=32, batch_size=2, steps=8, content_layers=("relu2_2",),
    style_layers=("relu1_2", "relu2_2"), learning_rate=0.01,
)  # fmt: skip


@pytest.fixture
def photos(tmp_path: Path, photo: Tensor) -> list[Path]:
    pixels = (photo[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    for index in range(3):
        PIL.Image.fromarray(np.rot90(pixels, index)).save(tmp_path / f"{index}.png")
    return sorted(tmp_path.glob("*.png"))


@pytest.fixture(autouse=True)
def short_chapters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_pass, "CHAPTER", 2)


def training(photos: list[Path], painting: Tensor, other_painting: Tensor) -> MultistyleTraining:
    crops = Crops(photos, SETTINGS.crop_size, SETTINGS.steps * SETTINGS.batch_size)
    return MultistyleTraining(SETTINGS, [painting, other_painting], crops)


def trainer(chapters: int) -> lightning.Trainer:
    return lightning.Trainer(
        max_epochs=chapters, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, plugins=[SafetensorsCheckpoints()],
    )  # fmt: skip


def test_a_resumed_training_is_the_one_never_stopped(photos, painting, other_painting, tmp_path: Path):
    whole = training(photos, painting, other_painting)
    trainer(4).fit(whole)

    interrupted = trainer(2)
    interrupted.fit(training(photos, painting, other_painting))
    interrupted.save_checkpoint(tmp_path / "last.safetensors")
    resumed = training(photos, painting, other_painting)
    trainer(4).fit(resumed, ckpt_path=str(tmp_path / "last.safetensors"))

    assert resumed.global_step == whole.global_step == 8
    untrained = training(photos, painting, other_painting).state_dict()
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    assert not torch.equal(untrained["network.rows"], whole.state_dict()["network.rows"])


def test_every_style_is_painted_as_often_in_changing_order(photos, painting, other_painting):
    drawn = training(photos, painting, other_painting).styles_at(torch.arange(60)).view(20, 3)
    assert (drawn.sort(dim=1).values == torch.tensor([0, 1, 2])).all()
    assert 2 < int((drawn[:, 0] == 1).sum()) < 18


def test_every_crop_comes_once(photos, painting, other_painting):
    """Lightning tells the sampler which chapter it is."""
    seen: list[int] = []

    class Watched(MultistyleTraining):
        def training_step(self, batch: Batch, index: int) -> Tensor:
            seen.extend(batch.positions.tolist())
            return super().training_step(batch, index)

    crops = Crops(photos, SETTINGS.crop_size, SETTINGS.steps * SETTINGS.batch_size)
    trainer(4).fit(Watched(SETTINGS, [painting, other_painting], crops))
    assert seen == [*range(16)]


def test_any_seed_draws(photos, painting, other_painting):
    largest = replace(SETTINGS, seed=2**63 - 1)
    drawn = MultistyleTraining(largest, [painting, other_painting], Crops(photos, 32, 16, seed=largest.seed))
    assert sorted(drawn.styles_at(torch.arange(3)).tolist()) == [0, 1, 2]


def test_chapters_follow_each_other():
    chapters = Chapters(4, 10)
    seen = []
    for chapter in range(3):
        chapters.set_epoch(chapter)
        assert len([*chapters]) == len(chapters)
        seen += [*chapters]
    assert seen == [*range(10)]


def test_a_loss_that_is_not_finite_stops_the_training(photos, painting, other_painting):
    broken = training(photos, painting, other_painting)
    with torch.no_grad():
        broken.network.rows[:] = float("nan")
    with pytest.raises(ImpastoError, match="loss is nan at step 0; lower learning_rate"):
        trainer(1).fit(broken)
