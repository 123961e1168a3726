"""The site is built without a warning, needs no other host, and tells what the code says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.conftest import ROOT

from impasto.methods import METHODS

LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc="([^"]*)"|<link\b[^>]*\bhref="([^"]*)"|url\(([^)]*)\)"""
)
MATH = re.compile(r"<math.*?</math>", re.S)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return folder


def test_every_method_has_a_page_with_its_networks_and_deviations(site: Path):
    for file in {method.file or method.name for method in METHODS.values()}:
        text = (site / "methods" / f"{file}.html").read_text(encoding="utf-8")
        assert "parameters" in text and "<strong>Deviations</strong>" in text and "--seed" in text, file
    assert "54,413,955" in (site / "methods" / "pix2pix.html").read_text(encoding="utf-8")


def test_formulas_need_no_script(site: Path):
    text = (site / "methods" / "adain.html").read_text(encoding="utf-8")
    assert text.count("<math") == 3 and "\\frac" not in text and "$`" not in text


def test_every_command_of_a_formula_is_known(site: Path):
    formulas = [each for page in site.rglob("*.html") for each in MATH.findall(page.read_text(encoding="utf-8"))]
    assert len(formulas) > 50
    assert not [each for each in formulas if "\\" in each]


def test_the_house_is_drawn_as_it_is_checked(site: Path):
    drawn = (site / "pictures" / "house.svg").read_text(encoding="utf-8")
    rooms = {path.name for path in (ROOT / "src" / "impasto").iterdir() if (path / "__init__.py").exists()}
    assert rooms and rooms <= set(re.findall(r">(\w+)<", drawn))


def test_nothing_is_loaded_from_another_host(site: Path):
    for page in [*site.rglob("*.html"), *site.rglob("*.css")]:
        for found in LOADED.findall(page.read_text(encoding="utf-8")):
            target = "".join(found)
            assert not target.strip("'\"").startswith(("http", "//")), f"{page}: {target}"


def test_no_comment_that_asks_for_something_is_left(site: Path):
    for page in site.rglob("*.html"):
        assert not re.search(r"<!-- (cost|deviations|settings|help): ", page.read_text(encoding="utf-8")), page
