"""What the studio is tested with: the command itself on a free port, and a real Chromium without a window."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 90
"""Seconds until something is given up that takes a few: other work may be going on."""

Start = Callable[..., tuple[subprocess.Popen[str], str]]


def chromium() -> str:
    """Return where Chromium is, installed first where that is possible; without it the tests are skipped."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        for words in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", "--quiet", *words], check=False, capture_output=True, timeout=600)
        found = shutil.which("chromium")
    if found is None:
        reason = "there is no Chromium and none can be installed; install the package chromium"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def hold_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """While this file exists, jobs of every studio wait at their second step."""
    return tmp_path_factory.mktemp("hold") / "hold"


@pytest.fixture
def held(hold_file: Path) -> Iterator[Callable[[], None]]:
    """Hold every job at its second step; call it to let them go on, which they do at the end in any case."""
    hold_file.touch()
    yield hold_file.unlink
    hold_file.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def start(hold_file: Path) -> Iterator[Start]:
    """Start studios; they end with the tests."""
    started: list[subprocess.Popen[str]] = []
    command = [sys.executable, str(Path(__file__).with_name("held_studio.py")), str(hold_file)]

    def run(*words: str, cwd: Path | None = None) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [*command, "studio", "--port", "0", "--json", *words],
            stdout=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        started.append(process)
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())["address"]

    yield run
    for process in started:
        process.send_signal(signal.SIGINT)
    for process in started:
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="session")
def studio(start: Start, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a studio."""
    return start(cwd=tmp_path_factory.mktemp("studio"))[1]


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Chromium, closed before other rooms' tests, which may need the event loop that its driver holds."""
    from playwright.sync_api import sync_playwright

    path = chromium()
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Any, studio: str) -> Iterator[Callable[..., Any]]:
    """Open the studio as somebody new; nothing may be asked of any other host, and nothing may fail in the page."""
    contexts, strangers, errors = [], [], []

    def watch(request: Any) -> None:
        if not request.url.startswith((studio, "data:", "blob:")):
            strangers.append(request.url)

    def run(width: int = 1280, tab: str = "Style") -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True)
        contexts.append(context)
        context.set_default_timeout(1000 * PATIENCE)
        page = context.new_page()
        page.on("request", watch)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(studio)
        page.get_by_role("tab", name=tab).click()
        settle(page)
        return page

    yield run
    for context in contexts:
        context.close()
    assert strangers == []
    assert errors == []


def part(page: Any, name: str) -> Any:
    """Return the open tab's part that has a name."""
    return page.locator(f"#{name.lower()}")


def drop(panel: Any, path: Path, place: int = 0) -> None:
    """Give a file to one of a tab's places for files, the photo's being the first."""
    panel.locator("input[type=file]").nth(place).set_input_files(path)


def download(panel: Any, path: Path) -> Path:
    """Save the painted picture and return where it lies."""
    button = panel.get_by_role("button", name="Download")
    with panel.page.expect_download() as expected:
        button.click()
    expected.value.save_as(path)
    return path


def unfold(panel: Any, name: str) -> None:
    """Open a part of a tab, and wait until the page heeds what is in it, which is a little after it is seen."""
    panel.get_by_role("button", name=name).click()
    settle(panel.page)


def enter(field: Any, text: str) -> None:
    """Type into a field, and wait until the page knows of it."""
    field.fill(text)
    settle(field.page)


def settle(page: Any) -> None:
    """Wait until a page has done what it was about to do, however busy the machine is."""
    page.evaluate(
        """() => new Promise((done) => requestAnimationFrame(
            () => requestAnimationFrame(() => setTimeout(done, 300))))"""
    )
