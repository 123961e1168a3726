"""The Train tab: runs watched, stopped and gone on with, and new ones started after the doctor's report."""

import asyncio
import html
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from impasto.errors import ImpastoError, SettingError
from impasto.image.io import read_image
from impasto.methods import METHODS, Method
from impasto.result import duration
from impasto.studio.curves import curves_html
from impasto.studio.easel import told
from impasto.studio.forms import Form
from impasto.studio.look import seen
from impasto.studio.photo import titled
from impasto.studio.pictures import files_drop, picture_url
from impasto.studio.places import DATA, RUNS, Places, unpacked
from impasto.studio.runs import Run, read_run, state_of
from impasto.training import background
from impasto.training.run_settings import RunSettings
from impasto.verbs.check import examined, layout
from impasto.verbs.demo import examples_folder
from impasto.verbs.described import flags

LOOK_SECONDS = 1.5
TRAINABLE = [name for name, row in METHODS.items() if row.one_pass or row.verb == "translate"]
USUAL = "pix2pix"
UNASKED = ("encoded_colors", "in_channels", "out_channels")
"""Settings that follow from others."""
WANTED = {
    "pairs": "a folder with <b>train</b>, pictures side by side, or with <b>trainA</b> and <b>trainB</b>",
    "labels": "a folder with <b>train_label</b> and <b>train_img</b>, or <b>trainannot</b> and <b>train</b>",
    "photos": "a folder of photos",
    "unpaired": "a folder with <b>trainA</b> and <b>trainB</b>, of two kinds of pictures",
    "domains": "a folder with <b>train</b>, in it a folder of pictures for each domain",
}
"""How data is laid out, in words."""
INTERRUPTED = "impasto: interrupted"
FINDING = {"error": "mistake", "warning": "warning"}


class TrainTab:
    """The tab; builds its controls where it is made.

    Args:
        places: Whose runs are shown, and where new ones are kept.
    """

    def __init__(self, places: Places) -> None:
        self.places = places
        with gr.Row(elem_classes="studio"):
            with gr.Column(scale=4, min_width=320):
                self.run = gr.Dropdown([], label="Run", info="every one in the studio's folder", interactive=True)
                self.status = gr.HTML(value=told(""), js_on_load=None, elem_classes="status")
                with gr.Row():
                    self.stop = gr.Button("Stop, and keep what is learnt", visible=seen(False))
                    self.resume = gr.Button("Go on", variant="primary", visible=seen(False))
                self.words = gr.HTML(value="", js_on_load=None, elem_classes="said")
            with gr.Column(scale=6, min_width=320):
                self.sample = gr.HTML(value="", js_on_load=None)
                self.curves = gr.HTML(value="", js_on_load=None)
        self.seen = gr.State("")
        self.outputs = [
            self.run, self.status, self.stop, self.resume, self.words, self.sample, self.curves, self.seen,
        ]  # fmt: skip
        look = {"outputs": self.outputs, "show_progress": "hidden", "api_visibility": "private"}
        gr.Timer(LOOK_SECONDS).tick(self.look, [self.run, self.seen], **look)
        self.run.input(self.look, [self.run, self.seen], **look)
        self.stop.click(self._stop, self.run, None, queue=False, api_visibility="private")
        self.resume.click(self._resume, self.run, self.words, api_visibility="private")
        with gr.Accordion("Start a training", open=False):
            with gr.Row():
                self.method = gr.Dropdown(TRAINABLE, value=USUAL, label="Method")
                self.archive = files_drop("A data set of yours, as a ZIP", file_types=[".zip"], height=160)
            self.archive_said = gr.HTML(value="", js_on_load=None, elem_classes="said")
            self.uploads = gr.State(0)
            gr.render([self.method, self.uploads], show_progress="hidden")(self._offer)
            self.archive.upload(
                self._unpack,
                [self.archive, self.uploads],
                [self.archive, self.archive_said, self.uploads],
                concurrency_limit=1,
                api_visibility="private",
            )

    def look(self, chosen: str | None, seen: str) -> dict[Any, Any]:
        """Return what is new of a run, and of which runs there are.

        Args:
            chosen: The run that is looked at; the last one that changed if none.
            seen: What `state_of` said when it was last looked at.
        """
        runs = self.places.runs()
        chosen = chosen if chosen in runs else next(iter(runs), None)
        state = f"{[*runs]} {'' if chosen is None else state_of(runs[chosen])}"
        if state == seen:
            return {self.seen: gr.skip()}
        changes: dict[Any, Any] = {self.seen: state, self.run: gr.update(choices=sorted(runs), value=chosen)}
        if chosen is None:
            return changes | {self.status: told("There is no run yet. Start one below.")}
        return changes | self._shown(read_run(runs[chosen]))

    def _shown(self, run: Run) -> dict[Any, Any]:
        """Return what the page shows of a run."""
        words = [f'<p class="warning">{html.escape(each)}</p>' for each in run.warnings]
        if run.said and not run.said.startswith(INTERRUPTED):
            words.append(f'<p class="log">{html.escape(run.said)}</p>')
        return {
            self.status: _status(run),
            self.stop: gr.update(visible=seen(run.status == "trains")),
            self.resume: gr.update(visible=seen(run.status == "stopped" and run.resumable)),
            self.words: "".join(words),
            self.sample: _sample(run.sample),
            self.curves: curves_html(run.curves),
        }

    def _stop(self, chosen: str | None) -> None:
        path = self.places.runs().get(chosen or "")
        if path is not None:
            background.stop(path)

    def _resume(self, chosen: str | None) -> str:
        path = self.places.runs().get(chosen or "")
        try:
            if path is not None:
                background.resume(path)
        except ImpastoError as error:
            return told(str(error), mistake=True)
        return ""

    def _offer(self, name: str, _uploads: int) -> None:
        """Build the form of a method, and what starts its training."""
        method = METHODS[name]
        kind = layout(method)
        with gr.Row():
            data = gr.Dropdown(sorted(self.places.data(kind)), label="Data", value=None, interactive=True)
            called = gr.Textbox(
                label="Name of the run", value="", placeholder=f"my {name}", max_lines=1, interactive=True
            )
        gr.HTML(
            f'<p class="hint">{name} {html.escape(method.what)}. Its data is {WANTED[kind]}.</p>', js_on_load=None
        )
        styles = gr.Dropdown(
            [(titled(Path(each)), each) for each in self._paintings()],
            label="Paintings to learn",
            multiselect=True,
            interactive=True,
            visible=method.one_pass,
        )
        with gr.Accordion("Settings of the method", open=False, elem_classes="form"):
            form = Form(getattr(method.load(), method.settings)(), UNASKED)
            how = Form(RunSettings() if method.one_pass else RunSettings(patience=0), ("devices", "precision"))
        examine = gr.Button("Let the doctor look at the data")
        report = gr.HTML(value="", js_on_load=None, elem_classes="said report")
        begin = gr.Button("Start the training", variant="primary", visible=seen(False))
        started = gr.HTML(value="", js_on_load=None, elem_classes="said")

        async def look_at(data: str | None, *values: Any) -> tuple[str, Any]:
            try:
                found = await asyncio.to_thread(
                    examined, method, str(self._data(method, data)), form.settings(values)
                )
            except ImpastoError as error:
                return told(str(error), mistake=True), gr.update(visible=seen(False))
            return _report(found.lines()), gr.update(visible=seen(True))

        def start(data: str | None, called: str, styles: list[str] | None, *values: Any) -> tuple[str, Any]:
            try:
                folder = self._data(method, data)
                split = len(form.controls)
                told_flags = [*flags(form.settings(values[:split])), *_run_flags(how.settings(values[split:]))]
                if not called.strip():
                    raise SettingError("the run has no name; write one")
                words = [name, "--data", str(folder), *self._styles(method, styles), *told_flags]
                path = self.places.new(RUNS, called)
                background.start(path, words)
            except ImpastoError as error:
                return told(str(error), mistake=True), gr.skip()
            return told(f"{path.name} has begun; it goes on when this page is closed"), gr.update(value=None)

        private = {"api_visibility": "private", "show_progress": "hidden"}
        examine.click(look_at, [data, *form.controls.values()], [report, begin], concurrency_limit=1, **private)
        inputs = [data, called, styles, *form.controls.values(), *how.controls.values()]
        begin.click(start, inputs, [started, self.run], trigger_mode="once", **private)

    def _data(self, method: Method, data: str | None) -> Path:
        found = self.places.data(layout(method))
        if data not in found:
            raise SettingError("no data is chosen; choose one of those listed, or drop a ZIP")
        return found[data]

    def _paintings(self) -> Mapping[str, Path]:
        """Return the bundled paintings, and every folder of pictures."""
        bundled = {path.name: path for path in sorted((examples_folder() / "paintings").glob("*.jpg"))}
        return bundled | self.places.data("photos")

    def _styles(self, method: Method, styles: list[str] | None) -> list[str]:
        if not method.one_pass:
            return []
        known = self._paintings()
        chosen = [str(known[each]) for each in styles or () if each in known]
        if not chosen:
            raise SettingError("no painting is chosen; choose what is to be learnt")
        return ["--styles", *chosen]

    def _unpack(self, given: list[dict[str, str]], uploads: int) -> tuple[Any, str, int]:
        """Keep a data set that was dropped, in the studio's folder."""
        for each in given:
            name = each["name"].rpartition(".")[0] or each["name"]
            try:
                path = self.places.new(DATA, name)
                count = unpacked(Path(each["path"]), path)
            except ImpastoError as error:
                return None, told(str(error), mistake=True), uploads
            return None, told(f"{path.name}: {count} files; choose it below"), uploads + 1
        return None, "", uploads


def _run_flags(settings: RunSettings) -> list[str]:
    """Return how a training is to be run; what the command line takes patience for depends on the method."""
    return [*flags(replace(settings, patience=RunSettings.patience)), f"--patience={settings.patience}"]


def _status(run: Run) -> str:
    """Return in a line how far a run is."""
    of = "" if run.steps is None else f" of {run.steps:,}"
    left = "" if run.seconds_left is None else f", {duration(run.seconds_left)} left"
    words = {"trains": "", "stopped": "Stopped. ", "done": "Done. "}[run.status]
    share = None if not run.steps else min(1.0, run.step / run.steps)
    if run.status == "trains" and not run.step:
        return told(f"{run.method}: getting ready", share=share)
    return told(f"{words}{run.method}: step {run.step:,}{of}{left}", share=share)


def _sample(path: Path | None) -> str:
    """Return the newest samples as a picture."""
    if path is None:
        return (
            '<p class="hint">What the network makes of a few fixed pictures is shown here after the first look.</p>'
        )
    try:
        shown = picture_url(read_image(path))
    except ImpastoError:
        return ""  # it is just being replaced
    step = int(path.stem) if path.stem.isdigit() else 0
    return (
        f'<figure class="sample"><img src="{shown}" alt="What becomes of fixed pictures at step {step:,}">'
        f"<figcaption>Fixed samples at step {step:,}</figcaption></figure>"
    )


def _report(lines: list[str]) -> str:
    """Return the doctor's report, line by line."""
    shown = [
        f'<p class="{FINDING.get(line.strip().partition(":")[0], "")}">{html.escape(line.strip())}</p>'
        for line in lines
    ]
    return f'<div role="status">{"".join(shown)}</div>'
