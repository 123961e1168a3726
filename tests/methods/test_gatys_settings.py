"""Settings: every wrong value is one line that names the setting and says what is allowed."""

import math
from dataclasses import asdict, fields, replace
from typing import Any

import pytest
import torch

from impasto.errors import ImpastoError, SettingError
from impasto.image.regions import Style
from impasto.methods.gatys import GatysSettings, paint, schedule

WRONG: list[tuple[str, Any, str]] = [
    ("layer_weighting", "linear", "choose one of balanced, equal, exponential"),
    ("style_loss", "bures", "choose one of wasserstein, gram"),
    ("scaling", "mean", "choose one of relative, paper"),
    ("scaling", "paper", "choose style_loss gram"),
    ("colors", "content", "choose one of style, luminance, histogram, linear"),
    ("network", "vgg11", "choose one of vgg16, vgg16-imagenet, vgg19-imagenet"),
    ("pooling", "avg", "choose one of max, average"),
    ("optimizer", "sgd", "choose one of lbfgs, adam"),
    ("device", "tpu", "choose one of auto, cpu, cuda, mps"),
    ("precision", "fp16", "choose one of auto, bf16, fp32"),
    ("content_layers", ("relu4_2", "relu5_4"), "choose one of relu1_1, .*relu5_3"),
    ("style_layers", ("conv1_1",), "choose one of relu1_1, .*relu5_3"),
    ("style_layer_weights", (1.0, 1.0), "2 values for 5 style layers; give one each, or none"),
    ("style_layer_weights", (1.0, 1.0, 1.0, 1.0, -1.0), "from 0 to"),
    ("style_blend", (1.0, math.nan), "from 0 to"),
    *[
        (name, value, "from 0 to")
        for name in ("content_weight", "style_weight", "tv_weight")
        for value in (-0.1, math.nan, math.inf)
    ],
    ("size", 15, "whole numbers from 16 to 16384"),
    ("size", 0, "whole numbers from 16 to 16384"),
    ("size", -1, "whole numbers from 16 to 16384"),
    ("size", 16385, "whole numbers from 16 to 16384"),
    ("coarse_size", 15, "whole numbers from 16 to 16384"),
    ("coarse_size", 0, "whole numbers from 16 to 16384"),
    ("style_scale", 0.0, "from 0.05 to 20"),
    ("style_scale", math.nan, "from 0.05 to 20"),
    ("style_scale", 21.0, "from 0.05 to 20"),
    ("learning_rate", 0.0, "from 1e-06 to 1"),
    ("learning_rate", 1.5, "from 1e-06 to 1"),
    ("steps", 2.5, "whole numbers from 1 to 1000000"),
    ("content_weight", "a", "from 0 to"),
    ("steps", 0, "whole numbers from 1 to 1000000"),
    ("coarse_steps", -5, "whole numbers from 1 to 1000000"),
    ("seed", -1, "whole numbers from 0 to 9223372036854775807"),
    ("seed", 2**63, "whole numbers from 0 to 9223372036854775807"),
]


@pytest.mark.parametrize(("name", "value", "allowed"), WRONG)
def test_a_wrong_value_is_named_with_what_is_allowed(name, value, allowed):
    with pytest.raises(SettingError, match=rf"^{name}\b.* {allowed}") as caught:
        GatysSettings(**{name: value})
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ImpastoError)
    with pytest.raises(SettingError):
        replace(GatysSettings(), **{name: value})


def test_every_setting_but_the_start_is_checked():
    """The start may be a picture's path, so only `paint` can tell."""
    assert {field.name for field in fields(GatysSettings)} - {name for name, *_ in WRONG} == {"init"}


@pytest.mark.parametrize(
    "edge",
    [
        {"size": 16},
        {"size": 16384},
        {"size": None},
        {"content_weight": 0.0},
        {"style_weight": 0.0},
        {"tv_weight": 0.0},
        {"network": "vgg19-imagenet", "style_layers": ("relu5_4",)},
        {"steps": 1, "coarse_steps": 1},
        {"seed": 2**63 - 1},
        {"style_layers": ("relu1_1",), "style_layer_weights": (3.0,)},
        {"coarse_size": 16384},
    ],
)
def test_what_is_allowed_is_allowed_and_comes_back(edge):
    settings = GatysSettings(**edge)
    assert {name: getattr(settings, name) for name in edge} == edge
    assert GatysSettings(**asdict(settings)) == settings


def test_layers_are_those_of_the_network():
    deep = ("relu5_4",)
    with pytest.raises(SettingError, match=r"relu5_4.*relu5_3$"):
        GatysSettings(style_layers=deep)
    assert GatysSettings(style_layers=deep, network="vgg19-imagenet").style_layers == deep


@pytest.mark.parametrize(
    "nothing",
    [
        {"content_weight": 0.0, "style_weight": 0.0},
        {"content_layers": (), "style_weight": 0.0},
        {"content_weight": 0.0, "style_layers": ()},
        {"content_layers": (), "style_layers": ()},
    ],
)
def test_nothing_to_paint_after_is_refused(nothing):
    with pytest.raises(SettingError, match=r"content_(weight|layers).*style_(weight|layers)"):
        GatysSettings(**nothing, tv_weight=0.0)


def test_a_layer_asked_for_twice_is_refused_or_counts_fully():
    try:
        shares = GatysSettings(style_layers=("relu1_1", "relu1_1", "relu2_1")).layer_shares()
    except SettingError as error:
        assert "relu1_1" in str(error)
    else:
        assert sum(shares.values()) == pytest.approx(1)


def picture(height: int, width: int) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def test_paint_wants_a_style():
    with pytest.raises(SettingError, match="no style; give at least one"):
        paint(picture(20, 20), [])


@pytest.mark.parametrize(("blend", "styles"), [((1.0,), 2), ((1.0, 2.0), 1), ((1.0, 2.0), 3)])
def test_paint_wants_one_share_for_each_style(blend, styles):
    message = rf"^style_blend has {len(blend)} values for {styles} styles; give one each, or none$"
    with pytest.raises(SettingError, match=message):
        paint(picture(20, 20), [Style(picture(20, 20))] * styles, GatysSettings(style_blend=blend))


def test_paint_wants_some_share():
    with pytest.raises(SettingError, match=r"^style_blend is 0 for every style; one must be above$"):
        paint(picture(20, 20), [Style(picture(20, 20))] * 2, GatysSettings(style_blend=(0.0, 0.0)))


def test_paint_knows_its_starts():
    with pytest.raises(SettingError, match=r"^init is 'photo\.jpg'; choose one of toned, content, noise, style$"):
        paint(picture(20, 20), [Style(picture(20, 20))], GatysSettings(init="photo.jpg"))


@pytest.mark.parametrize(
    ("size", "longest", "painted"),
    [((15, 40), None, "40×15"), ((40, 15), None, "15×40"), ((20, 200), 100, "100×10"), ((200, 20), 150, "15×150")],
)
def test_a_picture_too_small_to_see_says_how_small_it_would_be(size, longest, painted):
    with pytest.raises(SettingError, match=rf"{painted}; each side needs at least 16, so choose a larger size"):
        paint(picture(*size), [Style(picture(20, 20))], GatysSettings(size=longest))


@pytest.mark.parametrize(
    ("height", "width", "options", "sizes"),
    [
        (30, 20, {}, [(30, 20)]),
        (200, 300, {"size": 512}, [(85, 128), (121, 181), (171, 256), (241, 362), (341, 512)]),
        (200, 300, {"coarse_size": 300}, [(200, 300)]),
        # the longest side painted when no size is asked for, as the settings' docstring says
        (2000, 1500, {"coarse_size": 1024}, [(1024, 768)]),
        (2000, 1500, {"coarse_size": 5000, "size": 5000}, [(5000, 3750)]),
        # VGG could not see the narrow side of what lies below
        (40, 400, {"coarse_size": 100}, [(20, 200), (28, 283), (40, 400)]),
    ],
)
def test_the_schedule(height: int, width: int, options: dict[str, int], sizes: list[tuple[int, int]]):
    levels = schedule(height, width, GatysSettings(**options, steps=7, coarse_steps=3))
    assert [(level.height, level.width) for level in levels] == sizes
    assert [level.steps for level in levels] == [3] * (len(sizes) - 1) + [7]
