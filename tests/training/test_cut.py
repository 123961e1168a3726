"""CUT, FastCUT, SinCUT: their objective, how little they compute, that they go on exactly, what they leave."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import PIL.Image
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu, normalize, pad, relu

from impasto.data.unpaired import UnpairedBatch
from impasto.errors import SettingError
from impasto.image.tensors import to_tensor
from impasto.methods import cut as method
from impasto.methods.cut import (
    CutSettings,
    FastCutSettings,
    SinCutSettings,
    encode,
    generator_of,
    layers_seen,
    networks,
    sample_places,
)
from impasto.nn.antialias import halved
from impasto.nn.resnet import ResnetGenerator
from impasto.nn.unet import UNet
from impasto.training.adversarial import frozen
from impasto.training.cut import CutTraining
from impasto.training.run import Trained
from impasto.training.run_settings import RunSettings
from impasto.training.train import train
from impasto.training.translators import Unpaired
from impasto.training.unpaired import Held
from impasto.verbs.translate import translate
from impasto.weights.model import read_model

TINY = {
    "base_channels": 2, "num_blocks": 2, "num_layers": 1, "load_size": 36, "crop_size": 32, "batch_size": 2,
    "epochs": 2, "decay_epochs": 1, "nce_layers": (0, 4, 8, 12, 13), "num_patches": 16,
}  # fmt: skip
SMALL = CutSettings(**TINY)
FAST = FastCutSettings(**TINY)
UNET = replace(SMALL, generator="unet", num_downs=5, nce_layers=(0, 1, 3))
SINGLE = SinCutSettings(**{**TINY, "num_patches": 1, "crops_a_round": 4, "zoom": 1.5, "batch_size": 4, "epochs": 5})


class Killed(Exception):  # noqa: N818 -- not an error
    """Raised in a run at a step."""


def run(data: Path, folder: Path, settings: CutSettings = SMALL, until: int | None = None) -> Trained:
    def stop(step: int, steps: int, losses: Mapping[str, float]) -> None:
        if step == until:
            raise Killed

    return train(settings.name, data=data, run=folder, settings=settings,
                 run_settings=RunSettings(evaluate_every=4), on_step=stop)  # fmt: skip


@pytest.mark.parametrize(
    "settings", [replace(SMALL, batch_size=1, accumulate=2, ema_decay=0.9, diff_augment=True), FAST, UNET, SINGLE]
)
def test_a_resumed_run_is_the_one_never_stopped(settings: CutSettings, kinds: Path, tmp_path: Path):
    whole = run(kinds, tmp_path / "whole", settings)
    for until in (1, 5):
        with pytest.raises(Killed):
            run(kinds, tmp_path / "parts", settings, until)
    parts = run(kinds, tmp_path / "parts", settings)
    assert whole.steps == parts.steps == 6 and whole.best == parts.best
    assert (tmp_path / "whole/metrics.jsonl").read_text() == (tmp_path / "parts/metrics.jsonl").read_text()
    (_, first), (_, second) = (read_model(each.model) for each in (whole, parts))
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_the_papers_networks_have_the_papers_weights():
    """11,378,179 and 2,764,737 as CycleGAN's (PEERS); heads: two layers for 3, 128, 256, 256 and 256 channels."""
    counts = {
        name: sum(each.numel() for each in network.parameters())
        for name, network in networks(CutSettings()).items()
    }
    heads = sum((channels + 1) * 256 + 257 * 256 for channels in (3, 128, 256, 256, 256))
    assert counts == {"generator": 11_378_179, "discriminator": 2_764_737, "heads": heads}


def test_fastcut_and_sincut_are_as_published():
    """METHODS §10, and the settings of the authors' code."""
    cut, fast, single = CutSettings(), FastCutSettings(), SinCutSettings()
    assert (cut.nce_weight, cut.nce_identity, cut.flip_equivariance) == (1, True, False)
    assert (fast.nce_weight, fast.nce_identity, fast.flip_equivariance) == (10, False, True)
    assert (fast.epochs, fast.decay_epochs) == (150, 50)
    for settings in (cut, fast):
        assert settings.compared == (0, 4, 8, 12, 16) and settings.num_patches == 256
        assert settings.temperature == 0.07
    assert (single.nce_weight, single.identity_weight, single.r1_weight) == (4, 1, 1)
    assert (single.crop_size, single.batch_size, single.num_patches, single.others) == (64, 16, 1, "batch")
    assert (single.load_size, single.whole_size, single.betas) == (1024, 1024, (0, 0.99))


def test_sincuts_rate_is_one_at_which_its_networks_learn(photo: Tensor):
    torch.manual_seed(0)
    settings = SinCutSettings()
    network = generator_of(settings)
    adam = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, betas=settings.betas)
    crop, errors = 2 * photo - 1, []
    for _ in range(40):
        error = (network(crop) - crop).abs().mean()
        adam.zero_grad()
        error.backward()
        adam.step()
        errors.append(error.item())
    assert errors[-1] < errors[0] / 2  # at ten times the rate it ends above where it began


def made(kinds: Path, settings: CutSettings = SMALL) -> CutTraining:
    return CutTraining(settings, *Unpaired.under(kinds))


def walked(network: ResnetGenerator | UNet, picture: Tensor, last: int) -> list[Tensor]:
    """Return every layer of the authors' list of layers up to a number, or every halving, one after the other."""
    if isinstance(network, UNet):
        halves = [picture, conv2d(picture, network.down[0].weight, network.down[0].bias, stride=2, padding=1)]
        for down, norm in zip(network.down[1:], network.down_norm, strict=False):
            given = leaky_relu(norm(halves[-1]), 0.2)
            halves.append(conv2d(given, down.weight, down.bias, stride=2, padding=1))
        return halves[: last + 1]
    layers = [pad(picture, (3, 3, 3, 3), mode="reflect")]
    layers.append(conv2d(layers[0], network.enter.weight, network.enter.bias))
    layers += [network.enter_norm(layers[-1])]
    layers += [relu(layers[-1])]
    for down, norm in zip(network.down, network.down_norm, strict=True):
        layers.append(conv2d(layers[-1], down.weight, down.bias, padding=1))
        layers.append(norm(layers[-1]))
        layers.append(relu(layers[-1]))
        layers.append(halved(layers[-1]))
    for block in network.blocks:
        layers.append(block(layers[-1]))
    return layers[: last + 1]


def test_what_is_compared_is_what_the_authors_number_so():
    torch.manual_seed(0)
    network = ResnetGenerator(3, 3, 2, 6, antialiased=True)
    picture = torch.rand(2, 3, 32, 48)
    layers = (0, 4, 8, 12, 16)
    wanted = walked(network, picture, 16)
    for found, layer in zip(encode(network, picture, layers), layers, strict=True):
        torch.testing.assert_close(found, wanted[layer], msg=str(layer))


def test_what_is_compared_of_a_unet_is_what_it_has_halved_so_often(kinds: Path):
    torch.manual_seed(0)
    network = made(kinds, replace(UNET, nce_layers=())).generator
    assert isinstance(network, UNet)
    picture = torch.rand(2, 3, 32, 64)
    wanted = walked(network, picture, 4)
    ran: list[int] = []
    network.down[4].register_forward_hook(lambda *_: ran.append(4))
    for layer, found in enumerate(encode(network, picture, (0, 1, 2, 3, 4))):
        torch.testing.assert_close(found, wanted[layer], msg=str(layer))
        assert found.shape[2:] == (32 >> layer, 64 >> layer)
    assert not ran, "what is not compared is not computed"
    with layers_seen(network, (0, 1, 2, 3, 4)) as seen:
        network(picture)
    assert all(torch.equal(one, other) for one, other in zip(seen, wanted, strict=True))


def slowly(training: CutTraining, a: Tensor, b: Tensor, places: list[Tensor], *, flipped: bool) -> dict[str, float]:
    """Return the objective, one picture, one layer and one place at a time."""
    settings, network, heads = training.settings, training.generator, training.heads
    turned = (lambda each: each.flip(3)) if flipped else (lambda each: each)

    def vectors(picture: Tensor, *, mirrored: bool = False) -> list[Tensor]:
        """Return vectors of the places, which are those of the picture before it was mirrored."""
        layers = walked(network, picture, settings.compared[-1])
        found = []
        for number, layer in enumerate(settings.compared):
            width = layers[layer].shape[3]
            rows = []
            for place in places[number].tolist():
                column = width - 1 - place % width if mirrored else place % width
                vector = layers[layer][0, :, place // width, column]
                rows.append(normalize(heads.second[number](relu(heads.first[number](vector))), dim=0))
            found.append(torch.stack(rows))
        return found

    def nce(pictures: Tensor) -> float:
        losses = []
        keys_of = [vectors(each[None]) for each in pictures]
        queries_of = [vectors(network(turned(each[None])), mirrored=flipped) for each in pictures]
        if settings.others == "batch":
            both = (keys_of, queries_of)
            keys_of, queries_of = ([[torch.cat(each) for each in zip(*of, strict=True)]] for of in both)
        for keys, queries in zip(keys_of, queries_of, strict=True):
            for key, query in zip(keys, queries, strict=True):
                for place, mine in enumerate(query):
                    powers = [float((mine @ other / settings.temperature).exp()) for other in key]
                    losses.append(-torch.tensor(powers[place] / sum(powers), dtype=torch.float64).log())
        return float(torch.stack(losses).mean())

    fakes = torch.cat([network(turned(each[None])) for each in a])
    gan = {"lsgan": lambda verdict: (verdict - 1) ** 2, "vanilla": lambda verdict: -verdict.sigmoid().log()}
    terms = {"gan": float(gan[settings.adversarial](training.discriminator(fakes)).mean())}
    share = settings.nce_weight / (2 if settings.nce_identity else 1)
    terms["nce"] = share * nce(a)
    if settings.nce_identity:
        terms["nce_identity"] = share * nce(b)
    if settings.identity_weight:
        terms["identity"] = float((network(b) - b).abs().mean())
    return terms


@pytest.mark.parametrize(
    ("settings", "flipped"), [(SMALL, False), (FAST, True), (FAST, False), (SINGLE, False), (UNET, False)]
)
def test_the_objective_is_the_papers(settings: CutSettings, flipped: bool, kinds: Path):
    torch.manual_seed(0)
    training = made(kinds, settings).double()
    a, b = torch.rand(2, 4 if settings is SINGLE else 2, 3, 32, 32, dtype=torch.float64) * 2 - 1
    painted, keys = training.translated(a, flipped=flipped)
    places = sample_places(keys, settings.num_patches)
    found = training.adversarial_terms(painted) | training.nce_terms(painted, keys, places, flipped=flipped)
    if settings.translates_both:
        found |= training.identity_terms(*training.translated(b, flipped=flipped), b, places, flipped=flipped)
    with torch.no_grad():
        wanted = slowly(training, a, b, places, flipped=flipped)
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert float(found[name].detach()) == pytest.approx(value, rel=1e-4), name


def test_places_are_all_different_and_the_same_for_all():
    features = [torch.rand(3, 2, 5, 7), torch.rand(3, 4, 2, 2)]
    torch.manual_seed(0)
    many, few = sample_places(features, 16)
    assert len(many) == len(set(many.tolist())) == 16 and max(many.tolist()) < 35
    assert sorted(few.tolist()) == [0, 1, 2, 3], "no more than there are"


def test_each_network_is_improved_by_its_own_loss(kinds: Path):
    training = made(kinds)
    a, b = torch.rand(2, 2, 3, 32, 32) * 2 - 1
    painted, keys = training.translated(a, flipped=False)
    assert not any(layer.requires_grad for layer in keys)
    torch.stack([*training.discriminator_terms(b, painted.detach()).values()]).sum().backward()
    assert not grads(training.generator) and not grads(training.heads) and grads(training.discriminator)
    training.discriminator.zero_grad()
    with frozen(training.discriminator):
        places = sample_places(keys, 16)
        terms = training.adversarial_terms(painted) | training.nce_terms(painted, keys, places, flipped=False)
        torch.stack([*terms.values()]).sum().backward()
    assert not grads(training.discriminator) and grads(training.generator)
    assert len(grads(training.heads)) == len([*training.heads.parameters()]), "heads learn along"


@pytest.mark.parametrize("settings", [SMALL, FAST, SINGLE, UNET])
def test_slopes_added_up_part_by_part_are_those_of_the_whole_objective(settings: CutSettings, kinds: Path):
    settings = replace(settings, flip_equivariance=False, r1_weight=0.0)
    training = made(kinds, settings).double()
    a, b = pictures = torch.rand(2, 2, 3, 32, 32, dtype=torch.float64) * 2 - 1
    step(training, pictures)
    found = [each.grad.clone() for each in training.networks()["generator"].parameters() if each.grad is not None]
    training.zero_grad()
    with training.noise(2, 0):
        painted, keys = training.translated(a, flipped=False)
        places = sample_places(keys, settings.num_patches)
    terms = training.adversarial_terms(painted) | training.nce_terms(painted, keys, places, flipped=False)
    if settings.translates_both:
        terms |= training.identity_terms(*training.translated(b, flipped=False), b, places, flipped=False)
    torch.stack([*terms.values()]).sum().backward()
    wanted = [each.grad for each in training.networks()["generator"].parameters() if each.grad is not None]
    assert len(found) > 8
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-12)


def step(training: CutTraining, pictures: Tensor) -> None:
    """Add up the slopes of a step, without one of the networks taking it."""
    training.optimizers = lambda: [torch.optim.SGD(each.parameters(), 0) for each in training.networks().values()]  # type: ignore[method-assign]
    training.lr_schedulers = lambda: [SimpleNamespace(step=int)] * 2  # type: ignore[method-assign]
    training.log_dict = lambda *_, **__: None  # type: ignore[method-assign]
    training.manual_backward = lambda loss: loss.backward()  # type: ignore[method-assign]
    training.training_step(UnpairedBatch(*pictures, torch.zeros(1, dtype=torch.long), {}), 0)


def grads(network: nn.Module) -> list[Tensor]:
    return [each.grad for each in network.parameters() if each.grad is not None and bool(each.grad.any())]


@pytest.mark.parametrize(("settings", "wanted"), [(SMALL, (1, 3)), (FAST, (1, 2))])
def test_the_generator_runs_once_a_step_and_half_of_it_once_more_for_each_kind(
    settings: CutSettings, wanted: tuple[int, int], kinds: Path, monkeypatch: pytest.MonkeyPatch
):
    training = made(kinds, replace(settings, flip_equivariance=False))
    whole, halves = [], []
    training.generator.register_forward_hook(lambda *_: whole.append(1))
    training.generator.blocks[0].register_forward_hook(lambda *_: halves.append(1))
    step(training, torch.rand(2, 2, 3, 32, 32) * 2 - 1)
    assert (len(whole), len(halves)) == wanted


def test_encoding_stops_where_nothing_is_compared_any_more():
    network = ResnetGenerator(3, 3, 2, 3, antialiased=True)
    ran: list[int] = []
    for number, block in enumerate(network.blocks):
        block.register_forward_hook(lambda *_, number=number: ran.append(number))
    encode(network, torch.rand(1, 3, 32, 32), (0, 4, 13))
    assert ran == [0, 1]


def test_what_a_run_leaves(kinds: Path, tmp_path: Path):
    trained = run(kinds, tmp_path / "run", replace(SMALL, direction="BtoA"))
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if "gan" in line]
    assert {"gan", "nce", "nce_identity", "discriminator", "accuracy"} < set(steps[0])
    looks = [line for line in lines if "held_out_kid_b" in line]
    assert trained.best == pytest.approx(min(line["held_out_total"] for line in looks), abs=1e-6)
    with PIL.Image.open(tmp_path / "run/samples/0000006.png") as sample:
        # paintings of 43 × 32 and 32 × 38 become photos, since the direction is BtoA
        assert sample.size == (2 * 43, 32 + 38)
    card, tensors = read_model(trained.model)
    assert card.method == "cut" and not any(name.startswith("heads") for name in tensors)
    training = made(kinds, replace(SMALL, direction="BtoA"))
    training.generator.load_state_dict(tensors)
    source, shown = training._translated(Held(kinds / "valB/0.png", "b"), 0)
    result = translate(trained.model, source, precision="fp32")
    assert float((to_tensor(result.image) - shown.detach()).abs().max()) <= 0.5 / 255 + 1e-4
    with pytest.raises(SettingError, match=r"model\.safetensors has learnt one direction, BtoA, not AtoB"):
        translate(trained.model, source, direction="AtoB")


def test_one_picture_of_each_kind_is_enough(kinds: Path, tmp_path: Path, photo: Tensor):
    """They are held out from nothing, measured in tiles, and the model's output is as large as its input."""
    for place in ("valA", "valB"):
        for path in (kinds / place).iterdir():
            path.unlink()
        (kinds / place).rmdir()
    for place in ("trainA", "trainB"):
        for path in [*(kinds / place).iterdir()][1:]:
            path.unlink()
    trained = run(kinds, tmp_path / "run", SINGLE)
    assert trained.steps == 6 and not trained.warnings
    large = torch.rand(1, 3, 150, 210)
    image = translate(trained.model, large).image
    assert (image.height, image.width) == (150, 210)
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert {"r1", "identity", "nce", "nce_identity", "gan"} < set(lines[0])


def test_refusals():
    for changes, words in (
        ({"generator": "vit"}, "generator is 'vit'"),
        ({"generator": "unet", "crop_size": 96, "num_downs": 6}, "crop_size is 96, but a U-Net with num_downs 6"),
        ({"generator": "unet", "crop_size": 32, "num_downs": 5, "nce_layers": (5,)}, "nce_layers is 5"),
        ({"nce_layers": (4, 0)}, "nce_layers is 4 0; choose some of .*, in order"),
        ({"nce_layers": (5,)}, "nce_layers is 5"),
        ({"num_blocks": 2}, "nce_layers is 16"),
        ({"in_channels": 1}, "the encoder sees both"),
        ({"num_patches": 1}, "of which none can be told from others"),
        ({"others": "batch", "num_patches": 1}, "a batch has one place"),
        ({"adversarial": "wgangp"}, "adversarial is 'wgangp'"),
    ):
        with pytest.raises(SettingError, match=words):
            CutSettings(**changes)


def test_the_file_of_three_methods_is_one():
    from impasto.methods import METHODS

    assert all(METHODS[name].load() is method for name in ("cut", "fastcut", "sincut"))
