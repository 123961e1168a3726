"""Take the documentation's pictures of the studio: every tab in a real browser, as wide as a desk's and a phone's.

    python tools/make_studio_screenshots.py FOLDER --model runs/tones --to tone5 --picture drawing.png
    python tools/make_studio_screenshots.py FOLDER --only style dream

FOLDER is where the studio is started. `--model` is one of its models or runs, as the Translate tab lists it, `--to`
what a StarGAN among them turns the picture into, `--maps` a model that paints label maps, on whose paper is drawn.
The Train tab shows the newest run. With `--only`, just these tabs are taken, at a desk's width. It needs Chromium
(Debian's package `chromium`).
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

import impasto
from impasto.image.grid import grid

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
PHOTO = ROOT / "examples" / "photos" / "pagoda.jpg"
DESK, PHONE, TALL = 1280, 390, 1100
PATIENCE = 300_000
"""Milliseconds until a picture must be painted."""


def paint_style(panel: Any, told: argparse.Namespace) -> None:
    """Paint the pavilion in one pass."""
    panel.locator("input[type=file]").first.set_input_files(PHOTO)
    panel.get_by_text("pagoda.jpg, ").wait_for()
    panel.get_by_role("button", name="Paint", exact=True).click()
    panel.locator(".pair").wait_for()


def paint_dream(panel: Any, told: argparse.Namespace) -> None:
    """Dream on it."""
    panel.locator("input[type=file]").first.set_input_files(PHOTO)
    panel.get_by_text("pagoda.jpg, ").wait_for()
    panel.get_by_role("button", name="Dream", exact=True).click()
    panel.locator(".pair").wait_for()


def translate(panel: Any, told: argparse.Namespace) -> None:
    """Translate a picture."""
    _choose(panel, "Model", told.model)
    panel.locator("input[type=file]").nth(1).set_input_files(told.picture)
    panel.get_by_text(f"{Path(told.picture).name}, ").wait_for()
    if told.to:
        _choose(panel, "Turn it into", told.to)
        panel.page.keyboard.press("Escape")
    panel.get_by_role("button", name="Translate", exact=True).click()
    panel.locator(".pair").wait_for()


def draw(panel: Any, told: argparse.Namespace) -> None:
    """Draw a label map: three bands, and have it painted."""
    _choose(panel, "Model", told.maps)
    canvas, mouse = panel.locator("canvas"), panel.page.mouse
    inks = panel.locator(".inks input")
    inks.first.wait_for()
    for ink, down in zip(range(min(3, inks.count())), (0.85, 0.5, 0.15), strict=False):
        inks.nth(ink).check()
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        for shift in (-0.12, 0.0, 0.12):
            height = box["y"] + (down + shift) * box["height"]
            mouse.move(box["x"] + 2, height)
            mouse.down()
            mouse.move(box["x"] + box["width"] - 2, height, steps=4)
            mouse.up()
    panel.get_by_role("button", name="Translate", exact=True).click()
    panel.locator(".pair").wait_for()


def watch(panel: Any, told: argparse.Namespace) -> None:
    """Watch the newest run."""
    panel.get_by_text(re.compile("Fixed samples at step")).wait_for()


def _choose(panel: Any, label: str, name: str) -> None:
    panel.get_by_label(label, exact=True).click()
    panel.get_by_role("option", name=name).first.click()
    panel.page.wait_for_timeout(1000)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the studio in a folder, and give its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "impasto", "studio", "--port", "0", "--json"],
        stdout=subprocess.PIPE, text=True, cwd=folder,
    )  # fmt: skip
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())["address"]
    process.terminate()
    process.wait(60)


def main() -> None:
    """Show every tab at both widths, and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="")
    parser.add_argument("--to", default="")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--maps", default="")
    parser.add_argument("--only", nargs="+", choices=("style", "dream", "train"), default=[])
    told = parser.parse_args()
    if not (told.only or (told.model and told.picture)):
        parser.error("the Translate tab needs --model and --picture; --only takes other tabs alone")
    shown: dict[str, tuple[str, Callable[[Any, argparse.Namespace], None]]] = {
        "style": ("Style", paint_style), "dream": ("Dream", paint_dream), "translate": ("Translate", translate),
        "train": ("Train", watch),
    }  # fmt: skip
    if told.maps:
        shown["draw"] = ("Translate", draw)
    if told.only:
        shown = {name: shown[name] for name in told.only}
    phones = []
    with served(told.folder) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (tab, act) in shown.items():
            for width in (DESK,) if told.only else (DESK, PHONE):
                page = browser.new_page(viewport={"width": width, "height": 900})
                page.set_default_timeout(PATIENCE)
                page.goto(address)
                page.get_by_role("tab", name=tab).click()
                page.wait_for_timeout(1500)
                act(page.locator(f"#{tab.lower()}"), told)
                page.wait_for_timeout(1500)
                page.mouse.move(0, 0)
                taken = impasto.read_image(page.screenshot(full_page=True))
                page.close()
                if width == PHONE:
                    phones.append(taken)
                    continue
                impasto.write_image(taken, FOLDER / f"studio_{name}.jpg", quality=80)
                print(name, taken.width, taken.height, flush=True)
        browser.close()
    if told.only:
        return
    tops = [impasto.Image(phone.pixels[:TALL]) for phone in phones]
    row = grid(tops, list(shown), columns=len(tops), longest=TALL)
    impasto.write_image(row, FOLDER / "studio_phone.jpg", quality=80)


if __name__ == "__main__":
    main()
