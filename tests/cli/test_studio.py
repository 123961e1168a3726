"""`impasto studio`: refusals before anything is imported; the page itself is tested in tests/studio."""

import sys

import pytest
from tests.cli.conftest import Refused


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "::", "studio.example"])
def test_other_machines_need_a_password(refused: Refused, host: str) -> None:
    assert "add --auth USER:PASSWORD" in refused("studio", "--host", host)


def test_a_password_has_two_parts(refused: Refused) -> None:
    assert "write --auth USER:PASSWORD" in refused("studio", "--auth", "secret")


def test_ports_are_numbers_of_ports(refused: Refused) -> None:
    assert "port is 70000; allowed are whole numbers from 0 to 65535" in refused("studio", "--port", "70000")


def test_without_gradio_it_says_how_to_get_it(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert "run pip install 'impasto[studio]'" in refused("studio")
