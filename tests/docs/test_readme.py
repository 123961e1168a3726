"""The README shows both ways to type, pictures that are there, and links that lead somewhere."""

import re
import shlex
import shutil
import sys
from pathlib import Path

from tests.docs.conftest import ROOT, blocks

README = ROOT / "README.md"


def test_there_is_something_to_type():
    assert sum(block.kind == "python" for block in blocks(README)) == 2
    typed = {shlex.split(line)[1] for block in blocks(README) if block.kind == "sh" for line in block.lines}
    assert typed >= {"stylize", "layers", "sheet", "methods"}
    assert shutil.which("impasto", path=str(Path(sys.executable).parent))


def test_pictures_and_links_are_there():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target
