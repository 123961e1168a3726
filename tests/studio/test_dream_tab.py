"""The Dream tab in a real browser."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.studio.conftest import download, drop, enter, part, unfold

from impasto.cli import main


def test_a_dream_is_the_file_that_the_command_line_writes(
    visit: Callable[..., Any], folder: Path, one_thread: None
) -> None:
    panel = part(visit(tab="Dream"), "Dream")
    drop(panel, folder / "cat.png")
    panel.get_by_text("cat.png, 64 × 48 pixels").wait_for()
    panel.get_by_role("checkbox", name="Eyes").check()
    panel.get_by_role("button", name="A picture to dream of").click()
    drop(panel, folder / "poppies.png", place=1)
    panel.get_by_text("poppies.png, ").wait_for()
    unfold(panel, "More settings")
    enter(panel.get_by_label(re.compile(r"^\s*Octaves")), "2")
    enter(panel.get_by_label(re.compile(r"^\s*Steps")), "4")
    panel.get_by_role("button", name="Dream", exact=True).click()
    panel.locator(".pair").wait_for()
    got = download(panel, folder / "got.png")
    words = ["--layers", "relu4_2", "--guide", "poppies.png", "--octaves", "2", "--steps", "4"]
    assert main(["dream", "cat.png", *words, "-o", "x.png"]) == 0
    assert got.read_bytes() == (folder / "x.png").read_bytes()


def test_a_class_by_its_name_and_ticked_pictures_are_one_too_many(visit: Callable[..., Any], folder: Path) -> None:
    panel = part(visit(tab="Dream"), "Dream")
    drop(panel, folder / "cat.png")
    panel.get_by_text("cat.png, 64 × 48 pixels").wait_for()
    panel.get_by_role("checkbox", name="Eyes").check()
    field = panel.get_by_label("Or one thing by its name")
    field.click()
    field.press_sequentially("golden retriever")
    panel.get_by_role("option", name="golden retriever").click()
    panel.get_by_role("button", name="Dream", exact=True).click()
    panel.get_by_role("alert").filter(has_text="take one of them away").wait_for()
