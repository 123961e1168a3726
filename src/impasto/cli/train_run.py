"""What `impasto train` does once torch is needed."""

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, make_dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import tyro

from impasto.cli.console import is_terminal, print_json, say, warn
from impasto.cli.options import Json, Settings, parse
from impasto.errors import ImpastoError, SettingError, one_line
from impasto.methods import Method
from impasto.nn.compute import reused_memory
from impasto.result import duration

MOST_FINDINGS = 10
Needed = tyro.conf.arg(help_behavior_hint="(needed)")


@dataclass(frozen=True)
class TrainOptions:
    """Everything `impasto train` can be told of any method, apart from settings."""

    run: Annotated[str, Needed] = ""
    """Folder of the run; the same command on the same folder goes on where it was interrupted."""
    json: Json = False
    """Print one JSON object on standard output at the end."""


@dataclass(frozen=True)
class TranslatorOptions(TrainOptions):
    """What is told of a method that learns to translate."""

    data: Annotated[str, Needed] = ""
    """Folder of pairs: train/* side by side, or trainA/* and trainB/* called alike; of label maps: trainannot/* and
    train/*, or train_label/*, train_img/* and perhaps train_inst/*; of two kinds of pictures without pairs:
    trainA/* and trainB/*. What lies in val or test likewise is held out, to judge by, or else one of 20."""
    styles: tyro.conf.Suppress[tuple[str, ...]] = ()
    start: str | None = None
    """A trained network to begin with; settings that are not told are then those it was trained with."""


@dataclass(frozen=True)
class PainterOptions(TrainOptions):
    """What is told of a method that learns to paint."""

    data: Annotated[str, Needed] = ""
    """Folder of photos, looked through with the folders in it; one of 20 is held out, to judge by."""
    styles: Annotated[tuple[str, ...], Needed] = ()
    """Paintings to learn, or folders of them."""
    start: str | None = None
    """A trained network to begin with; multistyle keeps it and learns new styles by their rows alone. Settings that
    are not told are then those it was trained with, and 500 steps at a rate of 0.01 for rows alone."""


def main(method: Method, words: list[str]) -> int:
    """Run the command; see `impasto.cli.train`."""
    try:
        import pytorch_lightning  # noqa: F401 -- asked for first, since its absence has a remedy
    except ImportError:
        raise ImpastoError("training needs PyTorch Lightning; run: pip install 'impasto[train]'") from None
    from impasto.training.run_settings import RunSettings
    from impasto.training.train import suited_settings, train

    kind = getattr(method.load(), method.settings)
    # two networks that improve in turn do not get better from look to look
    running = RunSettings() if method.one_pass else RunSettings(patience=0)
    with_settings = make_dataclass(
        "TrainOptions",
        [
            ("running", Annotated[RunSettings, Settings], field(default=running)),
            ("settings", Annotated[kind, Settings], field(default_factory=kind)),
        ],
        bases=(PainterOptions if method.one_pass else TranslatorOptions,),
        frozen=True,
    )
    command = f"impasto train {method.name}"
    description = f"Train a network that {method.what}. The model lies in RUN/model.safetensors."
    read = partial(parse, with_settings, words, command=command, description=description)
    options: Any = read()
    for flag in ("data", "styles", "run") if method.one_pass else ("data", "run"):
        if not getattr(options, flag):
            raise SettingError(f"there is no --{flag}; see {command} --help")
    suited = suited_settings(method.name, options.styles, options.start)
    if suited != kind():
        options = read(default=with_settings(settings=suited))
    if method.verb == "translate" and not (Path(options.run) / "config.json").exists():
        _consult_the_doctor(method, options)
    with quiet_lightning(), _bar(options.run) as show, reused_memory():
        try:
            trained = train(
                method.name,
                data=options.data,
                styles=options.styles,
                run=options.run,
                start=options.start,
                settings=options.settings,
                run_settings=options.running,
                on_step=show,
                on_warning=warn,
            )
        except KeyboardInterrupt:
            say(f"impasto: interrupted; repeat the command to go on with {one_line(options.run)}")
            raise
    if not _is_first():
        return 0
    _report(trained.model, trained.broken, asdict(trained))
    if options.json:
        print_json(asdict(trained) | {"model": str(trained.model)})
    return 0


def _is_first() -> bool:
    """Return whether this is the process that speaks, of those that train together."""
    return os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("NODE_RANK", "0") == "0"


def _consult_the_doctor(method: Method, options: Any) -> None:
    """Say what is wrong with a data folder before the first step."""
    from impasto.cli.data_run import examined

    found = [each for each in examined(method, options.data, options.settings).findings if each.severity != "note"]
    for finding in found[:MOST_FINDINGS]:
        say(f"impasto: {finding}")
    if len(found) > MOST_FINDINGS:
        told = f"impasto data check {one_line(options.data)} --for {method.name}"
        say(f"impasto: and {len(found) - MOST_FINDINGS} findings more; {told} tells all")


def _report(model: Path, broken: Mapping[str, str], trained: Mapping[str, Any]) -> None:
    for reason in broken.values():
        say(f"impasto: passed over: {reason}")
    early = ", stopped since nothing got better" if trained["stopped_early"] else ""
    say(
        f"{one_line(str(model))}: {trained['steps']:,} steps{early}, held-out loss {trained['best']:.4f}, "
        f"{duration(trained['seconds'])}" + (f"; {len(broken)} pictures passed over" if broken else "")
    )


@contextlib.contextmanager
def quiet_lightning() -> Iterator[None]:
    """Keep Lightning from telling of itself; what goes wrong is still raised."""
    for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(pytorch_)?lightning.*")
        yield


@contextlib.contextmanager
def _bar(run: str) -> Iterator[Any]:
    """Show steps, losses and time left on standard error, if a person is there to see it."""
    if not is_terminal(sys.stderr) or not _is_first():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("step {task.completed:.0f}/{task.total:.0f}  {task.fields[losses]} "),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, expand=True) as progress:
        task = progress.add_task(Path(run).name, total=1, losses="")

        def show(step: int, steps: int, losses: Mapping[str, float]) -> None:
            shown = "  ".join(f"{name} {value:.4f}" for name, value in losses.items())
            progress.update(task, completed=step, total=steps, losses=shown)

        yield show
