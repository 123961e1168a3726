"""Pix2Pix: what its training improves, that it goes on exactly, and that its model translates as it was shown."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from impasto.data.pairs import Pair
from impasto.errors import ImpastoError, InputError, SettingError
from impasto.image.tensors import to_tensor
from impasto.methods.pix2pix import Pix2PixSettings, generator_of
from impasto.training.adversarial import frozen
from impasto.training.pix2pix import Pix2PixTraining
from impasto.training.run import Trained
from impasto.training.run_settings import RunSettings
from impasto.training.running_mean import running_mean
from impasto.training.train import train
from impasto.training.translators import Pairs
from impasto.verbs.evaluate import evaluate
from impasto.verbs.translate import translate
from impasto.weights.model import read_model

SMALL = Pix2PixSettings(
    base_channels=2, num_downs=5, num_layers=1, load_size=36, crop_size=32, batch_size=2, epochs=2, decay_epochs=1
)


class Killed(Exception):  # noqa: N818 -- not an error
    """Raised in a run at a step."""


@pytest.fixture
def pairs(tmp_path: Path, photo: Tensor) -> Path:
    """Four photos, each beside its negative."""
    for split, turns in (("train", range(4)), ("val", range(2))):
        (tmp_path / "pairs" / split).mkdir(parents=True)
        for turn in turns:
            turned = photo.rot90(turn, dims=(2, 3))
            both = torch.cat([turned, 1 - turned], dim=3)[0].permute(1, 2, 0)
            picture = PIL.Image.fromarray((both.numpy() * 255).astype(np.uint8))
            picture.save(tmp_path / "pairs" / split / f"{turn}.png")
    return tmp_path / "pairs"


def run(pairs: Path, folder: Path, until: int | None = None, **changes: object) -> Trained:
    def stop(step: int, steps: int, losses: Mapping[str, float]) -> None:
        if step == until:
            raise Killed

    settings = replace(SMALL, **changes)
    return train(
        "pix2pix",
        data=pairs,
        run=folder,
        settings=settings,
        run_settings=RunSettings(evaluate_every=2),
        on_step=stop,
    )


CHANGES = (
    {},
    {"adversarial": "wgangp", "norm": "instance", "generator": "resnet"},
    {"batch_size": 1, "accumulate": 2, "ema_decay": 0.9, "diff_augment": True},
)


@pytest.mark.parametrize("changes", CHANGES)
def test_a_resumed_run_is_the_one_never_stopped(changes: Mapping[str, object], pairs: Path, tmp_path: Path):
    whole = run(pairs, tmp_path / "whole", **changes)
    for until in (1, 3, 5):
        with pytest.raises(Killed):
            run(pairs, tmp_path / "parts", until=until, **changes)
    parts = run(pairs, tmp_path / "parts", **changes)
    assert whole.steps == parts.steps == 6 and whole.best == parts.best
    assert (tmp_path / "whole/metrics.jsonl").read_text() == (tmp_path / "parts/metrics.jsonl").read_text()
    _, first = read_model(whole.model)
    _, second = read_model(parts.model)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert run(pairs, tmp_path / "whole", **changes) == whole, "a finished run has nothing left to do"


def test_what_a_run_leaves(pairs: Path, tmp_path: Path):
    (pairs / "train" / "4.png").write_bytes((pairs / "train" / "0.png").read_bytes()[:100])
    trained = run(pairs, tmp_path / "run", epochs=3)
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if "gan" in line]
    assert [line["step"] for line in steps] == [*range(1, 11)], "4 rounds of 5 pairs, two at a time"
    assert {"gan", "l1", "discriminator"} < set(steps[0])
    (named,) = trained.broken.values()
    assert "4.png" in named
    held_out = [line["held_out_distance"] for line in lines if "held_out_distance" in line]
    assert trained.best == pytest.approx(min(held_out), abs=1e-6)
    with PIL.Image.open(tmp_path / "run/samples/0000010.png") as sample:
        assert sample.size == (3 * 38, 32 + 38), "input, output, truth; shorter sides of 32 pixels"


def test_one_broken_held_out_pair_ends_nothing(pairs: Path, tmp_path: Path):
    (pairs / "val" / "0.png").write_bytes(b"nothing")
    trained = run(pairs, tmp_path / "run")
    assert any("0.png" in reason for reason in trained.broken.values())
    (pairs / "val" / "1.png").write_bytes(b"nothing")
    with pytest.raises(ImpastoError, match=r"nothing that is held out can be read; .*0\.png is not"):
        run(pairs, tmp_path / "other")


def test_a_model_translates_as_its_training_showed(pairs: Path, tmp_path: Path):
    trained = run(pairs, tmp_path / "run", dropout=False)
    training = Pix2PixTraining(replace(SMALL, dropout=False), *Pairs.under(pairs, "AtoB"))
    training.generator.load_state_dict(read_model(trained.model)[1])
    source, _, shown = training._translated(training.held_out[0], 0)
    result = translate(trained.model, source, precision="fp32")
    assert float((to_tensor(result.image) - shown.detach()).abs().max()) <= 0.5 / 255 + 1e-4
    assert result.recipe["weights"] == {"model.safetensors": result.recipe["weights"]["model.safetensors"]}


def test_noise_follows_from_the_seed(pairs: Path, tmp_path: Path):
    model = run(pairs, tmp_path / "run", num_downs=6, crop_size=64, load_size=64).model
    source = pairs / "val" / "0.png"
    first, again, other = (translate(model, source, seed=seed).image.pixels for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    silent = [translate(model, source, seed=seed, noise=0).image.pixels for seed in (1, 2)]
    assert np.array_equal(*silent)


def test_each_network_is_improved_by_its_own_loss(pairs: Path):
    """A discriminator's gradients do not reach the generator, and the other way round."""
    training = Pix2PixTraining(SMALL, *Pairs.under(pairs, "AtoB"))
    a, b = torch.rand(2, 2, 3, 32, 32) * 2 - 1
    fake = training.generator(a)
    torch.stack([*training.discriminator_terms(a, b, fake.detach()).values()]).sum().backward()
    assert all(parameter.grad is None for parameter in training.generator.parameters())
    training.discriminator.zero_grad()
    with frozen(training.discriminator):
        torch.stack([*training.generator_terms(a, b, fake).values()]).sum().backward()
    assert all(parameter.grad is None for parameter in training.discriminator.parameters())
    assert all(parameter.requires_grad for parameter in training.discriminator.parameters())
    assert any(bool(parameter.grad.any()) for parameter in training.generator.parameters())


def test_the_discriminator_sees_what_was_translated(pairs: Path):
    """The same output beside another input gets another verdict: it is conditional."""
    training = Pix2PixTraining(SMALL, *Pairs.under(pairs, "AtoB"))
    a, other, b = torch.rand(3, 1, 3, 32, 32)
    beside = [training.discriminator_terms(source, b, b)["discriminator"] for source in (a, other)]
    assert float(beside[0].detach()) != float(beside[1].detach())


def test_the_rate_falls_along_a_line(pairs: Path):
    training = Pix2PixTraining(replace(SMALL, epochs=4, decay_epochs=2), *Pairs.under(pairs, "AtoB"))
    assert training.steps == 12, "6 rounds of 4 pairs, two at a time"
    rates = [training.rate(step) for step in range(14)]
    assert rates[:9] == [1.0] * 9 and rates[9:] == pytest.approx([0.75, 0.5, 0.25, 0.0, 0.0])
    constant = Pix2PixTraining(replace(SMALL, epochs=1, decay_epochs=0), *Pairs.under(pairs, "AtoB"))
    assert constant.rate(1) == 1.0 and constant.rate(0) == 1.0


def test_l1_alone_needs_no_discriminator(pairs: Path, tmp_path: Path):
    """With gan_weight 0 the discriminator stays as it was drawn, and steps are counted right all the same."""
    trained = run(pairs, tmp_path / "run", gan_weight=0)
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert trained.steps == 6 and not any("gan" in line for line in lines)
    run(pairs, tmp_path / "both")
    both = [json.loads(line) for line in (tmp_path / "both/metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [line["step"] for line in both]
    training = Pix2PixTraining(replace(SMALL, gan_weight=0), *Pairs.under(pairs, "AtoB"))
    assert [*training.networks()] == ["generator"] and training.updates == 1


def test_one_of_twenty_is_held_out_where_nothing_else_is(tmp_path: Path, photo: Tensor):
    for number in range(21):
        path = tmp_path / "train" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        PIL.Image.new("RGB", (32, 16)).save(path)
    pairs = Pairs.under(tmp_path, "AtoB")
    assert len(pairs.held_out) == 1 and len(pairs.trained) == 20
    assert not {*pairs.trained} & {*pairs.held_out}


def test_refusals(pairs: Path, tmp_path: Path):
    with pytest.raises(SettingError, match="has no styles"):
        train("pix2pix", data=pairs, styles=["wave.jpg"], run=tmp_path / "run", settings=SMALL)
    with pytest.raises(InputError, match="holds neither a folder train of pictures side by side nor trainA"):
        train("pix2pix", data=tmp_path, run=tmp_path / "run", settings=SMALL)
    with pytest.raises(ImpastoError, match=r"the loss gan is nan at step 0; lower learning_rate"):
        training = Pix2PixTraining(SMALL, [Pair(pairs / "a", pairs / "a")], [])
        training.improve("generator", {"gan": torch.tensor(float("nan"))}, 0)


def test_what_was_held_out_is_measured(pairs: Path, tmp_path: Path):
    trained = run(pairs, tmp_path / "run", dropout=False)
    (pairs / "val" / "broken.png").write_bytes(b"nothing")
    told: list[tuple[int, int]] = []
    found = evaluate(trained.model, data=pairs, on_picture=lambda *numbers: told.append(numbers))
    assert found.protocol["count"] == 2 and "broken.png" in found.broken["broken"] and told == [(1, 3), (2, 3)]
    assert found.protocol["size"] == "shorter side 32 pixels"
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    shown = min((line for line in lines if "held_out_l1" in line), key=lambda line: line["held_out_distance"])
    assert found.values["l1"] == pytest.approx(shown["held_out_l1"], abs=0.01)
    assert found.values["distance_vgg16"] == pytest.approx(shown["held_out_distance"], rel=0.05)
    assert {"fid_efficientnet_lite0", "kid_efficientnet_lite0", "psnr", "ssim"} < set(found.values)
    for name, (low, high) in found.intervals.items():
        assert low <= high, name
    with pytest.raises(InputError, match=r"0 pictures of test could be measured|holds neither a folder test"):
        evaluate(trained.model, data=pairs, split="test")


def test_batches_that_are_added_up_are_one_larger_batch(pairs: Path, tmp_path: Path):
    """With nothing that looks at a batch as a whole: no noise, no batch normalisation."""
    alike = {"dropout": False, "norm": "instance"}
    settings = RunSettings(evaluate_every=2, precision="32-true")
    lines = []
    for name, sizes in (("whole", {"batch_size": 2}), ("parts", {"batch_size": 1, "accumulate": 2})):
        train("pix2pix", data=pairs, run=tmp_path / name, settings=replace(SMALL, **alike, **sizes),
              run_settings=settings)  # fmt: skip
        text = (tmp_path / name / "metrics.jsonl").read_text()
        lines.append([json.loads(line) for line in text.splitlines() if "held_out_l1" in line])
    assert [line["step"] for line in lines[0]] == [line["step"] for line in lines[1]] == [2, 4, 6]
    for one, other in zip(*lines, strict=True):
        assert one["held_out_l1"] == pytest.approx(other["held_out_l1"], rel=1e-3)


def test_the_generator_that_is_kept_is_a_running_mean(pairs: Path, tmp_path: Path):
    _, last = read_model(run(pairs, tmp_path / "last", dropout=False).model)
    _, mean = read_model(run(pairs, tmp_path / "mean", dropout=False, ema_decay=0.99).model)
    torch.manual_seed(SMALL.seed)
    drawn = generator_of(replace(SMALL, dropout=False)).state_dict()
    name = "down.1.weight"
    moved, moved_mean = ((tensors[name] - drawn[name]).abs().mean() for tensors in (last, mean))
    assert 0 < float(moved_mean) < float(moved)


def test_a_running_mean_soon_forgets_how_it_began():
    generator = torch.Generator().manual_seed(0)
    network = torch.nn.BatchNorm1d(3)
    averaged = AveragedModel(network, multi_avg_fn=running_mean(0.5), use_buffers=True)
    wanted: list[float] = []
    for update in range(30):
        with torch.no_grad():
            network.weight.copy_(torch.randn(3, generator=generator))
            network.num_batches_tracked.fill_(update)
        averaged.update_parameters(network)
        now = network.weight.tolist()
        keep = min(0.5, (1 + update) / (10 + update)) if update else 0.0  # the first is taken as it is
        wanted = [keep * mean + (1 - keep) * value for mean, value in zip(wanted or now, now, strict=True)]
    assert averaged.module.weight.tolist() == pytest.approx(wanted, rel=1e-5)
    assert averaged.module.num_batches_tracked == 29


def test_out_of_memory_names_what_to_lower(pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def explode(*_: object) -> None:
        torch.empty(2**60)

    monkeypatch.setattr(Pix2PixTraining, "generator_terms", explode)
    with pytest.raises(ImpastoError, match=r"out of memory after 0 steps; lower batch_size \(now 2\) in a new run"):
        run(pairs, tmp_path / "run")
