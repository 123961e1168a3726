"""What `impasto data check` does once torch is needed."""

from dataclasses import asdict, dataclass, field, make_dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from impasto.cli.console import print_json, say
from impasto.cli.options import Json, Settings, given, parse
from impasto.cli.progress import folder_bar
from impasto.cli.train import TRAINABLE
from impasto.cli.words import grouped
from impasto.data.doctor import Diagnosis
from impasto.errors import ImpastoError, SettingError, check_choice, one_line
from impasto.methods import METHODS, Method
from impasto.nn.compute import reused_memory
from impasto.result import duration
from impasto.verbs import check

COMMAND = "impasto data check"


@dataclass(frozen=True)
class CheckOptions:
    """Everything `impasto data check` can be told, apart from settings."""

    folder: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DIR", help_behavior_hint="(needed)")] = ""
    """The data folder."""
    method: Annotated[str, tyro.conf.arg(name="for", help_behavior_hint="(needed)")] = ""
    """The method it is for."""
    measure: bool = True
    """Whether to take the first steps of the training, to tell memory and hours."""
    json: Json = False
    """Print one JSON object on standard output."""


def main(words: list[str]) -> int:
    """Run the command; see `impasto.cli.data`."""
    named = [value for group in grouped(words) if group.name == "--for" for value in group.all_values[:1]]
    help_wanted = {"-h", "--help"} & set(words)
    if not named and not help_wanted:
        raise SettingError(f"there is no --for; name one of {', '.join(TRAINABLE)}")
    method = METHODS[_known(named[-1] if named else TRAINABLE[0])]
    kind = getattr(method.load(), method.settings)
    with_settings = make_dataclass(
        "CheckOptions",
        [("settings", Annotated[kind, Settings], field(default_factory=kind))],
        bases=(CheckOptions,),
        frozen=True,
    )
    description = "Look at every file of a data folder and say what is wrong, by name, before a training does."
    options: Any = parse(with_settings, words, command=COMMAND, description=description)
    given(options.folder, "folder; name that of a data set", COMMAND)
    found = examined(method, options.folder, options.settings)
    for line in found.lines():
        say(line)
    foreseen = _forecast(method, options) if options.measure and method.verb == "translate" else None
    errors = [finding for finding in found.findings if finding.severity == "error"]
    if options.json:
        print_json(asdict(found) | {"forecast": foreseen})
    if errors:
        raise ImpastoError(f"{len(errors)} errors; what is named is left out of a training, unless it is mended")
    return 0


def examined(method: Method, folder: str, settings: Any) -> Diagnosis:
    """Let the doctor look at a folder, with a bar."""
    with folder_bar(one_line(Path(folder).name)) as show:
        return check.examined(method, folder, settings, show)


def _known(name: str) -> str:
    check_choice("the method", name, TRAINABLE)
    return name


def _forecast(method: Method, options: Any) -> dict[str, Any] | None:
    """Take the first steps of the training and say what all of it will need."""
    from impasto.cli.train_run import quiet_lightning

    try:
        from impasto.training.forecast import forecast
    except ImportError:
        raise ImpastoError("measuring needs PyTorch Lightning; run: pip install 'impasto[train]'") from None
    try:
        with quiet_lightning(), reused_memory():
            foreseen = forecast(method.name, Path(options.folder), options.settings)
    except ImpastoError as error:
        say(f"  the training could not begin: {error}")
        return None
    say(
        f"  {foreseen.steps:,} steps of {foreseen.seconds_a_step:.3g} s: {duration(foreseen.hours * 3600)} on "
        f"{foreseen.device}, {foreseen.gigabytes:g} GB"
    )
    return asdict(foreseen)
