"""The Translate tab: pictures turned into others by a network that learnt how, label maps drawn in the page too."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import gradio as gr

from impasto.errors import ImpastoError, SettingError
from impasto.image.io import Image, read_image, write_image
from impasto.image.regions import visible_colors
from impasto.methods import METHODS
from impasto.nn.labelled import LabelSettings
from impasto.result import OnStep, Result, Step
from impasto.studio.easel import Commission, Easel, told
from impasto.studio.forms import Form
from impasto.studio.look import seen
from impasto.studio.map_paper import colored, drawn_map, inks_of, read_map, sheet, shrunk
from impasto.studio.paper import paper
from impasto.studio.pictures import files_drop
from impasto.studio.places import Places
from impasto.studio.visitors import Upload, Visitor, Visitors, plain_name
from impasto.verbs.label_maps import EDITS
from impasto.verbs.tasks import Task, TranslateTask
from impasto.verbs.translate import TranslateSettings, model_name
from impasto.weights.model import MODEL_SUFFIX, Card, read_card

PICTURES = "translate pictures"
MOST_PICTURES = 200
ASKED = ("to", "device", "precision")
DRAW = "Draw what is where. What you leave free is the first class. Keys: arrows move, space draws."
NO_CLASSES = "Choose a model that paints label maps first."


class TranslateTab:
    """The tab; builds its controls where it is made.

    Args:
        visitors: Who translates.
        places: Whose models may be chosen.
        tab: The tab itself.
    """

    def __init__(self, visitors: Visitors, places: Places, tab: gr.Tab) -> None:
        self.visitors, self.places = visitors, places
        with gr.Row(elem_classes="studio"):
            with gr.Column(scale=4, min_width=320):
                self.model = gr.Dropdown([], label="Model", info="a run, or a model file", value=None)
                self.card_said = gr.HTML(value="", js_on_load=None, elem_classes="said")
                self.own = files_drop(
                    "or a model of yours", file_types=[MODEL_SUFFIX], height=160, elem_id="own-model"
                )
                self.pictures = files_drop("Pictures", height=160)
                self.pictures_said = gr.HTML(value="", js_on_load=None, elem_classes="said")
            with gr.Column(scale=6, min_width=320):
                self.to = gr.Dropdown([], label="Turn it into", multiselect=True, visible=seen(False))
                self.button = gr.Button("Translate", variant="primary", size="lg")
                self.easel = Easel(visitors, "translate", "Your picture appears here.", "All files")
        with gr.Accordion("Draw a label map", open=True, visible=seen(False)) as self.desk:
            self.load = files_drop("Load a label map", height=160)
            self.load_said = gr.HTML(value="", js_on_load=None, elem_classes="said")
            self.paper = paper("A label map", DRAW, NO_CLASSES)
            told_edits = "; ".join(" ".join((name, *words)) for name, words in EDITS.items())
            self.edits = gr.Textbox(
                label="Edits of objects",
                info=f"one a line, as of impasto edit: {told_edits}. An object is a pixel of it, such as 120,45.",
                lines=3,
            )
        with gr.Accordion("More settings", open=False):
            self.form = Form(TranslateSettings(), ASKED)
        self._wire(tab)

    def _wire(self, tab: gr.Tab) -> None:
        private = {"api_visibility": "private", "show_progress": "hidden"}
        reading = {"concurrency_limit": 1, "concurrency_id": "reading", **private}
        tab.select(self._list, self.model, self.model, **private)
        chosen = [self.card_said, self.to, self.desk, self.paper]
        self.model.change(self._choose, self.model, chosen, **private)
        self.own.upload(self._take_model, self.own, [self.own, self.model, self.card_said], **reading)
        self.pictures.change(self._take, self.pictures, self.pictures_said, **reading)
        self.load.upload(self._load, [self.load, self.model], [self.load, self.load_said, self.paper], **reading)
        inputs = [self.model, self.to, self.paper, self.edits, *self.form.controls.values()]
        self.easel.paints(self.button, inputs, self._commission)

    def known(self, visitor: Visitor) -> Mapping[str, Path]:
        """Return the models that a visitor may choose, by name."""
        return self.places.models() | visitor.models

    def _list(self, chosen: str | None, request: gr.Request) -> Any:
        known = self.known(self.visitors.of(request.session_hash))
        return gr.update(choices=sorted(known), value=chosen if chosen in known else None)

    def _choose(self, name: str | None, request: gr.Request) -> tuple[Any, Any, Any, Any]:
        """Show what a model needs to be told."""
        hidden = gr.update(visible=seen(False))
        path = self.known(self.visitors.of(request.session_hash)).get(name or "")
        if path is None:
            return "", hidden, hidden, gr.skip()
        try:
            card = _translator(path)
            built = _built(card)
        except ImpastoError as error:
            return told(_named(error, path, name or ""), mistake=True), hidden, hidden, gr.skip()
        row = METHODS[card.method]
        to = gr.update(visible=seen(row.named_domains), choices=[*card.styles, "all"], value=[])
        words = told(f"{card.method}: {row.what}")
        if not isinstance(built, LabelSettings):
            return words, to, hidden, gr.update(colors=[])
        colors = inks_of(built, card.palette)
        return words, to, gr.update(visible=seen(True)), gr.update(colors=colors, picture=sheet(built))

    def _take_model(self, given: list[dict[str, str]], request: gr.Request) -> tuple[Any, Any, str]:
        """Keep a model that a visitor dropped, and choose it."""
        visitor = self.visitors.of(request.session_hash)
        for each in given:
            name = plain_name(each["name"])
            path = visitor.fresh(name)
            shutil.copyfile(each["path"], path)
            try:
                _translator(path)
            except ImpastoError as error:
                path.unlink()
                return None, gr.skip(), told(_named(error, path, name), mistake=True)
            visitor.models[name] = path
            return None, gr.update(choices=sorted(self.known(visitor)), value=name), ""
        return None, gr.skip(), ""

    def _take(self, given: list[dict[str, str]], request: gr.Request) -> str:
        """Keep the pictures that a visitor dropped, in place of those before."""
        visitor = self.visitors.of(request.session_hash)
        kept, said = list[Upload](), list[str]()
        try:
            if len(given) > MOST_PICTURES:
                raise SettingError(f"there are {len(given)} pictures; drop at most {MOST_PICTURES} at once")
            for each in given:
                upload, image = visitor.keep(each["path"], each["name"])
                kept.append(upload)
                said.append(f"{upload.name}, {image.width} × {image.height} pixels")
        except ImpastoError as error:
            visitor.several.pop(PICTURES, None)
            return told(str(error), mistake=True)
        visitor.several[PICTURES] = kept
        return told("; ".join(said)) if said else ""

    def _load(self, given: list[dict[str, str]], model: str | None, request: gr.Request) -> tuple[Any, str, Any]:
        """Lay a label map that a visitor dropped on the paper."""
        visitor = self.visitors.of(request.session_hash)
        path = self.known(visitor).get(model or "")
        built = None if path is None else _built(_translator(path))
        if not given or path is None or not isinstance(built, LabelSettings):
            return None, told(NO_CLASSES, mistake=True), gr.skip()
        try:
            upload, _ = visitor.keep(given[0]["path"], given[0]["name"])
            ids = shrunk(read_map(upload).pixels[..., 0].astype(int))
        except ImpastoError as error:
            return None, told(str(error), mistake=True), gr.skip()
        drawing = colored(ids, inks_of(built, read_card(path).palette))
        return None, told(f"{upload.name} lies on the paper"), gr.update(picture=drawing, drawing=drawing)

    def _commission(
        self,
        visitor: Visitor,
        name: str | None,
        to: Sequence[str] | None,
        drawing: object,
        edits: str,
        *values: Any,
    ) -> Commission:
        """Return what the page asks for."""
        path = self.known(visitor).get(name or "")
        if path is None or name is None:
            raise SettingError("no model is chosen; choose one, or drop one of your own")
        card, pictures = _translator(path), visitor.several.get(PICTURES, [])
        built = _built(card)
        labelled = isinstance(built, LabelSettings)
        settings = self.form.settings(values, to=",".join(to or ()) or None)
        drawn, extras, before = None, list[Path](), ""
        if isinstance(built, LabelSettings):
            inks = inks_of(built, card.palette)
            drawn = drawn_map(visitor, drawing, inks)
            if drawn is not None and pictures:
                raise SettingError("there are pictures and a drawing; take one of them away")
            if drawn is not None:
                pictures, extras, before = [drawn], [drawn.path], drawn.shown
            elif len(pictures) == 1:
                before = colored(read_map(pictures[0]).pixels[..., 0].astype(int), inks)
        if not pictures:
            raise SettingError("there is nothing to translate; drop pictures" + (", or draw" if labelled else ""))
        own = name in visitor.models
        model, called = (path, name) if own else (_as_typed(path), "")
        steps = [line.strip() for line in edits.splitlines() if line.strip()] if labelled else []

        def make(upload: Upload) -> TranslateTask:
            photo = read_map(upload) if labelled else upload.read()
            return TranslateTask(photo, model, settings, steps, called)

        stem = model_name(Path(name) if own else model, settings.to)
        names = [f"{each.name.rpartition('.')[0] or each.name}-{stem}.png" for each in pictures]
        if len(pictures) == 1:
            return Commission(lambda: make(pictures[0]), names[0], extras, before)
        paths = [visitor.fresh(each) for each in names]
        return Commission(lambda: _Several(make(pictures[0]).photo, pictures, make, paths), names[0], paths, before)


@dataclass(frozen=True)
class _Several(Task):
    """Pictures one after the other, each written once it is there; the first one is shown in the end."""

    uploads: Sequence[Upload]
    make: Callable[[Upload], TranslateTask]
    paths: Sequence[Path]

    def run(self, on_step: OnStep) -> Result:
        """Translate them all."""
        results = list[Result]()
        for number, upload, path in zip(count(1), self.uploads, self.paths, strict=False):
            result = self.make(upload).run(on_step)
            write_image(result.image, path)
            results = results or [result]
            on_step(Step(number, len(self.paths), {}, visible_colors(result.image)))
        return results[0]

    def stopped(self, step: Step) -> Result:
        """Return the first of those that are there."""
        first = read_image(self.paths[0])
        return Result(first, {**(first.recipe or {})})

    def as_it_stands(self, step: Step) -> Image:
        """Return the last one."""
        return read_image(step.image[0])

    def costs(self) -> list[float]:
        """Return that all take as long."""
        return [1.0] * len(self.paths)


def _translator(path: Path) -> Card:
    """Return what a model that translates says about itself.

    Raises:
        InputError: If there is none.
        WeightsError: If it is damaged.
        SettingError: If it does not translate.
    """
    card = read_card(path)
    if card.method not in METHODS or METHODS[card.method].verb != "translate":
        raise SettingError(f"{path} is a network for {card.method}, which does not translate; choose another one")
    return card


def _built(card: Card) -> Any:
    row = METHODS[card.method]
    return card.settings_as(getattr(row.load(), row.settings))


def _as_typed(path: Path) -> Path:
    """Return a path as it would be typed where the studio was started, so that recipes say no more than that."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _named(error: ImpastoError, path: Path, name: str) -> str:
    return str(error).replace(str(path), name)
