"""How the page looks: calm, pictures first, in the fonts that are there."""

from pathlib import Path

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
    )
