"""The table of methods: every row leads to a file, and reading it costs nothing."""

import dataclasses
import subprocess
import sys

import pytest

from impasto.methods import METHODS


@pytest.mark.parametrize("name", METHODS)
def test_a_row_leads_to_its_file_and_settings(name):
    row = METHODS[name]
    assert row.name == name
    assert row.verb in ("stylize", "dream", "translate")
    assert row.url.startswith("https://")
    assert row.what and row.paper
    settings = getattr(row.load(), row.settings)
    assert dataclasses.is_dataclass(settings)
    assert settings() == settings(), "every setting has a default, and the defaults are allowed"
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings().seed = 1


def test_reading_the_table_imports_no_torch():
    code = "import sys, impasto.methods; sys.exit(int('torch' in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
