"""StarGAN: its losses written out, when each network is improved, that it goes on exactly, and that it learns."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from tests.data.test_domains import celeba, folders
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from impasto.data.domain_crops import DomainBatch, DomainCrops, collate_domains
from impasto.data.domains import find_domains
from impasto.errors import SettingError
from impasto.image.tensors import to_tensor
from impasto.losses.adversarial import gradient_penalty
from impasto.methods.stargan import StarganSettings, with_label
from impasto.nn.translate import Generator
from impasto.training.run import Trained
from impasto.training.run_settings import RunSettings
from impasto.training.stargan import StarganTraining
from impasto.training.train import train
from impasto.training.translators import translator_training
from impasto.training.watchdog import Watchdog
from impasto.verbs.evaluate import evaluate
from impasto.verbs.translate import translate
from impasto.weights.model import read_model

SMALL = StarganSettings(
    base_channels=2, discriminator_channels=2, num_blocks=1, num_layers=3, load_size=20, crop_size=16, batch_size=2,
    n_critic=2, epochs=2, decay_epochs=1,
)  # fmt: skip


class Killed(Exception):  # noqa: N818 -- not an error
    """Raised in a run at a step."""


@pytest.fixture
def skies(tmp_path: Path) -> Path:
    """Blots of two domains, and some that are held out."""
    folders(tmp_path / "skies", {"rain": 4, "sun": 4})
    return folders(tmp_path / "skies", {"rain": 2, "sun": 3}, "val")


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Two data sets, of attributes and of domains."""
    celeba(tmp_path / "faces" / "celeba", count=12)
    return folders(tmp_path / "faces" / "rafd", {"happy": 11, "sad": 11}).parent


def run(data: Path, folder: Path, until: int | None = None, **changes: object) -> Trained:
    def stop(step: int, steps: int, losses: Mapping[str, float]) -> None:
        if step == until:
            raise Killed

    settings = replace(SMALL, **changes)
    running = RunSettings(evaluate_every=4)
    return train("stargan", data=data, run=folder, settings=settings, run_settings=running, on_step=stop)


def trainer(data: Path, **changes: object) -> StarganTraining:
    training, _ = translator_training(replace(SMALL, **changes), data)
    assert isinstance(training, StarganTraining)
    return training


def batch_of(data: Path, count: int = 4) -> DomainBatch:
    crops = DomainCrops(find_domains(data), (16, 16), 100, load_size=20)
    return collate_domains([crops[position] for position in range(count)])


CHANGES = (
    {},
    {"batch_size": 1, "accumulate": 2, "ema_decay": 0.9, "diff_augment": True, "n_critic": 3, "attention": True},
)


@pytest.mark.parametrize("changes", CHANGES)
def test_a_resumed_run_is_the_one_never_stopped(changes: Mapping[str, object], skies: Path, tmp_path: Path):
    whole = run(skies, tmp_path / "whole", **changes)
    for until in (1, 3):
        with pytest.raises(Killed):
            run(skies, tmp_path / "parts", until=until, **changes)
    parts = run(skies, tmp_path / "parts", **changes)
    assert whole.steps == parts.steps == (4 if changes else 6) and whole.best == parts.best
    assert (tmp_path / "whole/metrics.jsonl").read_text() == (tmp_path / "parts/metrics.jsonl").read_text()
    first, second = (read_model(each.model)[1] for each in (whole, parts))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_resumed_run_on_several_data_sets(faces: Path, tmp_path: Path):
    whole = run(faces, tmp_path / "whole", epochs=1, decay_epochs=0)
    with pytest.raises(Killed):
        run(faces, tmp_path / "parts", until=5, epochs=1, decay_epochs=0)
    parts = run(faces, tmp_path / "parts", epochs=1, decay_epochs=0)
    card, tensors = read_model(whole.model)
    assert card.styles == ("Smiling", "Male", "Young", "happy", "sad")
    assert card.settings["domains"] == ["Smiling,Male,Young", "happy|sad"]
    assert tensors["enter.weight"].shape[1] == 3 + 5 + 2, "the names, and which data set's they are"
    assert (tmp_path / "whole/metrics.jsonl").read_text() == (tmp_path / "parts/metrics.jsonl").read_text()
    assert parts.best == whole.best


def test_the_discriminator_takes_several_steps_for_one_of_the_generator(
    skies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    taken: list[tuple[str, int]] = []
    improve = StarganTraining.improve

    def follow(self: StarganTraining, which: str, terms: Mapping[str, Tensor], index: int) -> None:
        taken.append((which, index))
        improve(self, which, terms, index)

    monkeypatch.setattr(StarganTraining, "improve", follow)
    trained = run(skies, tmp_path / "run", n_critic=3, epochs=1, decay_epochs=0, batch_size=1)
    assert trained.steps == 3, "8 pictures, 3 a step"
    step = [("discriminator", 0), ("discriminator", 1), ("discriminator", 2), ("generator", 2)]
    assert taken == [*step, *((which, index + 3) for which, index in step), *step], "a chapter is two steps"


def test_the_rate_of_both_falls_with_the_steps(skies: Path):
    training = trainer(skies, n_critic=2, epochs=1, decay_epochs=1, batch_size=2)
    assert training.steps == 4 and training.updates == 3
    adams, schedules = training.configure_optimizers()
    assert [len(adams), len(schedules)] == [2, 2]
    for schedule, times in zip(schedules, (1, 2), strict=True):
        rates = [schedule["scheduler"].lr_lambdas[0](update) for update in range(4 * times)]
        assert rates == [rate for rate in (1.0, 1.0, 1.0, 0.5) for _ in range(times)]


class Slow(nn.Module):
    """A discriminator of few numbers whose slope is known."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 4, 4, dtype=torch.float64))

    def forward(self, picture: Tensor) -> Tensor:
        return (picture * self.weight).sum(dim=(1, 2, 3)).tanh()


def test_the_penalty_is_that_of_slopes_taken_one_by_one():
    """A double backward pass in float64: the slope of each picture by itself, and the penalty's own slope."""
    torch.manual_seed(0)
    network, share = Slow(), torch.rand(3, dtype=torch.float64)
    real, fake = torch.rand(2, 3, 3, 4, 4, dtype=torch.float64)
    fast = gradient_penalty(lambda x: network(x.double()), real, fake, share.float())
    (fast_slope,) = torch.autograd.grad(fast, network.weight)
    total = torch.zeros((), dtype=torch.float64)
    for one_real, one_fake, mix in zip(real, fake, share, strict=True):
        mixed = (mix * one_real + (1 - mix) * one_fake).requires_grad_()
        (slope,) = torch.autograd.grad(network(mixed[None]).sum(), mixed, create_graph=True)
        total = total + (slope.square().sum().sqrt() - 1) ** 2 / 3
    (slow_slope,) = torch.autograd.grad(total, network.weight)
    assert fast.item() == pytest.approx(total.item(), rel=1e-4)
    assert torch.allclose(fast_slope, slow_slope, rtol=1e-3, atol=1e-5)


def test_each_term_is_the_objectives(skies: Path):
    """The terms in float64, networks called on single pictures."""
    training = trainer(skies, adversarial="wgangp")
    batch = batch_of(skies)
    with torch.no_grad():
        fake = training.generator(with_label(batch.pictures, batch.targets))
    found = training.discriminator_terms(batch, fake)
    terms = training.generator_terms(batch, fake)
    judge = training.discriminator.double().requires_grad_(False)
    paint = training.generator.double().requires_grad_(False)
    rows = [(x[None].double(), y[None].double()) for x, y in zip(batch.pictures, fake, strict=True)]
    verdicts = [[float(judge(picture)[0].mean()) for picture in row] for row in rows]
    for_real, for_fake = np.array(verdicts).mean(axis=0)
    assert found["discriminator"].item() == pytest.approx(for_fake - for_real, rel=1e-4)
    assert terms["gan"].item() == pytest.approx(-for_fake, rel=1e-4)
    for term, side, labels in ((found["real_domain"], 0, batch.labels), (terms["fake_domain"], 1, batch.targets)):
        losses = [
            float(cross_entropy(judge(row[side])[1], label[None].double()))
            for row, label in zip(rows, labels, strict=True)
        ]
        assert term.item() == pytest.approx(sum(losses) / len(losses), rel=1e-4)
    back = [
        float((paint(with_label(y, label[None])) - x).abs().mean())
        for (x, y), label in zip(rows, batch.labels, strict=True)
    ]
    assert terms["rec"].item() == pytest.approx(10 * sum(back) / len(back), rel=1e-4)
    assert {*found} == {"discriminator", "real_domain", "penalty"} and {*terms} == {"gan", "fake_domain", "rec"}


def test_each_network_is_improved_by_its_own_loss(skies: Path):
    training, batch = trainer(skies), batch_of(skies)
    fake = training.generator(with_label(batch.pictures, batch.targets))
    torch.stack([*training.discriminator_terms(batch, fake.detach()).values()]).sum().backward()
    assert all(weight.grad is None for weight in training.generator.parameters())
    assert all(bool(weight.grad.any()) for weight in training.discriminator.parameters() if weight.ndim == 4)


def test_the_networks_that_a_mask_is_for(faces: Path):
    """What D says of names that a picture's data set does not know teaches it nothing."""
    training = trainer(faces)
    batch = batch_of(faces, count=1)
    assert batch.owners.tolist() == [0]
    terms = training.discriminator_terms(batch, batch.pictures)
    terms["real_domain"].backward()
    slope = training.discriminator.domain.weight.grad
    assert bool((slope[3:] == 0).all()) and bool((slope[:3] != 0).any())
    assert training.labels.masked(batch.targets, batch.owners)[0, 5:].tolist() == [1, 0]


def test_what_is_measured_where_the_truth_is_not_known(skies: Path, tmp_path: Path):
    run(skies, tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    looked = [line for line in lines if "held_out_total" in line]
    for line in looked:
        kids = [line["held_out_kid_rain"], line["held_out_kid_sun"]]
        assert line["held_out_total"] == pytest.approx(sum(kids) / 2, abs=1e-5)
    assert {"held_out_spread", "held_out_input_correlation", "held_out_checkerboard"} < set(looked[0])
    with PIL.Image.open(tmp_path / "run/samples/0000004.png") as sample:
        assert sample.size == (3 * 20, 4 * 16), "input, rain, sun; shorter sides of 16 pixels"


def test_where_little_is_held_out_all_is_looked_at(tmp_path: Path):
    few = trainer(folders(tmp_path / "few", {"rain": 12, "sun": 12}))
    assert few.held_out.members == few.trained.members and len(few.trained.members) == 24
    more = trainer(folders(tmp_path / "more", {"rain": 40, "sun": 40}))
    assert len(more.held_out.members) == 4 and len(more.trained.members) == 76


def test_other_domains_than_the_datas_are_refused(skies: Path, tmp_path: Path):
    with pytest.raises(SettingError, match=r"domains is \('a\|b',\), but .* has \('rain\|sun',\); give its own"):
        run(skies, tmp_path / "run", domains=("a|b",))


def test_a_training_that_begins_with_a_network(skies: Path, tmp_path: Path):
    model = run(skies, tmp_path / "first", epochs=1, decay_epochs=0).model
    settings = RunSettings(evaluate_every=2)
    again = train("stargan", data=skies, run=tmp_path / "second", start=model, run_settings=settings)
    assert again.steps == 2 and read_model(again.model)[0].styles == ("rain", "sun")


def tinted(place: Path, count: int, split: str = "train") -> Path:
    """Write shapes on white that are blue in one domain and red in the other."""
    for name, colour in (("blue", (40, 60, 220)), ("red", (220, 60, 40))):
        (place / split / name).mkdir(parents=True)
        for index in range(count):
            chance = np.random.default_rng((len(split), index))
            pixels = np.full((16, 16, 3), 255, np.uint8)
            (top, left), (height, width) = chance.integers(1, 7, 2), chance.integers(5, 9, 2)
            pixels[top : top + height, left : left + width] = colour
            PIL.Image.fromarray(pixels).save(place / split / name / f"{index}.png")
    return place


class Planted(Generator):
    """What a generator may become: one that gives the negative, or one that gives the same always."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.stride, self.smallest, self.share = 4, 8, share

    def forward(self, entered: Tensor) -> Tensor:
        return self.share * entered[:, :3]


def test_what_goes_wrong_is_seen(skies: Path):
    """Negatives and one picture for all are seen in the terms that the watchdog reads."""
    training = trainer(skies)
    training.on_fit_start()
    said: dict[float, list[str]] = {}
    for share in (-1.0, 0.0, 1.0):
        training.generator = Planted(share)
        terms = training.held_out_terms()
        watchdog = Watchdog()
        said[share] = [*watchdog.after_look(terms), *watchdog.after_look(terms)]
    assert any("light and dark are exchanged" in words for words in said[-1.0])
    assert any("nearly alike whatever goes in" in words for words in said[0.0])
    assert not said[1.0]


@pytest.mark.slow
def test_it_learns_what_a_domain_is(tmp_path: Path):
    """Blue shapes become red: half of the way at least where they were drawn, and the white around stays."""
    data = tinted(tinted(tmp_path / "shapes", 60), 6, "val")
    settings = replace(
        SMALL, base_channels=8, discriminator_channels=8, num_layers=3, load_size=16, batch_size=8, n_critic=3,
        learning_rate=2e-3, epochs=80, decay_epochs=20,
    )  # fmt: skip
    running = RunSettings(evaluate_every=100, precision="32-true")
    trained = train("stargan", data=data, run=tmp_path / "run", settings=settings, run_settings=running)
    assert trained.best < 0.5
    found = evaluate(trained.model, data=data)
    assert found.values["left"] == pytest.approx(trained.best, abs=0.05)
    assert found.values["left_red"] < 0.5 and found.values["left_blue"] < 0.5
    shape = data / "val" / "blue" / "0.png"
    red = to_tensor(translate(trained.model, shape, to="red").image)[0].mean(dim=(1, 2))
    blue = to_tensor(translate(trained.model, shape, to="blue").image)[0].mean(dim=(1, 2))
    assert red[0] > blue[0] and red[2] < blue[2]
