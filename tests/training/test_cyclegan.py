"""CycleGAN: its objective, that it goes on exactly with its pools, and that its model goes both ways."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from torch import Tensor, nn

from impasto.errors import InputError, SettingError
from impasto.image.tensors import to_tensor
from impasto.methods.cyclegan import CycleGANSettings, generator_of, networks
from impasto.training.adversarial import frozen
from impasto.training.checkpoint import SafetensorsCheckpoints
from impasto.training.cyclegan import CycleGANTraining
from impasto.training.run import Trained
from impasto.training.run_settings import RunSettings
from impasto.training.train import train
from impasto.training.translators import Unpaired
from impasto.training.unpaired import Held
from impasto.verbs.evaluate import evaluate
from impasto.verbs.translate import TranslateSettings, translate
from impasto.weights.model import read_model

SMALL = CycleGANSettings(
    base_channels=2, num_blocks=1, num_layers=1, load_size=36, crop_size=32, batch_size=2, epochs=2, decay_epochs=1,
    pool_size=3,
)  # fmt: skip


class Killed(Exception):  # noqa: N818 -- not an error
    """Raised in a run at a step."""


def run(data: Path, folder: Path, until: int | None = None, **changes: object) -> Trained:
    def stop(step: int, steps: int, losses: Mapping[str, float]) -> None:
        if step == until:
            raise Killed

    settings = replace(SMALL, **changes)
    return train("cyclegan", data=data, run=folder, settings=settings, run_settings=RunSettings(evaluate_every=4),
                 on_step=stop)  # fmt: skip


CHANGES = (
    {},
    {"generator": "unet", "num_downs": 5, "identity_weight": 0, "upsampling": "resize"},
    {"batch_size": 1, "accumulate": 2, "ema_decay": 0.9, "diff_augment": True, "adversarial": "hinge"},
)


@pytest.mark.parametrize("changes", CHANGES)
def test_a_resumed_run_is_the_one_never_stopped(changes: Mapping[str, object], kinds: Path, tmp_path: Path):
    """To the bit, with the fakes that were in the pools."""
    whole = run(kinds, tmp_path / "whole", **changes)
    for until in (1, 5):
        with pytest.raises(Killed):
            run(kinds, tmp_path / "parts", until=until, **changes)
    parts = run(kinds, tmp_path / "parts", **changes)
    assert whole.steps == parts.steps == 6 and whole.best == parts.best
    assert (tmp_path / "whole/metrics.jsonl").read_text() == (tmp_path / "parts/metrics.jsonl").read_text()
    states = [SafetensorsCheckpoints().load_checkpoint(tmp_path / name / "checkpoints/last.safetensors")
              for name in ("whole", "parts")]  # fmt: skip
    for part in ("pools", "state_dict"):
        first, second = (flat(state[part]) for state in states)
        assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
    assert {len(each["kept"]) for each in states[0]["pools"].values()} == {3}


def flat(tree: Mapping[str, object], prefix: str = "") -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, value in tree.items():
        found |= {prefix + name: value} if isinstance(value, Tensor) else flat(value, f"{prefix}{name}.")
    return found


def test_pools_are_part_of_what_goes_on(kinds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """If a resumed training had empty pools, its losses would be others: the test above can fail."""
    whole = run(kinds, tmp_path / "whole", epochs=3)
    with pytest.raises(Killed):
        run(kinds, tmp_path / "parts", until=5, epochs=3)
    monkeypatch.setattr("impasto.training.pool.ImagePool.load_state_dict", lambda *_: None)
    parts = run(kinds, tmp_path / "parts", epochs=3)
    assert whole.steps == parts.steps
    assert (tmp_path / "whole/metrics.jsonl").read_text() != (tmp_path / "parts/metrics.jsonl").read_text()


def test_the_papers_networks_have_the_papers_weights():
    """PEERS: 11,378,179 with nine blocks, 7,837,699 with six; discriminators 2,764,737."""
    for settings, wanted in (
        (CycleGANSettings(), 11_378_179),
        (CycleGANSettings(num_blocks=6), 7_837_699),
    ):
        counts = {
            name: sum(each.numel() for each in network.parameters()) for name, network in networks(settings).items()
        }
        assert counts == {"generator_ab": wanted, "generator_ba": wanted,
                          "discriminator_a": 2_764_737, "discriminator_b": 2_764_737}  # fmt: skip


def made(kinds: Path, **changes: object) -> CycleGANTraining:
    return CycleGANTraining(replace(SMALL, **changes), *Unpaired.under(kinds))


def slowly(training: CycleGANTraining, real: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the objective in float64, one picture and one generator at a time, as in the paper's equations."""
    to = {"b": training.generator.a_to_b, "a": training.generator.b_to_a}
    judge = {"a": training.discriminator.a, "b": training.discriminator.b}
    terms: dict[str, list[Tensor]] = {}
    for number in range(len(real["a"])):
        for kind, other in (("b", "a"), ("a", "b")):
            x, y = real[other][number : number + 1], real[kind][number : number + 1]
            fake = to[kind](x)
            for name, value in (
                (f"gan_{kind}", ((judge[kind](fake) - 1) ** 2).mean()),
                (f"cycle_{other}", 10 * (to[other](fake) - x).abs().mean()),
                (f"identity_{kind}", 5 * (to[kind](y) - y).abs().mean()),
                (f"discriminator_{kind}",
                 ((judge[kind](y) - 1) ** 2).mean() / 2 + (judge[kind](fake) ** 2).mean() / 2),
            ):  # fmt: skip
                terms.setdefault(name, []).append(value)
    return {name: torch.stack(values).mean() for name, values in terms.items()}


def test_the_objective_is_the_papers(kinds: Path):
    training = made(kinds).double()
    real = {kind: torch.rand(2, 3, 32, 32, dtype=torch.float64) * 2 - 1 for kind in "ab"}
    fake_b, idt_b = training.translated(training.generator.a_to_b, real["a"], real["b"])
    fake_a, idt_a = training.translated(training.generator.b_to_a, real["b"], real["a"])
    assert idt_a is not None and idt_b is not None
    found = training.adversarial_terms(fake_a, fake_b) | training.cycle_terms(real["a"], real["b"], fake_a, fake_b)
    found |= training.identity_terms(real["a"], real["b"], idt_a, idt_b)
    found |= training.discriminator_terms(real["a"], real["b"], fake_a, fake_b)
    wanted = slowly(training, real)
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert float(found[name].detach()) == pytest.approx(float(value.detach()), rel=1e-5), (
            name
        )  # losses are taken in fp32


def test_each_network_is_improved_by_its_own_loss(kinds: Path):
    training = made(kinds)
    a, b = torch.rand(2, 2, 3, 32, 32) * 2 - 1
    fake_b, fake_a = training.generator.a_to_b(a), training.generator.b_to_a(b)
    torch.stack([*training.discriminator_terms(a, b, fake_a, fake_b).values()]).sum().backward()
    assert not grads(training.generator) and len(grads(training.discriminator)) > 4
    training.discriminator.zero_grad()
    with frozen(training.discriminator):
        terms = training.adversarial_terms(fake_a, fake_b) | training.cycle_terms(a, b, fake_a, fake_b)
        torch.stack([*terms.values()]).sum().backward()
    assert (
        not grads(training.discriminator) and grads(training.generator.a_to_b) and grads(training.generator.b_to_a)
    )


def grads(network: nn.Module) -> list[Tensor]:
    return [each.grad for each in network.parameters() if each.grad is not None and bool(each.grad.any())]


def test_a_generator_runs_twice_a_step(kinds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Fakes and identities in one batch, ways back in another."""
    sizes: list[int] = []
    monkeypatch.setattr(
        "impasto.training.cyclegan.generator_of", lambda *words: counted(generator_of(*words), sizes)
    )
    with pytest.raises(Killed):
        run(kinds, tmp_path / "run", until=1)
    assert sizes == [4, 4, 2, 2]


def counted(network: nn.Module, sizes: list[int]) -> nn.Module:
    network.register_forward_hook(lambda _, given, __: sizes.append(len(given[0])))
    return network


def test_what_a_run_leaves(kinds: Path, tmp_path: Path):
    (kinds / "trainB" / "9.png").write_bytes((kinds / "trainB" / "0.png").read_bytes()[:100])
    trained = run(kinds, tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if "gan_a" in line]
    assert [line["step"] for line in steps] == [*range(1, 9)], "3 rounds of 5 paintings, two at a time"
    assert {"gan_a", "gan_b", "cycle_a", "cycle_b", "identity_a", "identity_b", "discriminator_a",
            "discriminator_b", "accuracy"} < set(steps[0])  # fmt: skip
    (named,) = trained.broken.values()
    assert "9.png" in named
    looks = [line for line in lines if "held_out_kid_b" in line]
    assert trained.best == pytest.approx(min(line["held_out_total"] for line in looks), abs=1e-6)
    for line in looks:
        assert line["held_out_total"] == pytest.approx(
            (line["held_out_kid_a"] + line["held_out_kid_b"]) / 2, abs=2e-6
        )
        assert {"held_out_edges", "held_out_input_correlation", "held_out_spread"} < set(line)
    with PIL.Image.open(tmp_path / "run/samples/0000008.png") as sample:
        # shorter sides of 32: two photos 38 wide, a painting 43 wide and one 32 wide and 38 high
        assert sample.size == (4 * 43, 32 + 32 + 32 + 38)


def test_a_model_goes_both_ways_as_its_training_showed(kinds: Path, tmp_path: Path):
    trained = run(kinds, tmp_path / "run")
    card, tensors = read_model(trained.model)
    assert {name.split(".")[0] for name in tensors} == {"a_to_b", "b_to_a"} and card.method == "cyclegan"
    training = made(kinds)
    training.generator.load_state_dict(tensors)
    pictures = {}
    for direction, becomes, path in (("AtoB", "b", "valA/0.png"), ("BtoA", "a", "valB/0.png")):
        item = Held(kinds / path, becomes)
        source, shown = training._translated(item, 0)
        result = translate(trained.model, source, precision="fp32", direction=direction)
        assert float((to_tensor(result.image) - shown.detach()).abs().max()) <= 0.5 / 255 + 1e-4
        assert result.recipe["settings"]["direction"] == direction
        pictures[direction] = translate(trained.model, kinds / "valA/0.png", direction=direction).image.pixels
    assert not np.array_equal(pictures["AtoB"], pictures["BtoA"])
    assert np.array_equal(translate(trained.model, kinds / "valA/0.png").image.pixels, pictures["AtoB"])


def test_what_was_held_out_is_measured_beside_what_went_in(kinds: Path, tmp_path: Path):
    model = run(kinds, tmp_path / "run").model
    (kinds / "valB" / "broken.png").write_bytes(b"nothing")
    ending = "efficientnet_lite0"
    there, back = (
        evaluate(model, data=kinds, settings=TranslateSettings(direction=way)) for way in ("AtoB", "BtoA")
    )
    for found in (there, back):
        assert {*found.values} == {
            "edge_correlation", f"fid_{ending}", f"kid_{ending}", f"input_fid_{ending}", f"input_kid_{ending}",
        }  # fmt: skip
        assert found.protocol["count"] == 2 and found.protocol["size"] == "shorter side 32 pixels"
        assert found.values[f"kid_{ending}"] != found.values[f"input_kid_{ending}"]
        assert -1 <= found.values["edge_correlation"] <= 1 and {*found.real} == {f"fid_{ending}", f"kid_{ending}"}
        assert all(low <= high for low, high in found.intervals.values())
    assert "broken.png" in back.broken["broken.png"] and not there.broken
    # the distance of two sets is that of the same two, whichever way
    assert there.values[f"input_fid_{ending}"] == pytest.approx(back.values[f"input_fid_{ending}"], rel=1e-3)
    with pytest.raises(InputError, match="does not hold both testA and testB"):
        evaluate(model, data=kinds, split="test")


def test_kinds_of_other_channels(kinds: Path, tmp_path: Path):
    """Grey becomes colour and colour grey; nothing is identical then."""
    model = run(kinds, tmp_path / "run", in_channels=1, identity_weight=0, epochs=1, decay_epochs=0).model
    shapes = {
        way: translate(model, kinds / "valB/0.png", direction=way).image.pixels.shape[2] for way in ("AtoB", "BtoA")
    }
    assert shapes == {"AtoB": 3, "BtoA": 1}


def test_one_of_twenty_of_each_kind_is_held_out_where_nothing_else_is(tmp_path: Path):
    for side, count in (("A", 21), ("B", 41)):
        for number in range(count):
            path = tmp_path / f"train{side}" / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            PIL.Image.new("RGB", (32, 16)).save(path)
    found = Unpaired.under(tmp_path)
    assert [len(each) for side in found for each in (side.a, side.b)] == [20, 39, 1, 2]
    assert not {*found.trained.b} & {*found.held_out.b}


def test_refusals(kinds: Path, tmp_path: Path):
    with pytest.raises(InputError, match="does not hold both trainA and trainB"):
        train("cyclegan", data=tmp_path, run=tmp_path / "run", settings=SMALL)
    with pytest.raises(SettingError, match="in_channels is 1 and out_channels 3, which cannot be identical"):
        CycleGANSettings(in_channels=1)
    with pytest.raises(SettingError, match="adversarial is 'wgangp'"):
        CycleGANSettings(adversarial="wgangp")
    with pytest.raises(SettingError, match="crop_size is 96, but a U-Net with num_downs 8 takes multiples of 256"):
        CycleGANSettings(generator="unet", crop_size=96)
    with pytest.raises(SettingError, match="direction is 'up'"):
        translate(tmp_path / "x.safetensors", kinds / "valA/0.png", direction="up")
