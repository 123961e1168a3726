"""Pix2PixHD: coarse to fine, and on exactly where it was interrupted."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.test_spade import Killed, streets  # noqa: F401 -- a fixture

from impasto.errors import SettingError
from impasto.methods.pix2pixhd import Pix2PixHDSettings
from impasto.training.run import Trained
from impasto.training.run_settings import RunSettings
from impasto.training.train import suited_settings, train
from impasto.verbs.translate import translate
from impasto.weights.model import read_model

SMALL = {
    "classes": 3, "base_channels": 4, "discriminator_channels": 2, "num_layers": 1, "num_scales": 2, "num_downs": 2,
    "num_blocks": 1, "enhancer_blocks": 1, "load_size": 64, "crop_size": 64, "batch_size": 2, "epochs": 2,
    "decay_epochs": 1,
}  # fmt: skip


def run(streets: Path, folder: Path, until: int | None = None, start: Path | None = None, **changes) -> Trained:  # noqa: F811
    def stop(step: int, steps: int, losses: Mapping[str, float]) -> None:
        if step == until:
            raise Killed

    settings = Pix2PixHDSettings(**{**SMALL, **changes})
    often = RunSettings(evaluate_every=2)
    return train(
        "pix2pixhd", data=streets, run=folder, start=start, settings=settings, run_settings=often, on_step=stop
    )


def test_a_resumed_run_is_the_one_never_stopped(streets: Path, tmp_path: Path):  # noqa: F811
    whole = run(streets, tmp_path / "whole", enhanced=True)
    for until in (1, 5):
        with pytest.raises(Killed):
            run(streets, tmp_path / "parts", until=until, enhanced=True)
    parts = run(streets, tmp_path / "parts", enhanced=True)
    assert whole.steps == parts.steps == 6 and whole.best == parts.best
    _, first = read_model(whole.model)
    _, second = read_model(parts.model)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_coarse_to_fine(streets: Path, tmp_path: Path):  # noqa: F811
    """The enhancer begins around the global generator that was trained; both paint maps of any size."""
    coarse = run(streets, tmp_path / "coarse").model
    _, trained = read_model(coarse)
    fine = run(streets, tmp_path / "fine", start=coarse, enhanced=True, learning_rate=1e-9).model
    _, begun = read_model(fine)
    name = "blocks.0.first.weight"
    torch.testing.assert_close(begun[f"coarse.{name}"], trained[name], atol=1e-6, rtol=0)
    assert "coarse.leave.weight" not in begun
    source = streets / "valannot" / "x.png"
    for model in (coarse, fine):
        assert translate(model, source).image.pixels.shape == (64, 80, 3)
    assert suited_settings("pix2pixhd", (), coarse).num_downs == 2
    with pytest.raises(SettingError, match="is not of the shape that is set"):
        run(streets, tmp_path / "other", start=coarse, base_channels=6)


def test_low_memory_trains_alike(streets: Path, tmp_path: Path):  # noqa: F811
    """What is computed twice is what would have been kept."""
    models = [
        run(streets, tmp_path / str(low), enhanced=True, low_memory=low, crop_width=80).model
        for low in (False, True)
    ]
    (_, first), (_, second) = map(read_model, models)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_looks_of_objects_are_learnt_and_chosen(streets: Path, tmp_path: Path):  # noqa: F811
    """An encoder learns them coarse and fine; in what is edited the rest stays, and a look is another picture."""
    coarse = run(streets, tmp_path / "coarse", instance_features=2).model
    _, tensors = read_model(coarse)
    assert tensors["encoder.looks"].shape == (4, 10, 2) and tensors["encoder.looks"][0].abs().sum() > 0
    fine = run(streets, tmp_path / "fine", start=coarse, enhanced=True, instance_features=2).model
    source, photo = streets / "valannot" / "x.png", streets / "val" / "x.png"
    for model in (coarse, fine):
        pictures = [
            translate(model, source, seed=1).image.pixels,
            translate(model, source, seed=2).image.pixels,
            translate(model, source, style=photo).image.pixels,
            translate(model, source, seed=1, edits=["restyle 0 3"]).image.pixels,
        ]
        again = translate(model, source, seed=1, edits=["restyle 0 3"]).image.pixels
        assert np.array_equal(pictures[3], again)
        assert all((one != other).any() for one, other in combinations(pictures, 2))


def test_a_resumed_run_with_looks_is_the_one_never_stopped(streets: Path, tmp_path: Path):  # noqa: F811
    whole = run(streets, tmp_path / "whole", instance_features=3)
    with pytest.raises(Killed):
        run(streets, tmp_path / "parts", until=3, instance_features=3)
    parts = run(streets, tmp_path / "parts", instance_features=3)
    _, first = read_model(whole.model)
    _, second = read_model(parts.model)
    assert all(torch.equal(first[name], second[name]) for name in first)
