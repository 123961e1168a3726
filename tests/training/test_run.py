"""A run: what it leaves, that it goes on exactly where it was interrupted, and what it refuses."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import PIL.Image
import pytest
import torch

from impasto.errors import ImpastoError, InputError, SettingError
from impasto.image.io import read_image
from impasto.methods.adain import AdainSettings
from impasto.methods.johnson import Johnson, JohnsonSettings, LinearTransformNetwork, network_of
from impasto.methods.multistyle import MultistyleSettings
from impasto.methods.prediction import PredictionSettings
from impasto.nn.one_pass import OnePassSettings
from impasto.training.johnson import JohnsonTraining
from impasto.training.run import Trained
from impasto.training.run_settings import RunSettings
from impasto.training.train import train
from impasto.verbs.stylize import stylize
from impasto.weights.model import Card, read_model, write_model

SMALL = {"crop_size": 32, "style_size": 64, "batch_size": 2, "steps": 6, "learning_rate": 0.01}
SETTINGS = {
    "johnson": JohnsonSettings(base_channels=4, num_blocks=1, **SMALL),
    "multistyle": MultistyleSettings(base_channels=4, num_blocks=1, **SMALL),
    "adain": AdainSettings(base_channels=4, looks=4, **SMALL),
    "prediction": PredictionSettings(base_channels=4, num_blocks=1, looks=4, **SMALL),
}


class Killed(Exception):  # noqa: N818 -- not an error
    """Raised in a run at a step."""


def run(
    method: str, photos: Path, art: Path, folder: Path, until: int | None = None, every: int = 2, **changes: object
) -> Trained:
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
        run_settings=RunSettings(evaluate_every=every),
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


@pytest.mark.parametrize("every", [1, 3, 5])
def test_it_is_evaluated_as_often_as_asked_for(every: int, photos: Path, art: Path, tmp_path: Path):
    """A chapter has two steps here; a run that was interrupted in any of them is evaluated at the same steps."""
    whole = run("johnson", photos, art, tmp_path / "whole", every=every)
    for until in (1, 3, 4):
        with pytest.raises(Killed):
            run("johnson", photos, art, tmp_path / "parts", until=until, every=every)
    run("johnson", photos, art, tmp_path / "parts", every=every)
    metrics = (tmp_path / "whole/metrics.jsonl").read_text()
    lines = [json.loads(line) for line in metrics.splitlines()]
    evaluated = [line["step"] for line in lines if "held_out_total" in line]
    assert evaluated == [*range(every, 6, every), 6] and whole.steps == 6
    assert (tmp_path / "parts/metrics.jsonl").read_text() == metrics


@pytest.mark.parametrize("ending", ["sigmoid", "linear"])
def test_johnson_is_trained_with_the_ending_it_is_saved_with(ending: str, photos: Path, art: Path, tmp_path: Path):
    """Also one that begins with a network of another ending than the default."""
    trained = run("johnson", photos, art, tmp_path / "run", ending=ending, steps=2)
    card, _ = read_model(trained.model)
    network = network_of(card.settings_as(JohnsonSettings))
    assert isinstance(network.transform, LinearTransformNetwork) == (ending == "linear")
    kind, built = [], JohnsonTraining.on_fit_start

    def watched(self: JohnsonTraining) -> None:
        kind.append(isinstance(self.network.transform, LinearTransformNetwork))
        built(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JohnsonTraining, "on_fit_start", watched)
        train(
            "johnson",
            data=photos,
            styles=[art / "first.png"],
            run=tmp_path / "again",
            start=trained.model,
            settings=replace(SETTINGS["johnson"], steps=2),
        )
    again, _ = read_model(tmp_path / "again/model.safetensors")
    assert again.settings["ending"] == ending and kind == [ending == "linear"]


def test_what_a_run_leaves(photos: Path, art: Path, tmp_path: Path):
    (photos / "broken.png").write_bytes((photos / "0.png").read_bytes()[:100])
    trained = run("multistyle", photos, art, tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "total" in line] == [1, 2, 3, 4, 5, 6]
    held_out = {line["step"]: line["held_out_total"] for line in lines if "held_out_total" in line}
    assert [*held_out] == [2, 4, 6] and trained.best == pytest.approx(min(held_out.values()), abs=1e-6)
    assert json.loads((tmp_path / "run/config.json").read_text())["settings"]["steps"] == 6
    names = {path.name for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert {"best.safetensors", "last.safetensors", "model.safetensors", "hparams.yaml"} <= names
    assert any(name.startswith("events.out.tfevents") for name in names)
    with PIL.Image.open(tmp_path / "run/samples/0000006.png") as sample:
        assert sample.size == (3 * 256, 3 * 256), "three photos, each beside two painted ones"

    (named,) = trained.broken.values()
    assert "broken.png" in named and [*trained.broken] == [str(photos / "broken.png")]
    card, _ = read_model(trained.model)
    assert card.styles == ("first", "second") and card.training["samples"] == 2 * card.training["steps"]
    painted = stylize(
        read_image(photos / "0.png"),
        ["second"],
        method="multistyle",
        settings=OnePassSettings(model=str(trained.model)),
    )
    assert (painted.image.width, painted.image.height) == (48, 40)


def test_a_run_that_gets_no_better_stops(photos: Path, art: Path, tmp_path: Path):
    stopped = train(
        "johnson", data=photos, styles=[art / "first.png"], run=tmp_path / "run",
        settings=replace(SETTINGS["johnson"], learning_rate=1e-9, steps=40),
        run_settings=RunSettings(evaluate_every=2, patience=2),
    )  # fmt: skip
    assert stopped.stopped_early and stopped.steps < 40
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    looks = [line["held_out_total"] for line in lines if "held_out_total" in line]
    assert min(looks) == looks[-3] == pytest.approx(stopped.best, abs=1e-6), "two looks without a lower one"


def test_a_loss_that_is_not_finite_stops_the_training(photos: Path, art: Path, tmp_path: Path):
    settings = SETTINGS["johnson"]
    network = Johnson(settings.base_channels, settings.num_blocks)
    with torch.no_grad():
        network.row[0, 0] = float("inf")
    write_model(tmp_path / "start.safetensors", network.state_dict(), Card("johnson", asdict(settings)))
    with pytest.raises(ImpastoError, match=r"loss is nan at step 0; lower learning_rate"):
        train("johnson", data=photos, styles=[art / "first.png"], run=tmp_path / "run", settings=settings,
              start=tmp_path / "start.safetensors")  # fmt: skip


@pytest.mark.parametrize(
    ("styles", "changes", "message"),
    [
        ([], {}, "there are no paintings"),
        (["first.png", "second.png"], {}, "johnson learns one painting, and 2 are given"),
        (["nowhere"], {}, "there is no folder"),
    ],
)
def test_refusals(photos: Path, art: Path, tmp_path: Path, styles: list[str], changes: dict, message: str):
    with pytest.raises(ImpastoError, match=message):
        train("johnson", data=photos, styles=[art / style for style in styles], run=tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


def test_another_run_is_refused(photos: Path, art: Path, tmp_path: Path):
    run("johnson", photos, art, tmp_path / "run")
    with pytest.raises(SettingError, match="is a run with steps 6, not 8; repeat its command"):
        run("johnson", photos, art, tmp_path / "run", steps=8)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="is no run of impasto and not empty"):
        run("johnson", photos, art, tmp_path / "full")


def test_a_run_of_an_earlier_version_goes_on(photos: Path, art: Path, tmp_path: Path):
    """Settings that it did not have yet must be at their defaults."""
    first = run("johnson", photos, art, tmp_path / "run")
    config = tmp_path / "run" / "config.json"
    before = json.loads(config.read_text())
    before["impasto"] = "0.0.1"
    del before["settings"]["seed"]
    config.write_text(json.dumps(before))
    assert run("johnson", photos, art, tmp_path / "run") == first
    with pytest.raises(SettingError, match="is a run with seed 0, not 1"):
        run("johnson", photos, art, tmp_path / "run", seed=1)


@pytest.mark.parametrize("method", ["johnson", "multistyle"])
def test_beginning_with_a_network_for_prediction(method: str, photos: Path, art: Path, tmp_path: Path):
    """What it begins with is better than nothing: the network paints after the style before it is trained."""
    start = run("prediction", photos, art, tmp_path / "start").model
    styles = [art / "first.png"] if method == "johnson" else [art]
    trained = train(
        method, data=photos, styles=styles, run=tmp_path / "run", start=start,
        settings=replace(SETTINGS[method], learning_rate=1e-9), run_settings=RunSettings(evaluate_every=2),
    )  # fmt: skip
    card, tensors = read_model(trained.model)
    assert card.settings["base_channels"] == 4
    _, predicted = read_model(start)
    for name, before in predicted.items():
        if name.startswith("transform."):
            torch.testing.assert_close(tensors[name], before, rtol=0, atol=1e-7)
    with pytest.raises(SettingError, match="adain begins with one for adain"):
        train("adain", data=photos, styles=[art], run=tmp_path / "other", start=start)
