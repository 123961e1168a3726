"""Painting again: the same pixels, inputs found whatever they are called, recipes nobody should trust."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import impasto
from impasto.errors import ImpastoError, InputError, SettingError
from impasto.image import Image, encode_image, read_image
from impasto.methods.gatys import GatysSettings
from impasto.verbs.reproduce import reproduce
from impasto.verbs.sheet import sheet
from impasto.weights.model import EDGE_ENCODER

QUICK = GatysSettings(size=32, steps=2, coarse_size=32)


@pytest.fixture
def painted(folder: Path) -> Path:
    """A picture painted from files beside it."""
    return impasto.stylize("cat.png", "wave.png", settings=QUICK).image.save("painted.png")


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "webp"])
def test_every_kind_of_file_is_compared_as_it_was_written(suffix: str, folder: Path):
    image = impasto.stylize("cat.png", "wave.png", settings=QUICK).image
    again = reproduce(image.save(f"painted.{suffix}"))
    assert again.identical and again.max_difference == again.mean_difference == 0 and not again.warnings
    assert np.array_equal(again.result.image.pixels, image.pixels)


def test_bytes_and_images_are_painted_again_from_the_current_folder(painted: Path):
    assert reproduce(painted.read_bytes()).identical
    assert reproduce(read_image(painted)).identical


def test_all_inputs_and_settings_count(folder: Path):
    mask = Image(np.full((4, 4, 1), 200, np.uint8)).save("mask.png")
    settings = replace(QUICK, init="poppies.png", colors="luminance", seed=4, style_blend=(1.0, 2.0))
    styles = ["wave.png", "poppies.png"]
    image = impasto.stylize("cat.png", styles, masks=[mask, mask], settings=settings, grey=False).image
    (folder / "other").mkdir()
    path = image.save("other/painted.png")
    again = reproduce(path)
    assert again.identical
    assert again.result.recipe["inputs"] == image.recipe["inputs"]


def test_inputs_are_found_under_another_name_and_not_by_name_alone(painted: Path, folder: Path):
    (folder / "deep").mkdir()
    Path("cat.png").rename("deep/kitten.png")
    Image(np.zeros((9, 9, 3), np.uint8)).save("cat.png")
    with pytest.raises(InputError, match=r"missing: cat\.png \(sha256 [0-9a-f]{64}\); looked in"):
        reproduce(painted)
    assert reproduce(painted, search=["deep"]).identical


def test_examples_are_always_found(folder: Path):
    image = impasto.stylize(*impasto.verbs.demo.example_pictures(), settings=QUICK).image
    assert reproduce(image).identical


def test_a_grid_is_painted_again(folder: Path):
    whole = sheet("cat.png", ["wave.png", "poppies.png"], strengths=[1, 2], settings=QUICK)
    assert reproduce(whole.image).identical
    strokes = impasto.layers("style", "wave.png", layers=["relu2_2", "relu3_1"], size=32, steps=2)
    assert reproduce(strokes.image).identical


def test_recipes_without_a_style_loss_have_the_papers(painted: Path):
    """Versions that wrote them had no other."""
    image = read_image(painted)
    stored = {name: value for name, value in image.recipe["settings"].items() if name != "style_loss"}
    again = reproduce(replace(image, recipe=dict(image.recipe) | {"settings": stored}))
    assert again.result.recipe["settings"]["style_loss"] == "gram"
    stored["network"] = EDGE_ENCODER
    with pytest.raises(SettingError, match=f"painted with {EDGE_ENCODER}, which impasto no longer paints with"):
        reproduce(replace(image, recipe=dict(image.recipe) | {"settings": stored}))


def test_what_was_interrupted_is_painted_as_far(folder: Path):
    partial = []
    sheet("cat.png", "wave.png", strengths=[1, 2, 3], settings=QUICK, on_cell=partial.append)
    for so_far in partial:
        again = reproduce(so_far.image)
        assert again.identical and again.result.recipe["interrupted"] == so_far.recipe["interrupted"]


def test_a_picture_that_was_resized_is_told(painted: Path):
    image = read_image(painted)
    smaller = Image(image.pixels[::2, ::2].copy(), recipe=image.recipe)
    again = reproduce(smaller)
    assert not again.identical and again.max_difference is None and again.mean_difference is None


def test_differences_are_measured(painted: Path):
    image = read_image(painted)
    pixels = image.pixels.copy()
    pixels[3, 4, 1] ^= 16
    again = reproduce(replace(image, pixels=pixels))
    assert not again.identical and again.max_difference == 16
    assert again.mean_difference == pytest.approx(16 / pixels.size, abs=1e-6)


def test_what_is_not_as_it_was_is_said_before_painting(painted: Path):
    image = read_image(painted)
    recipe = dict(image.recipe)
    recipe["versions"] = recipe["versions"] | {"numpy": "0.9"}
    recipe["weights"] = {"vgg16": "00ff"}
    recipe["machine"] = recipe["machine"] | {"device": "cuda"}
    heard: list[str] = []

    def on_step(_step: Any) -> None:
        assert len(heard) == 3

    again = reproduce(replace(image, recipe=recipe), on_step=on_step, on_warning=heard.append)
    assert heard == list(again.warnings)
    assert [line.split(",")[0] for line in heard] == [
        "painted with other weights of vgg16 00ff",
        "painted with numpy 0.9",
        "painted with device cuda",
    ]


def test_it_computes_with_as_many_threads_as_the_first_time(painted: Path):
    image = read_image(painted)
    recipe = dict(image.recipe) | {"machine": image.recipe["machine"] | {"threads": 2}}
    seen = set()
    reproduce(replace(image, recipe=recipe), on_step=lambda step: seen.add(torch.get_num_threads()))
    assert seen == {2} and torch.get_num_threads() == 1


def without(key: str) -> Any:
    return lambda recipe: {name: value for name, value in recipe.items() if name != key}


@pytest.mark.parametrize(
    ("edit", "wanted"),
    [
        (without("verb"), "the recipe of .* is damaged"),
        (without("settings"), "is damaged"),
        (without("inputs"), "is damaged"),
        (without("machine"), "is damaged"),
        (without("grey"), "is damaged"),
        (lambda recipe: {}, "is damaged"),
        (lambda recipe: recipe | {"verb": "erase"}, "the recipe's verb is 'erase'"),
        (lambda recipe: recipe | {"verb": ["stylize"]}, "verb"),
        (lambda recipe: recipe | {"settings": []}, "damaged"),
        (lambda recipe: recipe | {"settings": {"size": "big"}}, "size is 'big' in the recipe"),
        (lambda recipe: recipe | {"settings": {"size": True}}, "size is True in the recipe"),
        (lambda recipe: recipe | {"settings": {"style_layers": "relu1_1"}}, "style_layers is 'relu1_1'"),
        (lambda recipe: recipe | {"settings": {"pooling": {}}}, "pooling is {}"),
        (lambda recipe: recipe | {"settings": {"steps": -1}}, "steps is -1"),
        (lambda recipe: recipe | {"settings": {"magic": 1}}, "a setting of the recipe is 'magic'"),
        (lambda recipe: recipe | {"grey": "yes"}, "grey is 'yes' in the recipe"),
        (lambda recipe: recipe | {"method": "magic"}, "method is 'magic'"),
        (lambda recipe: recipe | {"inputs": {"content": "cat.png"}}, "damaged"),
        (lambda recipe: recipe | {"inputs": {"content": {"name": 3, "sha256": "x"}}}, "damaged"),
        (lambda recipe: recipe | {"inputs": {}}, "damaged"),
        (lambda recipe: recipe | {"inputs": recipe["inputs"] | {"style": []}}, "damaged"),
        (lambda recipe: recipe | {"interrupted": 3}, "damaged"),
        (lambda recipe: recipe | {"interrupted": {"step": "two"}}, "interrupted is 'two'"),
        (lambda recipe: recipe | {"machine": {"precision": [], "device": None, "threads": "all"}}, None),
        (lambda recipe: recipe | {"versions": None, "weights": 3}, None),
    ],
)
def test_recipes_are_not_trusted(edit: Any, wanted: str | None, painted: Path):
    image = read_image(painted)
    edited = read_image(encode_image(replace(image, recipe=edit(dict(image.recipe))), "png"))
    if wanted is None:
        assert reproduce(edited).result.image.width == 32
        return
    with pytest.raises((InputError, SettingError), match=wanted) as caught:
        reproduce(edited)
    assert "\n" not in str(caught.value)


def test_names_in_recipes_lead_nowhere_else(painted: Path, folder: Path):
    image = read_image(painted)
    (folder / "below").mkdir()
    secret = folder.parent / "secret.png"
    secret.write_bytes(Path("cat.png").read_bytes())
    for name in ("../secret.png", str(secret), "..", "/"):
        content = image.recipe["inputs"]["content"] | {"name": name}
        recipe = dict(image.recipe) | {"inputs": image.recipe["inputs"] | {"content": content}}
        Path("cat.png").unlink(missing_ok=True)
        with pytest.raises(InputError, match="missing"):
            reproduce(replace(image, recipe=recipe))


def test_without_a_recipe(folder: Path):
    with pytest.raises(ImpastoError, match=r"cat\.png has no recipe"):
        reproduce("cat.png")
