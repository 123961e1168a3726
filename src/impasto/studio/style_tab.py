"""The Style tab: a photo painted after paintings."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from impasto.errors import ImpastoError, SettingError
from impasto.methods import METHODS
from impasto.methods.gatys import STARTS, GatysSettings
from impasto.nn.one_pass import OnePassSettings
from impasto.studio.cards import card, cards, chosen
from impasto.studio.easel import Commission, Easel, told
from impasto.studio.forms import Form, typed
from impasto.studio.photo import Photo, offer_examples, titled
from impasto.studio.pictures import SMALL, bundled_url, files_drop, picture_url
from impasto.studio.regions import Regions
from impasto.studio.visitors import Upload, Visitor, Visitors
from impasto.verbs.demo import PAINTING, examples_folder
from impasto.verbs.stylize import DRAFTED_BY, StylizeSettings
from impasto.verbs.tasks import StylizeTask

FINE = "gatys"
DRAFTERS = [name for name, row in METHODS.items() if row.one_pass and not row.named_styles]
"""Methods that paint in one pass after any painting."""
MOST_OWN = 24
"""Most paintings of one's own."""
ASKED = ("size", "style_blend", "colors")
UNASKED = ("model", "runtime", "device", "network", "style_strengths")
"""Settings that the page asks for itself, and that it does not ask for: files and networks of others."""


def bundled_paintings() -> dict[str, Upload]:
    """Return the paintings that come along, by card."""
    paths = sorted((examples_folder() / "paintings").glob("*.jpg"))
    return {path.name: Upload(path, path.name) for path in paths}


class StyleTab:
    """The tab; builds its controls where it is made.

    Args:
        visitors: Who paints.
    """

    def __init__(self, visitors: Visitors) -> None:
        self.visitors, self.bundled = visitors, bundled_paintings()
        with gr.Row(elem_classes="studio"):
            with gr.Column(scale=4, min_width=320):
                self.photo = Photo(visitors, "style content", "Your photo")
                offer_examples(self.photo, visitors)
                first = PAINTING.rpartition("/")[2]
                self.paintings = cards(
                    "Paint it after",
                    [card(name, titled(each.path), bundled_url(each.path)) for name, each in self.bundled.items()],
                    [first],
                )
                self.own = files_drop("Paintings of your own", height=160)
                self.own_said = gr.HTML(value="", js_on_load=None, elem_classes="said")
            with gr.Column(scale=6, min_width=320):
                self.quality = gr.Radio(
                    [("Draft, at once", "draft"), ("Fine, in minutes", "fine")], value="draft", label="How"
                )
                with gr.Row():
                    self.strength = gr.Slider(0.05, 1, 1, step=0.05, label="Strength")
                    self.size = gr.Textbox(
                        label="Size", info="longest side in pixels", placeholder="as the photo", max_lines=1
                    )
                self.colors = gr.Checkbox(False, label="Keep the photo's colours")
                self.button = gr.Button("Paint", variant="primary", size="lg")
                self.easel = Easel(visitors, "style", "Your picture appears here.")
        with gr.Accordion("A painting for each part of the photo", open=False):
            self.regions = Regions(visitors, self.photo, self.paintings, self.known)
        with gr.Accordion("More settings", open=False), gr.Row():
            with gr.Column():
                gr.HTML("<h2>Draft</h2>", js_on_load=None)
                self.drafter = gr.Dropdown(DRAFTERS, value=DRAFTED_BY, label="Method")
                self.draft = Form(OnePassSettings(), (*ASKED, *UNASKED, "strength"))
            with gr.Column():
                gr.HTML("<h2>Fine</h2>", js_on_load=None)
                self.fine = Form(GatysSettings(init="draft"), (*ASKED, *UNASKED, "style_weight"), {"init": STARTS})
        self._wire()

    def known(self, visitor: Visitor) -> Mapping[str, Upload]:
        """Return the paintings that a visitor may choose, by card."""
        return self.bundled | visitor.own

    def _wire(self) -> None:
        self.own.upload(
            self._add,
            self.own,
            [self.own, self.paintings, self.own_said],
            show_progress="hidden",
            concurrency_limit=1,
            concurrency_id="reading",
            api_visibility="private",
        )
        inputs = [self.paintings, self.quality, self.strength, self.size, self.colors, self.regions.paper]
        forms = [self.drafter, *self.draft.controls.values(), *self.fine.controls.values()]
        self.easel.paints(self.button, [*inputs, *forms], self._commission)

    def _add(self, given: list[dict[str, str]], request: gr.Request) -> tuple[Any, Any, str]:
        """Show paintings of a visitor's own among the others, chosen."""
        visitor, mistakes = self.visitors.of(request.session_hash), list[str]()
        for each in given:
            try:
                if len(visitor.own) >= MOST_OWN:
                    raise SettingError(f"there are {MOST_OWN} paintings of your own already; reload the page")
                upload, image = visitor.keep(each["path"], each["name"])
            except ImpastoError as error:
                mistakes.append(str(error))
                continue
            key = f"own {len(visitor.own)}"
            visitor.own[key] = upload
            visitor.cards.append(card(key, upload.name, picture_url(image, SMALL)))
        said = told("; ".join(mistakes), mistake=True) if mistakes else ""
        bundled = [card(name, titled(each.path), bundled_url(each.path)) for name, each in self.bundled.items()]
        return None, gr.update(cards=[*bundled, *visitor.cards]), said

    def _commission(
        self,
        visitor: Visitor,
        picked: object,
        quality: str,
        strength: float,
        size: str,
        keep_colors: bool,
        drawn: object,
        drafter: str,
        *values: Any,
    ) -> Commission:
        """Return what the page asks for."""
        photo, known = self.photo.needed(visitor), self.known(visitor)
        weights = chosen(picked, known)
        if not weights:
            raise SettingError("no painting is chosen; tick one, or drop one of your own")
        paintings = [known[key] for key in weights]
        blend = tuple(weights.values()) if len(set(weights.values())) > 1 else ()
        shared: dict[str, Any] = {
            "size": typed("size", size, int | None),
            "style_blend": blend,
            "colors": "luminance" if keep_colors else "style",
        }
        strength, drafted = typed("strength", strength, float), len(self.draft.controls)
        settings: StylizeSettings
        if quality == "fine":
            settings = self.fine.settings(
                values[drafted:], style_weight=strength * self.fine.usual.style_weight, **shared
            )
        else:
            settings = self.draft.settings(values[:drafted], strength=strength, **shared)
        settings.blend_shares(len(paintings))
        masks = self.regions.masks(visitor, drawn, picked)

        def make() -> StylizeTask:
            return StylizeTask(
                photo.read(),
                [each.read() for each in paintings],
                settings,
                FINE if quality == "fine" else drafter,
                [mask.read() for mask in masks],
            )

        stems = [each.name.rpartition(".")[0] or each.name for each in (photo, *paintings)]
        return Commission(make, f"{'-'.join(stems)}.png", [mask.path for mask in masks])
