"""A run: what it leaves, that it goes on exactly where it was interrupted, and what it refuses."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from impasto.methods.adain import AdainSettings
from impasto.methods.johnson import JohnsonSettings
from impasto.methods.multistyle import MultistyleSettings
from impasto.methods.prediction import PredictionSettings
from impasto.training.run import RunSettings, Trained
from impasto.training.train import train
from impasto.weights.model import read_model

SMALL = {"crop_size": 32, "style_size": 64, "batch_size": 2, "steps": 6, "learning_rate": 0.01}
SETTINGS = {
    "johnson": JohnsonSettings(base_channels=4, num_blocks=1, **SMALL),
    "multistyle": MultistyleSettings(base_channels=4, num_blocks=1, **SMALL),
    "adain": AdainSettings(base_channels=4, looks=4, **SMALL),
    "prediction": PredictionSettings(base_channels=4, num_blocks=1, looks=4, **SMALL),
}


class Killed(Exception):  # noqa: N818 -- not an error
    """Raised in a run at a step."""


def run(method: str, photos: Path, art: Path, folder: Path, until: int | None = None, **changes: object) -> Trained:
    def stop(step: int, steps: int, losses: Mapping[str, float]) -> None:
        if step == until:
            raise Killed

    settings = replace(SETTINGS[method], **changes)
    styles = [art / "first.png"] if method == "johnson" else [art]
    return train(
        method,
        data=photos,
        styles=styles,
        run=folder,
        settings=settings,
        run_settings=RunSettings(evaluate_every=2),
        on_step=stop,
    )


@pytest.mark.parametrize("method", SETTINGS)
def test_a_resumed_run_is_the_one_never_stopped(method: str, photos: Path, art: Path, tmp_path: Path):
    whole = run(method, photos, art, tmp_path / "whole")
    for until in (1, 3, 5):
        with pytest.raises(Killed):
            run(method, photos, art, tmp_path / "parts", until=until)
    parts = run(method, photos, art, tmp_path / "parts")

    assert whole.steps == parts.steps == 6 and whole.best == parts.best
    assert (tmp_path / "whole/metrics.jsonl").read_text() == (tmp_path / "parts/metrics.jsonl").read_text()
    _, first = read_model(whole.model)
    _, second = read_model(parts.model)
    assert all(torch.equal(first[name], second[name]) for name in first)
    again = run(method, photos, art, tmp_path / "whole")
    assert again == whole, "a finished run has nothing left to do"
