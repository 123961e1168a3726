"""How the page looks: calm, pictures first, in the fonts that are there."""

from pathlib import Path
from typing import Literal

import gradio as gr

CSS = (Path(__file__).parent / "look.css").read_text()
FONTS = ["ui-sans-serif", "system-ui", "sans-serif"]


def theme() -> gr.themes.Base:
    """Return the colours; fonts are the machine's own, so that nothing is fetched."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.slate,
        neutral_hue=gr.themes.colors.stone,
        font=FONTS,
        font_mono=["ui-monospace", "monospace"],
        radius_size=gr.themes.sizes.radius_md,
    ).set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_700",
        block_title_text_color="*neutral_700",
        input_placeholder_color="*neutral_600",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
    )


def seen(yes: bool) -> bool | Literal["hidden"]:
    """Return what `visible` is to be of a part that comes and goes.

    It stays in the page and is only not shown: what Gradio is told of a part that is being put there may be lost.
    """
    return yes or "hidden"
