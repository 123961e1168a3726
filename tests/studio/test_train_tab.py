"""The Train tab in a real browser: a training that outlives its page, is watched, stopped and gone on with."""

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from tests.studio.conftest import Start, drop, enter, part, unfold

from impasto.training import background

TINY = {
    "Crop size": 32, "Load size": 32, "Base channels": 4, "Num downs": 5, "Num layers": 1, "Epochs": 100_000,
    "Evaluate every": 100,
}  # fmt: skip


def write_pairs(folder: Path) -> None:
    """Write pictures side by side: noise, and the same in other colours."""
    (folder / "train").mkdir(parents=True)
    for number in range(8):
        noise = np.random.default_rng(number).integers(0, 256, (32, 32, 3), np.uint8)
        PIL.Image.fromarray(np.concatenate([noise, 255 - noise], axis=1)).save(folder / "train" / f"{number}.png")


@pytest.fixture(scope="module")
def own(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A studio in a folder with pairs, and that folder; no training is left behind."""
    folder = tmp_path_factory.mktemp("trainings")
    write_pairs(folder / "facades")
    yield start(cwd=folder)[1], folder
    for run in folder.glob("runs/*"):
        background.stop(run)


@pytest.fixture
def studio(own: tuple[str, Path]) -> str:
    return own[0]


def choose(panel: Any, label: str, name: str) -> None:
    panel.get_by_label(label, exact=True).click()
    panel.get_by_role("option", name=name).click()


STEP = "+document.querySelector('#train .status').innerText.match(/step ([\\d,]+)/)[1].replaceAll(',', '')"
"""The step that the page tells."""


def wait_beyond(page: Any, step: int) -> None:
    page.wait_for_function(f"step => {STEP} > step", arg=step)


def test_a_training_outlives_its_page_stops_and_goes_on(visit: Callable[..., Any], own: tuple[str, Path]) -> None:
    page = visit(tab="Train")
    panel = part(page, "Train")
    unfold(panel, "Start a training")
    choose(panel, "Data", "facades")
    unfold(panel, "Settings of the method")
    for label, value in TINY.items():
        enter(panel.get_by_label(label, exact=True), str(value))
    assert panel.get_by_role("button", name="Start the training").count() == 0
    panel.get_by_role("button", name="Let the doctor look").click()
    panel.get_by_text("pairs: 8 train; sizes: 8 of 64x32").wait_for()
    enter(panel.get_by_label("Name of the run"), "first")
    panel.get_by_role("button", name="Start the training").click()
    panel.get_by_text("first has begun").wait_for()
    run = own[1] / "runs" / "first"
    panel.get_by_text(re.compile(r"^pix2pix: step [1-9]")).wait_for()
    assert background.is_running(run)

    page.reload()
    page.get_by_role("tab", name="Train").click()
    panel.get_by_text(re.compile(r"^pix2pix: step [1-9]")).wait_for()
    before = page.evaluate(STEP)
    panel.get_by_text(re.compile("Fixed samples at step")).wait_for()
    assert panel.get_by_role("img", name=re.compile("^Held out total: from")).count() == 1
    page.wait_for_function(
        "s => +document.querySelector('#train .status').innerText.match(/step ([\\d,]+)/)[1].replace(',', '') > s",
        arg=before,
    )
    panel.get_by_text(re.compile("left$")).wait_for()

    panel.get_by_role("button", name="Stop, and keep what is learnt").click()
    panel.get_by_text(re.compile("^Stopped. pix2pix: step")).wait_for()
    assert not background.is_running(run) and (run / "checkpoints" / "last.safetensors").is_file()
    saved = json.loads((run / "state.json").read_text())["step"]
    assert saved >= 100

    panel.get_by_role("button", name="Go on").click()
    panel.get_by_text(re.compile(r"^pix2pix: step [1-9]")).wait_for()
    page.wait_for_function(
        "s => +document.querySelector('#train .status').innerText.match(/step ([\\d,]+)/)[1].replace(',', '') > s",
        arg=saved,
    )
    panel.get_by_role("button", name="Stop, and keep what is learnt").click()
    panel.get_by_text(re.compile("^Stopped. pix2pix: step")).wait_for()
    steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(steps)


def test_a_data_set_is_dropped_as_a_zip_and_the_doctor_says_what_is_wrong(
    visit: Callable[..., Any], own: tuple[str, Path], tmp_path: Path
) -> None:
    panel = part(visit(tab="Train"), "Train")
    unfold(panel, "Start a training")
    write_pairs(tmp_path / "streets")
    (tmp_path / "streets" / "train" / "3.png").write_text("a street")
    with zipfile.ZipFile(tmp_path / "streets.zip", "w") as packed:
        for path in sorted((tmp_path / "streets").rglob("*.*")):
            packed.write(path, path.relative_to(tmp_path))
        packed.writestr("../../escape.png", b"")
        packed.writestr("streets/run.sh", b"true")
    drop(panel, tmp_path / "streets.zip")
    panel.get_by_text("streets: 8 files; choose it below").wait_for()
    kept = own[1] / "data" / "streets"
    assert sorted(path.name for path in kept.rglob("*.*")) == [f"{number}.png" for number in range(8)]
    choose(panel, "Data", "data/streets")
    panel.get_by_role("button", name="Let the doctor look").click()
    panel.locator(".report .mistake").filter(has_text="train/3.png").wait_for()


def test_what_is_no_zip_is_refused_in_one_line(
    visit: Callable[..., Any], own: tuple[str, Path], tmp_path: Path
) -> None:
    panel = part(visit(tab="Train"), "Train")
    unfold(panel, "Start a training")
    (tmp_path / "broken.zip").write_bytes(b"PK\3\4")
    drop(panel, tmp_path / "broken.zip")
    assert "\n" not in panel.get_by_role("alert").filter(has_text="that is no ZIP").inner_text()
    assert not (own[1] / "data" / "broken").exists()
