"""SPADE: its training goes on exactly, each network learns from its own loss, and its model paints label maps."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from torch import Tensor

from impasto.data.labelled import find_labelled
from impasto.errors import InputError, SettingError
from impasto.image.tensors import to_tensor
from impasto.methods.spade import SpadeSettings
from impasto.training.run import Trained
from impasto.training.run_settings import RunSettings
from impasto.training.spade import SpadeTraining
from impasto.training.train import train
from impasto.verbs.reproduce import reproduce
from impasto.verbs.translate import translate
from impasto.weights.model import read_card, read_model

SMALL = SpadeSettings(
    base_channels=1, discriminator_channels=2, num_layers=1, num_ups=5, load_size=64, crop_size=64, batch_size=2,
    style_channels=4, epochs=2, decay_epochs=1,
)  # fmt: skip


class Killed(Exception):  # noqa: N818 -- not an error
    """Raised in a run at a step."""


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    """Maps of three ids, an id of no class, and pictures in which every id has its own colour."""
    colors = np.array([[200, 60, 60], [60, 200, 60], [60, 60, 200], [0, 0, 0]], np.uint8)
    for split, names in (("train", "abcd"), ("val", "xy")):
        for folder in (split, f"{split}annot"):
            (tmp_path / "streets" / folder).mkdir(parents=True)
        for seed, name in enumerate(names):
            ids = np.random.default_rng(seed).integers(0, 4, (4, 5)).repeat(16, 0).repeat(16, 1).astype(np.uint8)
            PIL.Image.fromarray(ids).save(tmp_path / "streets" / f"{split}annot" / f"{name}.png")
            PIL.Image.fromarray(colors[ids]).save(tmp_path / "streets" / split / f"{name}.png")
    return tmp_path / "streets"


def run(streets: Path, folder: Path, until: int | None = None, **changes: object) -> Trained:
    def stop(step: int, steps: int, losses: Mapping[str, float]) -> None:
        if step == until:
            raise Killed

    settings = replace(SMALL, **{"classes": 3, **changes})
    often = RunSettings(evaluate_every=2)
    return train("spade", data=streets, run=folder, settings=settings, run_settings=often, on_step=stop)


@pytest.mark.parametrize("style_guided", [False, True])
def test_a_resumed_run_is_the_one_never_stopped(style_guided: bool, streets: Path, tmp_path: Path):
    whole = run(streets, tmp_path / "whole", style_guided=style_guided)
    for until in (1, 3, 5):
        with pytest.raises(Killed):
            run(streets, tmp_path / "parts", until=until, style_guided=style_guided)
    parts = run(streets, tmp_path / "parts", style_guided=style_guided)
    assert whole.steps == parts.steps == 6 and whole.best == parts.best
    assert (tmp_path / "whole/metrics.jsonl").read_text() == (tmp_path / "parts/metrics.jsonl").read_text()
    _, first = read_model(whole.model)
    _, second = read_model(parts.model)
    assert all(torch.equal(first[name], second[name]) for name in first)
    steps = [json.loads(line) for line in (tmp_path / "whole/metrics.jsonl").read_text().splitlines()]
    named = {"discriminator", "gan", "features", "perceptual"} | ({"kl"} if style_guided else set())
    assert named < set(steps[0])


def test_classes_are_counted_and_kept_in_the_model(streets: Path, tmp_path: Path):
    trained = run(streets, tmp_path / "run", classes=0)
    card, _ = read_model(trained.model)
    assert card.settings["classes"] == 4 and card.channels == (6, 3)
    assert card.palette == ()


def test_names_and_colours_of_classes_are_kept_in_the_model(streets: Path, tmp_path: Path):
    (streets / "classes.csv").write_text("name,r,g,b\nroad,200,60,60\nsky,60,200,60\ntree,60,60,200\n")
    card = read_card(run(streets, tmp_path / "run").model)
    assert card.palette == (("road", "#c83c3c"), ("sky", "#3cc83c"), ("tree", "#3c3cc8"))
    with PIL.Image.open(tmp_path / "run/samples/0000006.png") as sample:
        assert sample.size == (3 * 80, 2 * 64), "map, painted, real"


def test_a_model_paints_as_its_training_showed(streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    trained = run(streets, tmp_path / "run")
    found = find_labelled(streets, "val")
    training = SpadeTraining(replace(SMALL, classes=3), found.items, found.items)
    training.generator.load_state_dict(read_model(trained.model)[1])
    _, _, shown = training._painted(found.items[0], 0)
    result = translate(trained.model, found.items[0].labels, precision="fp32")
    assert float((to_tensor(result.image) - shown.detach()).abs().max()) <= 0.5 / 255 + 1e-4
    assert result.image.pixels.shape == (64, 80, 3) and result.image.pixels.dtype == np.uint8
    monkeypatch.chdir(streets / "valannot")
    result.image.save("painted.png")
    assert reproduce("painted.png").identical


def test_instances_change_what_is_painted(streets: Path, tmp_path: Path):
    model = run(streets, tmp_path / "run").model
    ids = np.zeros((64, 64), np.uint8)
    halves = ids.copy()
    halves[:, 32:] = 1
    alone, touching = (
        translate(model, ids, instances=each, precision="fp32").image.pixels for each in (None, halves)
    )
    assert not np.array_equal(alone, touching)
    with pytest.raises(InputError, match=r"is 64×64 pixels, and its instances are 32×32"):
        translate(model, ids, instances=halves[:32, :32])


def test_looks_follow_from_the_seed(streets: Path, tmp_path: Path):
    model = run(streets, tmp_path / "run", style_guided=True).model
    source = streets / "valannot" / "x.png"
    first, again, other = (translate(model, source, seed=seed, precision="fp32").image.pixels for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_a_map_is_painted_like_a_picture(streets: Path, tmp_path: Path):
    model = run(streets, tmp_path / "run", style_guided=True).model
    source, style = streets / "valannot" / "x.png", streets / "val" / "y.png"
    first, again = (translate(model, source, style=style, seed=seed, precision="fp32") for seed in (1, 2))
    assert np.array_equal(first.image.pixels, again.image.pixels), "nothing is drawn"
    other = translate(model, source, style=streets / "train" / "a.png", precision="fp32").image.pixels
    assert not np.array_equal(first.image.pixels, other)
    first.image.save(tmp_path / "painted.png")
    assert reproduce(tmp_path / "painted.png", search=[streets / "valannot", streets / "val"]).identical
    plain = run(streets, tmp_path / "plain").model
    with pytest.raises(SettingError, match="the network was not trained to know looks; leave the style out"):
        translate(plain, source, style=style)


def test_each_network_is_improved_by_its_own_loss(streets: Path):
    found = find_labelled(streets)
    training = SpadeTraining(replace(SMALL, classes=3, perceptual_weight=0), found.items, found.items)
    labels = training.settings.encoded(torch.randint(0, 4, (1, 1, 64, 64)), torch.zeros(1, 1, 64, 64).long())
    real: Tensor = torch.rand(1, 3, 64, 64)
    fake = training.generator(labels)
    training.discriminator_terms(labels, real, fake.detach())["discriminator"].backward()
    assert all(parameter.grad is None for parameter in training.generator.parameters())
    training.discriminator.zero_grad()
    training.discriminator.requires_grad_(False)
    torch.stack([*training.generator_terms(labels, real, fake).values()]).sum().backward()
    assert all(parameter.grad is None for parameter in training.discriminator.parameters())
    assert training.rates() == {"discriminator": 4e-4} and training.settings.learning_rate == 1e-4


def test_refusals(streets: Path, tmp_path: Path):
    model = run(streets, tmp_path / "run").model
    with pytest.raises(InputError, match=r"its ids begin with 200, those of the network end with 2"):
        translate(model, np.full((64, 64), 200, np.uint8))
    with pytest.raises(InputError, match="is a label map in colours, and there is no palette"):
        translate(model, streets / "train" / "a.png")
    with pytest.raises(InputError, match="is in colours; a label map is grey or indexed"):
        translate(model, np.random.default_rng(0).random((8, 8, 3)))
    with pytest.raises(SettingError, match="has no styles"):
        train("spade", data=streets, styles=["x.png"], run=tmp_path / "other", settings=SMALL)
