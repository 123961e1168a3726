"""`impasto demo`: a bundled photo painted after a bundled painting."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from impasto.cli.console import print_json
from impasto.cli.options import Json, Output, Settings, parse
from impasto.cli.output import check_target, make_folder
from impasto.cli.painting import Errand, fetch_network, paint
from impasto.cli.words import STDIN
from impasto.image import read_image
from impasto.methods.gatys import GatysSettings
from impasto.verbs.demo import SIZE, example_pictures
from impasto.verbs.tasks import StylizeTask

COMMAND = "impasto demo"
DESCRIPTION = "Paint a bundled photo after Hokusai's Great Wave, and print where the picture lies."


@dataclass(frozen=True)
class DemoOptions:
    """Everything `impasto demo` can be told."""

    output: Output = "out/demo.png"
    """The painted picture; its folder is made if missing."""
    json: Json = False
    """Print one JSON object on standard output instead of the path."""
    settings: Annotated[GatysSettings, Settings] = field(default_factory=lambda: GatysSettings(size=SIZE))


def main(words: list[str]) -> int:
    """Run `impasto demo` and return its exit code.

    Raises:
        ImpastoError: If something a user can mend is wrong.
        KeyboardInterrupt: After what was painted so far has been kept.
    """
    options = parse(DemoOptions, words, command=COMMAND, description=DESCRIPTION)
    photo, painting = example_pictures()
    target = options.output or STDIN
    if target != STDIN:
        make_folder(Path(target).parent)
    check_target(target, [str(photo), str(painting)], as_json=options.json)
    fetch_network(options.settings)
    task = StylizeTask(read_image(photo), [read_image(painting)], options.settings)
    done = paint(Errand(task, target, photo.name))
    if options.json:
        print_json(done.as_dict())
    elif target != STDIN:
        print(Path(target).resolve())
    if done.stop:
        raise done.stop
    return 0
