"""The Dream tab: a photo with what a network sees in it."""

from pathlib import Path
from typing import Any

import gradio as gr

from impasto.errors import SettingError
from impasto.methods.deepdream import DeepDreamSettings
from impasto.nn.efficientnet_lite import class_names
from impasto.studio.cards import card, cards, chosen
from impasto.studio.easel import Commission, Easel
from impasto.studio.forms import Form, typed
from impasto.studio.photo import Photo, offer_examples
from impasto.studio.pictures import bundled_url
from impasto.studio.visitors import Visitor, Visitors
from impasto.verbs.tasks import DreamTask

LAYERS_FOLDER = Path(__file__).parent / "layers"
LAYERS = {
    "relu2_2": "Pebbles",
    "relu3_1": "Ripples",
    "relu3_3": "Feathers",
    "relu4_1": "Spirals",
    "relu4_2": "Eyes",
    "relu4_3": "Faces",
    "relu5_1": "Animals",
    "relu5_3": "Creatures",
}
"""Layers to choose from, shallow to deep, and what they are called; `tools/make_studio_pictures.py` shows them."""
ASKED = ("size", "layers", "dream_of", "colors")
UNASKED = ("device", "precision", "network", "layer_weights")
"""Settings that the page asks for itself, and that it does not ask for: others' networks, and what they need."""


class DreamTab:
    """The tab; builds its controls where it is made.

    Args:
        visitors: Who dreams.
    """

    def __init__(self, visitors: Visitors) -> None:
        with gr.Row(elem_classes="studio"):
            with gr.Column(scale=4, min_width=320):
                self.photo = Photo(visitors, "dream content", "Your photo")
                offer_examples(self.photo, visitors)
                self.layers = cards(
                    "What to dream of; nothing ticked is a bit of everything",
                    [
                        card(layer, title, bundled_url(LAYERS_FOLDER / f"{layer}.jpg"))
                        for layer, title in LAYERS.items()
                    ],
                )
            with gr.Column(scale=6, min_width=320):
                with gr.Row():
                    self.dream_of = gr.Dropdown(
                        ["", *sorted(class_names())], value="", label="Or one thing by its name", filterable=True
                    )
                    self.size = gr.Textbox(
                        label="Size", info="longest side in pixels", placeholder="as the photo", max_lines=1
                    )
                self.colors = gr.Radio(
                    [("Along the photo's", "palette"), ("Free", "free"), ("Unchanged", "luminance")],
                    value="palette",
                    label="Colours",
                )
                self.button = gr.Button("Dream", variant="primary", size="lg")
                self.easel = Easel(visitors, "dream", "Your dream appears here.")
        with gr.Accordion("A picture to dream of", open=False):
            self.guide = Photo(visitors, "dream guide", "Guide", height=200)
        with gr.Accordion("More settings", open=False):
            self.form = Form(DeepDreamSettings(), (*ASKED, *UNASKED))
        inputs = [self.layers, self.dream_of, self.size, self.colors, *self.form.controls.values()]
        self.easel.paints(self.button, inputs, self._commission)

    def _commission(
        self, visitor: Visitor, picked: object, dream_of: str, size: str, colors: str, *values: Any
    ) -> Commission:
        """Return what the page asks for."""
        photo, guide = self.photo.needed(visitor), self.guide.of(visitor)
        weights = chosen(picked, LAYERS)
        if guide is not None and dream_of:
            raise SettingError("there are a guide and a name to dream of; take one of them away")
        if weights and dream_of:
            raise SettingError("pictures are ticked and a name is chosen to dream of; take one of them away")
        settings = self.form.settings(
            values,
            layers=tuple(weights),
            layer_weights=tuple(weights.values()) if len(set(weights.values())) > 1 else (),
            dream_of=dream_of,
            size=typed("size", size, int | None),
            colors=colors,
        )

        def make() -> DreamTask:
            return DreamTask(photo.read(), settings, None if guide is None else guide.read())

        stem = photo.name.rpartition(".")[0] or photo.name
        return Commission(make, f"{stem}-dream.png")
