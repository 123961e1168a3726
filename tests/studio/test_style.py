"""The Style tab in a real browser: what it paints is what the command line paints, to the byte."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.studio.conftest import download, drop, enter, part, unfold

import impasto
from impasto.cli import main
from impasto.image.io import read_recipe

ROOT = Path(__file__).parents[2]
WAVE = str(ROOT / "examples" / "paintings" / "great_wave.jpg")
AUVERS = str(ROOT / "examples" / "paintings" / "auvers.jpg")
Visit = Callable[..., Any]


@pytest.fixture
def style(visit: Visit, folder: Path, one_thread: None) -> Any:
    """The Style tab, with a photo dropped."""
    panel = part(visit(), "Style")
    drop(panel, folder / "cat.png")
    panel.get_by_text("cat.png, 64 × 48 pixels").wait_for()
    return panel


def paint(panel: Any) -> None:
    panel.get_by_role("button", name="Paint", exact=True).click()


def set_steps(panel: Any, steps: int) -> None:
    panel.get_by_text("Fine, in minutes").click()
    unfold(panel, "More settings")
    enter(panel.get_by_label(re.compile("^Steps")), str(steps))


def test_a_draft_is_the_file_that_the_command_line_writes(style: Any, folder: Path) -> None:
    enter(style.get_by_label("Strength").first, "0.8")
    paint(style)
    style.locator(".pair").wait_for()
    got = download(style, folder / "got.png")
    assert (
        main(["stylize", "cat.png", "-s", WAVE, "--method", "prediction", "--strength", "0.8", "-o", "x.png"]) == 0
    )
    assert got.read_bytes() == (folder / "x.png").read_bytes()


def test_fine_is_seen_on_the_way_and_ends_as_on_the_command_line(
    style: Any, folder: Path, held: Callable[[], None]
) -> None:
    set_steps(style, 12)
    paint(style)
    style.locator("img.live").wait_for()
    style.get_by_text(re.compile(r"Step \d+ of 12, .* left")).wait_for()
    held()
    style.locator(".pair").wait_for()
    got = download(style, folder / "got.png")
    assert main(["stylize", "cat.png", "-s", WAVE, "--init", "draft", "--steps", "12", "-o", "x.png"]) == 0
    assert got.read_bytes() == (folder / "x.png").read_bytes()


def test_stopping_keeps_the_picture_so_far(style: Any, folder: Path, held: Callable[[], None]) -> None:
    set_steps(style, 100_000)
    paint(style)
    style.get_by_text(re.compile(r"Step [1-9]\d* of")).wait_for()
    style.get_by_role("button", name="Stop").click()
    style.get_by_text(re.compile("stopped at step")).wait_for()
    got = download(style, folder / "got.png")
    recipe = read_recipe(got)
    assert recipe is not None and recipe["interrupted"]["of"] == 100_000
    assert impasto.reproduce(got).identical


def test_each_region_is_painted_after_its_own_painting(style: Any, folder: Path) -> None:
    style.get_by_role("checkbox", name="Auvers").check()
    unfold(style, "A painting for each part")
    canvas = style.locator("canvas")
    style.get_by_text("great_wave.jpg", exact=True).wait_for()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    for name, across in (("great_wave.jpg", 0.2), ("auvers.jpg", 0.8)):
        style.get_by_role("radio", name=name).check()
        mouse = style.page.mouse
        mouse.move(box["x"] + across * box["width"], box["y"] + 4)
        mouse.down()
        mouse.move(box["x"] + across * box["width"], box["y"] + box["height"] - 4, steps=3)
        mouse.up()
    paint(style)
    style.locator(".pair").wait_for()
    got = download(style, folder / "got.png")
    for name in ("great_wave", "auvers"):
        with style.page.expect_download() as expected:
            style.get_by_role("link", name=re.compile(f"mask-{name}")).or_(
                style.locator(f"a[download='mask-{name}.png']")
            ).first.click()
        expected.value.save_as(folder / f"mask-{name}.png")
    recipe = read_recipe(got)
    assert recipe is not None
    order = [each["name"].removesuffix(".jpg") for each in recipe["inputs"]["style"]]
    assert sorted(order) == ["auvers", "great_wave"]
    styles = [str(ROOT / "examples" / "paintings" / f"{name}.jpg") for name in order]
    masks = [f"mask-{name}.png" for name in order]
    words = ["stylize", "cat.png", "-s", *styles, "--masks", *masks, "--method", "prediction", "-o", "x.png"]
    assert main(words) == 0
    assert got.read_bytes() == (folder / "x.png").read_bytes()


def test_paintings_of_ones_own_are_chosen_with_the_others(style: Any, folder: Path) -> None:
    drop(style, folder / "poppies.png", place=-1)
    style.get_by_role("checkbox", name="poppies.png").wait_for()
    assert style.get_by_role("checkbox", name="poppies.png").is_checked()
    enter(style.get_by_label("How much of poppies.png"), "0.5")
    paint(style)
    style.locator(".pair").wait_for()
    recipe = read_recipe(download(style, folder / "got.png"))
    assert recipe is not None
    assert [each["name"] for each in recipe["inputs"]["style"]] == ["great_wave.jpg", "poppies.png"]
    assert recipe["settings"]["style_blend"] == [1, 0.5]


def test_what_is_no_picture_gets_one_line(visit: Visit, tmp_path: Path) -> None:
    panel = part(visit(), "Style")
    (tmp_path / "cat.png").write_text("a cat")
    drop(panel, tmp_path / "cat.png")
    said = panel.get_by_role("alert").filter(has_text="cat.png").inner_text()
    assert said.startswith("cat.png is not a picture that can be read; allowed are PNG")
    assert "\n" not in said


def test_two_visitors_do_not_see_each_others_pictures(style: Any, visit: Visit, studio: str) -> None:
    other = part(visit(), "Style")
    paint(style)
    style.locator(".pair").wait_for()
    paint(other)
    other.get_by_text("there is no photo yet").wait_for()
    assert other.locator(".pair").count() == 0
    assert other.get_by_text("cat.png").count() == 0


def test_keys_alone_run_the_tab(visit: Visit, folder: Path) -> None:
    page = visit()
    panel = part(page, "Style")

    def go_to(role: str, name: str) -> None:
        wanted = panel.get_by_role(role, name=name, exact=True)
        for _ in range(80):
            page.keyboard.press("Tab")
            if wanted.evaluate("each => each === document.activeElement"):
                return
        raise AssertionError(f"the {role} {name} is not reached by Tab")

    go_to("radio", "Astronaut")
    page.keyboard.press("ArrowRight")
    panel.get_by_text("cat.jpg, ").wait_for()
    go_to("checkbox", "Auvers")
    page.keyboard.press("Space")
    go_to("button", "Paint")
    page.keyboard.press("Enter")
    panel.locator(".pair").wait_for()
    go_to("slider", "How much of the photo is shown before the painted picture")
    page.keyboard.press("End")
    assert "100%" in (panel.locator(".pair").get_attribute("style") or "")
    go_to("button", "Download")
    with page.expect_download() as expected:
        page.keyboard.press("Enter")
    expected.value.save_as(folder / "got.png")
    recipe = read_recipe(folder / "got.png")
    assert recipe is not None and recipe["inputs"]["content"]["name"] == "cat.jpg"


@pytest.mark.parametrize("tab", ["Style", "Dream", "Translate", "Train"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious(visit: Visit, tab: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = visit(width, tab)
    panel = part(page, tab)
    if tab in ("Style", "Dream"):
        unfold(panel, "More settings")
        panel.get_by_label("Seed").wait_for()
    found = Axe().run(page).response["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not serious, json.dumps([(each["id"], each["nodes"][0]["html"]) for each in serious], indent=1)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
