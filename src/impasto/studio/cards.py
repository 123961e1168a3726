"""Pictures to choose from: cards with a box to tick, and how much each one counts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import gradio as gr

_HERE = Path(__file__).parent


def cards(
    label: str,
    shown: Sequence[Mapping[str, str]],
    chosen: Sequence[str] = (),
    choose: Literal["one", "several"] = "several",
    **looks: Any,
) -> gr.HTML:
    """Return cards with pictures, whose value is how much each chosen one counts: `{"great_wave.jpg": 1.0}`.

    Args:
        label: What is chosen.
        shown: The cards; its property `cards` can be updated.
        chosen: Keys of those chosen at first.
        choose: Whether `several` may be chosen, each with a slider, or `one`.
        **looks: Of `gr.HTML`.
    """
    return gr.HTML(
        value=dict.fromkeys(chosen, 1.0),
        label=label,
        html_template='<fieldset class="cards"><legend>${label}</legend><div class="row"></div></fieldset>',
        js_on_load=(_HERE / "cards.js").read_text(),
        cards=list(shown),
        choose=choose,
        **looks,
    )


def card(key: str, title: str, picture: str) -> dict[str, str]:
    """Return a card: its key, its title, and a URL that holds its picture."""
    return {"key": key, "title": title, "picture": picture}


def chosen(value: object, known: Mapping[str, Any]) -> dict[str, float]:
    """Return what is chosen, whatever a browser may have sent.

    Args:
        value: Of `cards`.
        known: What may be chosen, by key.
    """
    if not isinstance(value, Mapping):
        return {}
    return {
        key: float(weight)
        for key, weight in value.items()
        if key in known and isinstance(weight, int | float) and not isinstance(weight, bool)
    }
