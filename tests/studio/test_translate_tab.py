"""The Translate tab in a real browser: pictures and drawn label maps become what the command line makes of them."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from tests.studio.conftest import Start, download, drop, enter, part, unfold

from impasto.cli import main
from impasto.image.labels import read_labels
from impasto.methods import pix2pix, spade, stargan
from impasto.methods.pix2pix import Pix2PixSettings
from impasto.methods.spade import SpadeSettings
from impasto.methods.stargan import StarganSettings
from impasto.weights.model import write_model

ROOT = Path(__file__).parents[2]
SIDE = 128
"""Of the paper: the size of SPADE's crops."""
PALETTE = (("road", "#804080"), ("sky", "#4682b4"), ("tree", "#6b8e23"))


def write_models(folder: Path) -> None:
    """Write networks of few channels, untrained: what they make is nothing to see, but always the same."""
    torch.manual_seed(0)
    pairs = Pix2PixSettings(base_channels=4, num_downs=5, crop_size=32, load_size=32)
    write_model(folder / "facades.safetensors", pix2pix.generator_of(pairs).state_dict(), pix2pix.card_of(pairs))
    maps = SpadeSettings(classes=3, base_channels=4, crop_size=SIDE, load_size=SIDE)
    card = replace(spade.card_of(maps), palette=PALETTE)
    write_model(folder / "streets.safetensors", spade.generator_of(maps).state_dict(), card)
    weather = StarganSettings(domains=("Rain|Shine",), base_channels=4, num_blocks=1)
    write_model(
        folder / "weather.safetensors", stargan.generator_of(weather).state_dict(), stargan.card_of(weather)
    )


@pytest.fixture(scope="module")
def own(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A studio in a folder with models, and that folder, which is the current one."""
    folder, before = tmp_path_factory.mktemp("models"), Path.cwd()
    write_models(folder)
    for name, size in (("cat", (64, 32)), ("dogs", (32, 32))):
        with PIL.Image.open(ROOT / "examples" / "photos" / f"{name}.jpg") as image:
            image.resize(size).save(folder / f"{name}.png")
    address = start(cwd=folder)[1]
    os.chdir(folder)
    yield address, folder
    os.chdir(before)


@pytest.fixture
def studio(own: tuple[str, Path]) -> str:
    return own[0]


@pytest.fixture
def panel(visit: Callable[..., Any], one_thread: None) -> Any:
    return part(visit(tab="Translate"), "Translate")


def choose(panel: Any, name: str, label: str = "Model") -> None:
    panel.get_by_label(label, exact=True).click()
    panel.get_by_role("option", name=name).click()


def translate(panel: Any) -> None:
    panel.get_by_role("button", name="Translate", exact=True).click()


def stroke(panel: Any, name: str, down: float) -> None:
    """Draw a line across the paper in a class' colour."""
    panel.get_by_role("radio", name=name).check()
    canvas, mouse = panel.locator("canvas"), panel.page.mouse
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    mouse.move(box["x"] + 4, box["y"] + down * box["height"])
    mouse.down()
    mouse.move(box["x"] + box["width"] - 4, box["y"] + down * box["height"], steps=3)
    mouse.up()


def fill(panel: Any, name: str, down: float) -> None:
    """Fill what is at a height of the paper with a class' colour."""
    panel.get_by_role("radio", name=name).check()
    panel.get_by_role("radio", name="Fill").check()
    box = panel.locator("canvas").bounding_box()
    panel.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + down * box["height"])
    panel.get_by_role("radio", name="Brush").check()


def save(panel: Any, name: str) -> Path:
    """Save one of the files that belong to a picture."""
    with panel.page.expect_download() as expected:
        panel.locator(f"a[download='{name}']").first.click()
    expected.value.save_as(name)
    return Path(name)


def test_a_picture_is_the_file_that_the_command_line_writes(panel: Any) -> None:
    choose(panel, "facades.safetensors")
    panel.get_by_text("pix2pix: turns pictures into others").wait_for()
    drop(panel, Path("cat.png"), place=1)
    panel.get_by_text("cat.png, 64 × 32 pixels").wait_for()
    unfold(panel, "More settings")
    enter(panel.get_by_label("Seed"), "3")
    translate(panel)
    panel.locator(".pair").wait_for()
    got = download(panel, Path("got.png"))
    assert main(["translate", "facades.safetensors", "cat.png", "--seed", "3", "-o", "x.png"]) == 0
    assert got.read_bytes() == Path("x.png").read_bytes()


def test_several_pictures_are_several_files(panel: Any) -> None:
    choose(panel, "weather.safetensors")
    choose(panel, "Shine", "Turn it into")
    panel.page.keyboard.press("Escape")
    panel.locator("input[type=file]").nth(1).set_input_files(["cat.png", "dogs.png"])
    panel.get_by_text("cat.png, 64 × 32 pixels; dogs.png, 32 × 32 pixels").wait_for()
    translate(panel)
    panel.locator(".pair").wait_for()
    for name in ("cat", "dogs"):
        got = save(panel, f"{name}-weather-Shine.png")
        assert main(["translate", "weather.safetensors", f"{name}.png", "--to", "Shine", "-o", "x.png"]) == 0
        assert got.read_bytes() == Path("x.png").read_bytes()


def test_a_drawn_label_map_is_rendered_as_the_command_line_renders_it(panel: Any) -> None:
    choose(panel, "streets.safetensors")
    stroke(panel, "sky", 0.5)
    fill(panel, "tree", 0.1)
    fill(panel, "sky", 0.9)
    panel.get_by_role("button", name="Undo").click()
    translate(panel)
    panel.locator(".pair").wait_for()
    got, drawn = download(panel, Path("got.png")), save(panel, "map.png")
    ids = read_labels(drawn).pixels[..., 0]
    assert ids.shape == (SIDE, SIDE)
    assert (ids[0] == 2).all() and (ids[SIDE // 2, 8:-8] == 1).all() and (ids[-1] == 0).all()
    assert main(["translate", "streets.safetensors", "map.png", "-o", "x.png"]) == 0
    assert got.read_bytes() == Path("x.png").read_bytes()

    # picked, and loaded again: the same map
    panel.get_by_role("radio", name="Pick a colour").check()
    box = panel.locator("canvas").bounding_box()
    panel.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.1)
    assert panel.get_by_role("radio", name="tree").is_checked()
    panel.get_by_role("button", name="Clear").last.click()
    drop(panel, drawn, place=2)
    panel.get_by_text("map.png lies on the paper").wait_for()
    enter(panel.get_by_label("Edits of objects"), "relabel 60,4 0")
    translate(panel)
    panel.get_by_role("button", name="Download").wait_for(state="hidden")
    got = download(panel, Path("edited.png"))
    assert main(["edit", "streets.safetensors", "map.png", "--edit", "relabel 60,4 0", "-o", "x.png"]) == 0
    assert np.array_equal(PIL.Image.open(got), PIL.Image.open("x.png"))


def test_a_model_of_ones_own_is_chosen_and_its_recipe_calls_it_by_its_name(panel: Any) -> None:
    shutil.copyfile("facades.safetensors", ".mine.safetensors")
    panel.locator("input[type=file]").nth(0).set_input_files(
        {"name": "mine.safetensors", "mimeType": "", "buffer": Path(".mine.safetensors").read_bytes()}
    )
    panel.get_by_text("pix2pix: turns pictures into others").wait_for()
    drop(panel, Path("dogs.png"), place=1)
    panel.get_by_text("dogs.png, 32 × 32 pixels").wait_for()
    translate(panel)
    panel.locator(".pair").wait_for()
    got = download(panel, Path("got.png"))
    shutil.copyfile("facades.safetensors", "mine.safetensors")
    assert main(["translate", "mine.safetensors", "dogs.png", "-o", "x.png"]) == 0
    Path("mine.safetensors").unlink()
    assert got.read_bytes() == Path("x.png").read_bytes()


def test_what_is_no_model_gets_one_line(panel: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_text("a network")
    drop(panel, tmp_path / "broken.safetensors")
    said = panel.get_by_role("alert").filter(has_text="broken.safetensors").inner_text()
    assert said.startswith("broken.safetensors is damaged, or no model file") and "\n" not in said
    translate(panel)
    assert panel.get_by_text(re.compile("^no model is chosen; choose one")).inner_text()
