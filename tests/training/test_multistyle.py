"""Training of many styles: which style each crop gets, and what stays as it is when new ones are learnt."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from impasto.data.crops import Crops
from impasto.methods.adain import AdainSettings
from impasto.methods.johnson import JohnsonSettings
from impasto.methods.multistyle import Multistyle, MultistyleSettings
from impasto.training.chapters import Chapters
from impasto.training.multistyle import MultistyleTraining
from impasto.training.one_pass import PARTLY_PAINTED, between, strengths
from impasto.training.run_settings import RunSettings
from impasto.training.train import ROW_LEARNING_RATE, ROW_STEPS, suited_settings, train
from impasto.weights.model import Card, read_model, write_model
from impasto.weights.store import find

SETTINGS = MultistyleSettings(
    base_channels=4, num_blocks=1, crop_size=32, style_size=64, batch_size=2, steps=4, learning_rate=0.01
)


@pytest.fixture
def training(photos: Path, painting: Tensor, other_painting: Tensor) -> MultistyleTraining:
    crops = Crops(sorted(photos.iterdir()), 32, 8)
    return MultistyleTraining(SETTINGS, {"first": painting, "second": other_painting}, crops, crops)


def test_every_style_is_painted_as_often_in_changing_order(training: MultistyleTraining):
    drawn = training.rows_at(torch.arange(60)).view(20, 3)
    assert (drawn.sort(dim=1).values == torch.tensor([0, 1, 2])).all(), "0 is the photo's own row"
    assert 2 < int((drawn[:, 0] == 1).sum()) < 18


def test_any_seed_draws(training: MultistyleTraining):
    training.settings = replace(SETTINGS, seed=2**63 - 1)
    assert sorted(training.rows_at(torch.arange(3)).tolist()) == [0, 1, 2]


@pytest.mark.parametrize(("every", "steps"), [(2, (2, 2, 1)), (3, (2, 1, 1, 1)), (1, (1,) * 5), (50, (2, 2, 1))])
def test_chapters_follow_each_other_and_end_where_it_is_evaluated(every: int, steps: tuple[int, ...]):
    seen = []
    chapters = Chapters(2, 5, lambda: len(seen) // 2, evaluate_every=every)
    for length in steps:
        assert len(chapters) == 2 * length
        seen += [*chapters]
    assert seen == [*range(10)] and len(chapters) == 0


def test_a_style_that_is_far_counts_less(training: MultistyleTraining, painting: Tensor):
    training.on_fit_start()
    near, far = training.loss.grams(training.photos[0].picture[None]), training.loss.grams(0.1 * painting)
    assert float(training.share(near)) > float(training.share(far))
    training.settings = replace(SETTINGS, balanced=False)
    assert float(training.share(near)) == float(training.share(far)) == 1


def test_new_styles_are_learnt_by_their_rows_alone(photos: Path, art: Path, tmp_path: Path):
    torch.manual_seed(0)
    known = Multistyle(3, base_channels=4, num_blocks=1)
    with torch.no_grad():
        known.rows += 0.3 * torch.randn_like(known.rows)
    card = Card("multistyle", asdict(SETTINGS), ("a", "b", "c"))
    write_model(tmp_path / "known.safetensors", known.state_dict(), card)
    trained = train(
        "multistyle", data=photos, styles=[art], run=tmp_path / "run", start=tmp_path / "known.safetensors",
        settings=replace(SETTINGS, base_channels=32, num_blocks=5), run_settings=RunSettings(evaluate_every=2),
    )  # fmt: skip
    card, tensors = read_model(trained.model)
    assert card.styles == ("a", "b", "c", "first", "second")
    assert card.settings["base_channels"] == 4, "the widths are those of the network to begin with"
    for name, before in known.state_dict().items():
        assert torch.equal(tensors[name][: len(before)], before), name
    first, second = tensors["rows"][4:]
    assert not torch.equal(first, second) and not torch.equal(first, known.rows[1:].mean(dim=0))


def test_settings_are_those_of_the_network_to_begin_with(art: Path, tmp_path: Path):
    trained = replace(SETTINGS, content_weight=0.123, seed=5)
    path = tmp_path / "known.safetensors"
    for names in (("a", "b"), ("first", "second")):
        network = Multistyle(2, base_channels=4, num_blocks=1)
        write_model(path, network.state_dict(), Card("multistyle", asdict(trained), names))
        suited = suited_settings("multistyle", [art], path)
        assert suited == replace(
            trained,
            seed=0,
            steps=ROW_STEPS if names == ("a", "b") else SETTINGS.steps,
            learning_rate=ROW_LEARNING_RATE if names == ("a", "b") else SETTINGS.learning_rate,
        )
    assert suited_settings("multistyle", [art], None) == MultistyleSettings()
    assert suited_settings("adain", [art], None) == AdainSettings(encoded_colors=True)


def test_another_method_takes_the_settings_that_both_have(art: Path):
    suited = suited_settings("johnson", [art / "first.png"], "prediction")
    assert isinstance(suited, JohnsonSettings)
    card, _ = read_model(find("prediction"))
    assert (suited.base_channels, suited.content_weight) == (16, card.settings["content_weight"])


def test_every_eighth_crop_is_painted_partly():
    drawn = strengths(torch.arange(4000), seed=1)
    partly = drawn[drawn < 1]
    assert len(partly) / 4000 == pytest.approx(PARTLY_PAINTED, abs=0.02)
    assert float(partly.mean()) == pytest.approx(0.5, abs=0.05) and float(partly.min()) < 0.05
    assert torch.equal(strengths(torch.arange(4000)[100:200], seed=1), drawn[100:200])


def test_gram_matrices_between_those_of_photo_and_painting():
    own, wanted = {"relu": torch.zeros(2, 3, 3)}, {"relu": torch.ones(2, 3, 3, dtype=torch.bfloat16)}
    found = between(own, wanted, torch.tensor([0.25, 1.0]))["relu"]
    assert (found[0] == 0.25).all() and (found[1] == 1).all()
