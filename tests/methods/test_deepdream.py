"""DeepDream: its objective against a slow float64 version, and that dreams show more of what is dreamt of."""

import itertools
from dataclasses import asdict
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from impasto.errors import SettingError
from impasto.image.color import rgb_to_yiq
from impasto.methods.deepdream import (
    DEFAULT_LAYERS,
    DeepDreamSettings,
    dream,
    guide_features,
    objective_of_class,
    objective_of_layers,
    objectives_for,
    painted_size,
    palette,
    schedule,
)
from impasto.nn.backbones import layer_named, layers_of, load_backbone
from impasto.nn.efficientnet_lite import EfficientNetLite0, class_index, class_names
from impasto.nn.tiles import tiled_gradient
from impasto.result import Step

QUICK: dict[str, Any] = {"octaves": 2, "steps": 4, "jitter": 4, "laplacian_levels": 2, "device": "cpu"}


@pytest.fixture(autouse=True)
def quiet(one_thread: None) -> None:
    """Dream with one thread."""


@pytest.fixture(scope="module")
def network() -> EfficientNetLite0:
    return load_backbone("efficientnet-lite0", torch.device("cpu"), torch.float32)


@pytest.fixture
def large(photo: Tensor) -> Tensor:
    """The cup of coffee at 64×96."""
    return interpolate(photo, (64, 96), mode="bicubic").clamp(0, 1)


def shown(network: EfficientNetLite0, picture: Tensor, layer: str) -> Tensor:
    return network(picture, [layer])[layer]


def test_the_objective_and_its_gradient_by_a_slow_float64_version(large: Tensor):
    settings = DeepDreamSettings(layers=("block3.expand:5,7", "block6.output"), layer_weights=(2, 0.5))
    exact = EfficientNetLite0.pretrained().double()
    gradient, terms = tiled_gradient(large.double(), objective_of_layers(exact, settings), 1024, 128)
    pixels = large.double().requires_grad_()
    features = exact(pixels, ["block3.expand", "block6.output"])
    wanted = {
        "block3.expand:5,7": 2
        * sum(features["block3.expand"][0, channel].pow(2).mean() for channel in (5, 7))
        / 2
        / 2,
        "block6.output": 0.5 * features["block6.output"].pow(2).mean() / 2,
    }
    assert terms == pytest.approx({name: float(term.detach()) for name, term in wanted.items()})
    (slope,) = torch.autograd.grad(sum(wanted.values()), pixels)
    assert float((gradient - slope).abs().max() / slope.abs().max()) < 1e-5  # energies are summed in fp32


def test_a_class_is_how_likely_it_is_at_each_place(network: EfficientNetLite0, large: Tensor):
    settings = DeepDreamSettings(dream_of="Golden Retriever")
    ((scores, stride),) = objective_of_class(network, settings)(large).values()
    features, index = shown(network, large, "head"), class_names().index("golden retriever")
    assert stride == 32 and scores.shape == (1, *features.shape[2:])
    for row, column in itertools.product(*map(range, features.shape[2:])):
        logits = network.classifier(features[0, :, row, column])
        likely = (logits[index].exp() / logits.exp().sum()).log()
        assert float(scores[0, row, column]) == pytest.approx(float(likely), abs=1e-4)


def test_a_class_is_dreamt_of_along_the_usual_layers(network: EfficientNetLite0, large: Tensor):
    settings = DeepDreamSettings(dream_of="tabby")
    shares = {tuple(objective(large)): share for share, objective in objectives_for(network, settings)}
    assert shares == {("tabby",): 1.0, DEFAULT_LAYERS["efficientnet-lite0"]: 0.5}


@pytest.mark.parametrize("layer", ["block4.expand", "block10.expand", "block12.expand"])
def test_a_dream_shows_more_of_its_layer(network: EfficientNetLite0, large: Tensor, layer: str):
    dreamt = dream(large, DeepDreamSettings(layers=(layer,), step_size=0.03, **QUICK))
    signs = torch.rand(large.shape, generator=torch.Generator().manual_seed(0)).round() * 2 - 1
    disturbed = (large + signs * (dreamt - large).abs()).clamp(0, 1)
    before, by_chance, after = (
        float(shown(network, picture, layer).square().mean()) for picture in (large, disturbed, dreamt)
    )
    assert after > 1.1 * max(before, by_chance)


def test_one_channel_grows_more_than_the_others(network: EfficientNetLite0, large: Tensor):
    layer = "block6.expand"
    channel = int(shown(network, large, layer).mean(dim=(0, 2, 3)).argsort()[200])
    dreamt = dream(large, DeepDreamSettings(layers=(f"{layer}:{channel}",), **QUICK))
    grown = [shown(network, picture, layer).square().mean(dim=(0, 2, 3)) for picture in (large, dreamt)]
    ratios = grown[1] / grown[0].clamp_min(1e-3)
    assert int((ratios > ratios[channel]).sum()) < 20


def test_a_class_becomes_likelier(network: EfficientNetLite0, large: Tensor):
    index = class_index("tabby")
    dreamt = dream(large, DeepDreamSettings(dream_of="tabby", octaves=1, steps=12, device="cpu"))
    before, after = (float(network.classify(picture)[0, index]) for picture in (large, dreamt))
    assert after > before + 2


def test_a_guided_dream_is_more_like_its_guide_than_an_unguided_one(
    network: EfficientNetLite0, large: Tensor, painting: Tensor
):
    settings = DeepDreamSettings(layers=("block6.expand",), **QUICK)
    (guides,) = guide_features(network, painting, [layer_named("block6.expand", "efficientnet-lite0")])

    def likeness(picture: Tensor) -> float:
        places = shown(network, picture, "block6.expand")[0].flatten(1).mT
        unit = [rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-6) for rows in (places, guides)]
        return float((unit[0] @ unit[1].mT).amax(dim=1).mean())

    guided, free = dream(large, settings, guide=painting), dream(large, settings)
    assert likeness(guided) > likeness(free) + 0.02
    assert likeness(guided) > likeness(large) + 0.02


def test_vgg_dreams_too(vgg: Any, large: Tensor):
    settings = DeepDreamSettings(network="vgg16", layers=("relu3_1",), precision="fp32", **QUICK)
    before, after = (
        float(vgg(each, ["relu3_1"])["relu3_1"].square().mean()) for each in (large, dream(large, settings))
    )
    assert after > 1.5 * before


def test_a_seed_repeats_and_another_does_not(large: Tensor):
    settings = DeepDreamSettings(**QUICK)
    assert torch.equal(dream(large, settings), dream(large, settings))
    assert not torch.equal(dream(large, settings), dream(large, DeepDreamSettings(seed=1, **QUICK)))


def test_where_the_region_is_black_nothing_changes(large: Tensor):
    region = torch.zeros(1, 1, 32, 48)
    region[:, :, :, :24] = 1
    steps: list[Step] = []
    dreamt = dream(large, DeepDreamSettings(**QUICK), region=region, on_step=steps.append)
    untouched = interpolate(region, (64, 96), mode="bicubic", antialias=True).clamp(0, 1)[0, 0] == 0
    assert 0.4 < float(untouched.float().mean()) < 0.5
    assert torch.equal(dreamt[0, :, untouched], large[0, :, untouched])
    assert float((dreamt - large).abs()[0, :, ~untouched].mean()) > 0.01
    assert steps[-1].image.shape == large.shape and torch.equal(steps[-1].image, dreamt)


def test_steps_are_counted_and_report_what_grows(large: Tensor):
    steps: list[Step] = []
    dream(large, DeepDreamSettings(**QUICK), on_step=steps.append)
    assert [step.index for step in steps] == list(range(1, 9)) and {step.total for step in steps} == {8}
    for step in steps:
        assert step.losses["total"] == pytest.approx(sum(step.losses[name] for name in DEFAULT_LAYERS["vgg16"]))
    assert steps[-1].losses["total"] > steps[4].losses["total"]


def test_luminance_keeps_every_hue_and_the_palette_keeps_to_the_photos_colours(large: Tensor):
    grey = large.mean(dim=1, keepdim=True).expand_as(large)
    free, along = (dream(grey, DeepDreamSettings(colors=colors, **QUICK)) for colors in ("free", "palette"))
    chroma = [float(rgb_to_yiq(picture)[:, 1:].abs().mean()) for picture in (free, along)]
    assert chroma[1] < chroma[0] / 2
    kept = dream(0.25 + large / 2, DeepDreamSettings(colors="luminance", step_size=0.002, **{**QUICK, "steps": 2}))
    assert torch.allclose(rgb_to_yiq(kept)[:, 1:], rgb_to_yiq(0.25 + large / 2)[:, 1:], atol=0.02)


def test_the_palette_by_hand():
    photo = torch.tensor([[0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]).view(1, 3, 1, 2)
    assert torch.allclose(palette(photo), torch.diag(torch.tensor([2.8, 0.1, 0.1])))
    assert torch.allclose(palette(torch.full((1, 3, 4, 4), 0.5)), 0.1 * torch.eye(3)), "a flat photo has no colours"


def test_sizes_go_up_by_the_octave_scale():
    settings = DeepDreamSettings(octaves=3, octave_scale=2)
    assert schedule(200, 400, settings) == [(50, 100), (100, 200), (200, 400)]
    assert schedule(100, 400, settings) == [(50, 200), (100, 400)], "a size that is too narrow is left out"
    assert painted_size(3000, 4000, settings) == (768, 1024)
    assert painted_size(3000, 4000, DeepDreamSettings(size=4000)) == (3000, 4000)
    with pytest.raises(SettingError, match="dreamt on at 100×20 pixels; each side needs at least 32"):
        schedule(20, 100, settings)


def test_a_class_has_a_pace_of_its_own():
    assert DeepDreamSettings().pace() == (5, 10, 0.009, 0.0)
    assert DeepDreamSettings(dream_of="castle", steps=7).pace() == (3, 7, 0.004, 0.9)


def test_every_networks_usual_layers_exist():
    for name, layers in DEFAULT_LAYERS.items():
        assert set(layers) <= set(layers_of(name)) and DeepDreamSettings(network=name).layer_names() == layers


def test_raising_in_on_step_cancels(large: Tensor):
    class EnoughError(Exception):
        pass

    counted = itertools.count(1)

    def stop(step: Step) -> None:
        if next(counted) == 3:
            raise EnoughError

    with pytest.raises(EnoughError):
        dream(large, DeepDreamSettings(**QUICK), on_step=stop)
    assert next(counted) == 4


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        (
            {"dream_of": "golden retreiver"},
            "none of the 1,000 ImageNet classes; the nearest are golden retriever",
        ),
        ({"dream_of": "dog"}, "the nearest are"),
        ({"dream_of": "tabby", "layers": ("block8.expand",)}, "dream_of and layers are both given"),
        ({"dream_of": "tabby", "network": "vgg16"}, "vgg16 knows no classes"),
        ({"layers": ("relu4_2",), "network": "efficientnet-lite0"}, "efficientnet-lite0 has no layer 'relu4_2'"),
        ({"layers": ("block8.expand", "block8.expand")}, "names a layer twice"),
        ({"layer_weights": (1.0,)}, "layer_weights has 1 values for 3 layers"),
        ({"layer_weights": (0.0, 0.0, 0.0)}, "layer_weights are all 0"),
        ({"layer_weights": (-1.0, 1.0, 1.0)}, "layer_weights is -1"),
        ({"size": 8}, "size is 8; allowed are whole numbers from 32"),
        ({"octaves": 0}, "octaves is 0"),
        ({"octave_scale": 1.0}, "octave_scale is 1"),
        ({"steps": 0}, "steps is 0"),
        ({"step_size": 0.0}, "step_size is 0"),
        ({"momentum": 1.0}, "momentum is 1"),
        ({"jitter": -1}, "jitter is -1"),
        ({"laplacian_levels": -1}, "laplacian_levels is -1"),
        ({"tile": 100}, "tile is 100; allowed are multiples of 32"),
        ({"colors": "style"}, "colors is 'style'; choose one of palette"),
        ({"network": "resnet"}, "network is 'resnet'; choose one of efficientnet-lite0"),
        ({"seed": -1}, "seed is -1"),
    ],
    ids=str,
)
def test_settings_are_checked(changes: dict[str, Any], wanted: str):
    with pytest.raises(SettingError, match=wanted):
        DeepDreamSettings(**changes)


def test_a_guide_and_a_class_exclude_each_other(large: Tensor, painting: Tensor):
    with pytest.raises(SettingError, match="a guide and dream_of are both given"):
        dream(large, DeepDreamSettings(dream_of="tabby"), guide=painting)


def test_settings_are_json():
    assert asdict(DeepDreamSettings())["layers"] == ()
