"""Forms say what the settings say: every control, and back again."""

from dataclasses import fields
from typing import Any

import gradio as gr
import pytest

from impasto.errors import SettingError
from impasto.methods.deepdream import DeepDreamSettings
from impasto.methods.gatys import STARTS, GatysSettings
from impasto.studio.forms import Form
from impasto.verbs.described import docstrings


@pytest.mark.parametrize("kind", [GatysSettings, DeepDreamSettings])
def test_a_form_left_alone_gives_the_usual_settings(kind: Any) -> None:
    form = Form(kind())
    assert list(form.controls) == [each.name for each in fields(kind)]
    assert form.settings([control.value for control in form.controls.values()]) == kind()


def test_docstrings_and_choices_are_those_of_the_settings() -> None:
    form = Form(GatysSettings(), choices={"init": STARTS})
    told = docstrings(GatysSettings)
    for name, control in form.controls.items():
        assert getattr(control, "info").startswith(told[name])  # noqa: B009 -- not every component has it
    pooling, init = form.controls["pooling"], form.controls["init"]
    assert isinstance(pooling, gr.Dropdown) and [value for _, value in pooling.choices] == ["max", "average"]
    assert isinstance(init, gr.Dropdown) and [value for _, value in init.choices] == list(STARTS)


def test_what_is_written_becomes_what_the_setting_is() -> None:
    form = Form(GatysSettings(), leave_out=("size", "style_weight"))
    values = {name: control.value for name, control in form.controls.items()}
    values |= {"steps": 7.0, "style_blend": "2, 1", "content_layers": "relu3_2 relu4_2"}
    settings = form.settings(list(values.values()), size=64)
    assert settings == GatysSettings(
        size=64, steps=7, style_blend=(2.0, 1.0), content_layers=("relu3_2", "relu4_2")
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("steps", "many", "steps is 'many'; write a whole number"),
        ("steps", 0, "steps is 0; allowed are whole numbers"),
        ("style_blend", "1 or 2", "write numbers with spaces between them"),
        ("pooling", "min", "choose one of max, average"),
    ],
)
def test_what_is_not_allowed_is_said_in_one_line(name: str, value: Any, said: str) -> None:
    form = Form(GatysSettings())
    values = {each: control.value for each, control in form.controls.items()} | {name: value}
    with pytest.raises(SettingError, match=said):
        form.settings(list(values.values()))
