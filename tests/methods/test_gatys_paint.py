"""Painting: every option gives a picture, every step is counted once, the best picture comes back."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from impasto.errors import ImpastoError
from impasto.image.color import rgb_to_yiq
from impasto.image.regions import Style
from impasto.image.resize import resize
from impasto.methods.gatys import GatysSettings, paint
from impasto.nn.vgg import VGG
from impasto.result import Step


def settings(**changes: Any) -> GatysSettings:
    """Return settings that paint at one size, quickly, in fp32."""
    return GatysSettings(**{"coarse_size": 512, "coarse_steps": 2, "steps": 3, "precision": "fp32"} | changes)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def halves(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return two masks, left and right."""
    left = torch.zeros(1, 1, height, width)
    left[..., : width // 2] = 1
    return left, 1 - left


def totals(steps: Sequence[Step]) -> list[float]:
    return [step.losses["total"] for step in steps]


def assert_is_picture(picture: Tensor, height: int, width: int) -> None:
    assert picture.shape == (1, 3, height, width)
    assert picture.dtype == torch.float32
    assert picture.device.type == "cpu"
    assert picture.isfinite().all()
    assert picture.min() >= 0
    assert picture.max() <= 1


def test_the_loss_falls(painted_freely):
    _, steps = painted_freely
    assert min(totals(steps)) == min(totals(steps)[-5:])
    assert totals(steps)[-1] < 0.4 * totals(steps)[0]
    # both terms matter: neither is bought with the other alone
    assert steps[-1].losses["style"] < 0.5 * steps[0].losses["style"]


def test_the_default_start_is_the_nearest(photo, painting):
    first = {}
    for init in ("toned", "content", "noise"):
        steps: list[Step] = []
        paint(photo, [Style(painting)], settings(init=init, steps=1), on_step=steps.append)
        first[init] = totals(steps)[0]
    assert first["toned"] < min(first["content"], first["noise"])


@pytest.mark.parametrize("init", ["noise", "toned"])
def test_a_seed_paints_the_same_bits_again(photo, painting, init):
    def painted(seed: int) -> Tensor:
        return paint(photo, [Style(painting)], settings(init=init, seed=seed, coarse_size=30, coarse_steps=4))

    first = painted(3)
    torch.rand(7)  # the world's random numbers are not ours
    assert torch.equal(painted(3), first)
    if init == "noise":
        assert (painted(4) - first).abs().mean() > 0.01


def test_painting_draws_no_random_numbers_of_the_callers(photo, painting):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    paint(photo, [Style(painting)], settings(init="noise", steps=1))
    assert torch.equal(torch.rand(3), expected)


OPTIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "adam": {"optimizer": "adam", "learning_rate": 0.05},
    "average": {"pooling": "average"},
    "bf16": {"precision": "bf16"},
    "auto precision": {"precision": "auto"},
    "paper": {"scaling": "paper", "style_loss": "gram", "content_weight": 1.0},
    "Gram": {"style_loss": "gram"},
    **{f"init {init}": {"init": init} for init in ("content", "noise", "style", "toned")},
    **{f"colors {how}": {"colors": how} for how in ("luminance", "histogram", "linear")},
    "luminance from noise": {"colors": "luminance", "init": "noise"},
    "large strokes": {"style_scale": 2.0},
    "tiny strokes": {"style_scale": 0.05},
    "content only": {"style_weight": 0.0},
    "style only": {"content_weight": 0.0, "tv_weight": 0.0},
    "three sizes": {"coarse_size": 24},
    "tiny coarse size": {"coarse_size": 16},
    "larger": {"size": 60, "coarse_size": 30},
    "smaller": {"size": 24},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_paints_a_picture(name, photo, painting):
    chosen = settings(**OPTIONS[name])
    steps: list[Step] = []
    painted = paint(photo, [Style(painting)], chosen, on_step=steps.append)
    height, width = {60: (50, 60), 24: (20, 24)}.get(chosen.size, (40, 48))
    assert_is_picture(painted, height, width)
    assert all(math.isfinite(total) for total in totals(steps))
    assert painted.std() > 0.01


@pytest.mark.parametrize("init", ["toned", "style"])
@pytest.mark.parametrize("colors", ["style", "luminance", "linear"])
def test_two_styles_regions_and_transparency_together(photo, painting, other_painting, init, colors):
    photo, visible = resize(photo, 24, 28), noise(1, 1, 40, 48, seed=1).round()
    left, right = halves(24, 28)
    soft = noise(1, 1, 36, 48)
    several_sizes = {"coarse_size": 22, "style_blend": (3.0, 1.0), "style_scale": 1.3}
    for options in ({}, several_sizes):
        chosen = settings(init=init, colors=colors, steps=2, coarse_steps=1, **options)
        for region, other_region, part in ((None, None, None), (left, right, None), (left, None, soft)):
            styles = [Style(painting, region, part), Style(other_painting, other_region)]
            assert_is_picture(paint(photo, styles, chosen, visible=visible), 24, 28)


@pytest.mark.parametrize("content_size", [(16, 200), (200, 16), (17, 190)])
def test_extreme_shapes(content_size, painting):
    content, style = noise(1, 3, *content_size), noise(1, 3, *content_size[::-1])
    for options in ({}, {"coarse_size": 16, "style_scale": 0.3}):
        steps: list[Step] = []
        painted = paint(
            content, [Style(style), Style(painting)], settings(steps=2, **options), on_step=steps.append
        )
        assert_is_picture(painted, *content_size)
        assert steps[-1].index == steps[-1].total


@pytest.mark.parametrize("style_size", [(1, 1), (1, 90), (5, 4)])
def test_styles_smaller_than_the_network_can_see(style_size, photo):
    assert_is_picture(paint(photo, [Style(noise(1, 3, *style_size))], settings(steps=2)), 40, 48)


@pytest.mark.parametrize("colors", ["style", "luminance", "histogram", "linear"])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_constant_pictures(value, colors, photo, painting):
    """Nothing to see: dead features and colours without variance must not divide by zero."""
    flat = torch.full((1, 3, 20, 24), value)
    for content, style in ((flat, painting), (photo, flat), (flat, flat)):
        painted = paint(content, [Style(style)], settings(colors=colors, steps=2))
        assert_is_picture(painted, *content.shape[-2:])


def test_inputs_are_not_changed(photo, painting):
    content, style, region = photo.clone(), painting.clone(), halves(40, 48)[0]
    paint(content, [Style(style, region)], settings(init="content"), visible=region, start=content)
    assert torch.equal(content, photo)
    assert torch.equal(style, painting)
    assert torch.equal(region, halves(40, 48)[0])


@pytest.mark.parametrize("size", [(40, 48), (20, 24), (90, 60)])
def test_a_given_start_is_the_start(photo, painting, size):
    start = noise(1, 3, *size)
    steps: list[Step] = []
    paint(photo, [Style(painting)], settings(), start=start, on_step=steps.append)
    torch.testing.assert_close(steps[0].image, resize(start, 40, 48))


def test_starts_are_what_they_are_called(photo, painting, other_painting):
    def start(init: str, *styles: Style) -> Tensor:
        steps: list[Step] = []
        paint(photo, styles or [Style(painting)], settings(init=init, steps=1), on_step=steps.append)
        return steps[0].image

    torch.testing.assert_close(start("content"), photo)
    torch.testing.assert_close(start("style"), resize(painting, 40, 48))
    random = start("noise")
    assert random.std().item() == pytest.approx(1 / math.sqrt(12), abs=0.01), "uniform"
    assert (random[..., 1:] - random[..., :-1]).std().item() == pytest.approx(1 / math.sqrt(6), abs=0.01), "white"
    # the photo's shapes in the painting's colours
    toned = start("toned")
    assert (toned.mean((2, 3)) - painting.mean((2, 3))).abs().max() < 0.02
    pair = torch.stack([rgb_to_yiq(picture)[0, 0].flatten() for picture in (toned, photo)])
    assert torch.corrcoef(pair)[0, 1] > 0.9
    # between two styles half-way, and in regions each its own
    other = start("toned", Style(other_painting))
    torch.testing.assert_close(start("toned", Style(painting), Style(other_painting)), (toned + other) / 2)
    left, right = halves(40, 48)
    apart = start("toned", Style(painting, left), Style(other_painting, right))
    torch.testing.assert_close(apart, left * toned + right * other)
    # where regions overlap, half-way again; where there is none, the content
    overlapping = start("toned", Style(painting, left), Style(other_painting, left))
    torch.testing.assert_close(overlapping, left * (toned + other) / 2 + right * photo)


def test_coarse_to_fine_counts_every_step_once(photo, painting):
    steps: list[Step] = []
    paint(photo, [Style(painting)], settings(coarse_size=24, coarse_steps=4, steps=3), on_step=steps.append)
    # 24, 34, 48 pixels
    assert [step.index for step in steps] == list(range(1, 4 + 4 + 3 + 1))
    assert {step.total for step in steps} == {11}
    sizes = [tuple(step.image.shape[-2:]) for step in steps]
    assert sizes == [(20, 24)] * 4 + [(28, 34)] * 4 + [(40, 48)] * 3
    for step in steps:
        terms = {name: value for name, value in step.losses.items() if name != "total"}
        assert set(terms) == {"content", "style", "tv"}
        assert step.losses["total"] == pytest.approx(sum(terms.values()), rel=1e-6)
        assert_is_picture(step.image, *step.image.shape[-2:])


def test_sizes_too_small_to_see_are_left_out():
    """16×64 can only be painted whole; 32×64 at half the size too."""
    for height, sizes in ((16, [64]), (32, [32, 45, 64])):
        steps: list[Step] = []
        content = noise(1, 3, height, 64)
        paint(content, [Style(content)], settings(coarse_size=16, coarse_steps=1, steps=1), on_step=steps.append)
        assert [step.image.shape[-1] for step in steps] == sizes
        assert steps[-1].total == len(sizes)


def test_coarse_to_fine_keeps_detail_and_carries_changes_up(painting):
    """With nothing to change, a finer size starts from all the detail there is; what was changed comes along."""
    sharp = noise(1, 3, 40, 48).round()
    steps: list[Step] = []
    chosen = settings(coarse_size=24, coarse_steps=1, steps=1, init="content")
    paint(sharp, [Style(painting)], chosen, on_step=steps.append)
    torch.testing.assert_close(steps[-1].image, sharp)
    steps: list[Step] = []
    paint(
        sharp,
        [Style(painting)],
        settings(coarse_size=34, coarse_steps=25, steps=1, init="content"),
        on_step=steps.append,
    )
    coarse, fine = steps[-2].image, steps[-1].image
    change = coarse - resize(sharp, 28, 34)
    assert change.abs().mean() > 0.05
    carried = interpolate(fine - sharp, (28, 34), mode="bilinear", antialias=True)
    assert torch.corrcoef(torch.stack([carried.flatten(), change.flatten()]))[0, 1] > 0.8


def test_the_best_picture_comes_back(photo, painting):
    steps: list[Step] = []
    chosen = settings(optimizer="adam", learning_rate=0.3, steps=8)
    painted = paint(photo, [Style(painting)], chosen, on_step=steps.append)
    assert torch.equal(painted, steps[-1].image)
    assert totals(steps)[-1] > min(totals(steps)), "so large a step overshoots; else this test says nothing"
    again: list[Step] = []
    paint(photo, [Style(painting)], settings(steps=1), start=painted, on_step=again.append)
    assert totals(again)[0] == pytest.approx(min(totals(steps)), rel=1e-4)


def test_raising_in_on_step_cancels(photo, painting):
    class CancelError(Exception):
        pass

    seen = []

    def cancel(step: Step) -> None:
        seen.append(step.index)
        if step.index == 3:
            raise CancelError("enough")

    with pytest.raises(CancelError, match="enough"):
        paint(photo, [Style(painting)], settings(steps=9), on_step=cancel)
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("changes", [{"scaling": "paper", "style_loss": "gram"}, {"style_loss": "wasserstein"}])
def test_weights_too_large_to_compute_with_are_one_line(photo, painting, changes):
    chosen = settings(style_weight=1e9, content_weight=1e9, precision="bf16", **changes)
    steps: list[Step] = []
    try:
        painted = paint(photo, [Style(painting)], chosen, on_step=steps.append)
    except ImpastoError as error:
        assert "\n" not in str(error)
    else:
        assert_is_picture(painted, 40, 48)


def test_the_network_is_asked_for_as_set(monkeypatch, photo, painting):
    asked = []
    pretrained = VGG.pretrained

    def remember(*args: Any, **options: Any) -> VGG:
        asked.append((*args, options["dtype"]))
        return pretrained(*args, **options)

    monkeypatch.setattr(VGG, "pretrained", remember)
    paint(photo, [Style(painting)], settings(pooling="average", steps=1, precision="bf16"))
    paint(photo, [Style(painting)], settings(steps=1))
    assert asked == [("vgg16", "average", torch.bfloat16), ("vgg16", "max", torch.float32)]
