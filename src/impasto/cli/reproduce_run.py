"""What `impasto reproduce` does once torch is needed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from impasto.cli.console import print_json, say, warn
from impasto.cli.options import Json, Output, given, parse
from impasto.cli.output import check_target, write_result
from impasto.cli.progress import step_bar
from impasto.cli.words import STDIN
from impasto.errors import one_line
from impasto.nn.compute import reused_memory
from impasto.result import duration
from impasto.verbs.reproduce import Reproduction, reproduce

COMMAND = "impasto reproduce"
DESCRIPTION = (
    "Paint a picture again from the recipe it carries, and say whether the pixels are the same. What it was "
    "painted from is looked for beside it, here, among the examples and in --search, by name or, if renamed, by "
    "sha256. The new picture is PICTURE-again unless -o says where."
)


@dataclass(frozen=True)
class ReproduceOptions:
    """Everything `impasto reproduce` can be told."""

    picture: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="PICTURE", help_behavior_hint="")] = ""
    """A picture that impasto painted."""
    output: Output = None
    """The new picture, .png .jpg .webp or .tif; what was there is replaced."""
    search: Annotated[tuple[str, ...], tyro.conf.arg(metavar="DIR [DIR …]", help_behavior_hint="")] = ()
    """More folders to look in."""
    json: Json = False
    """Print one JSON object on standard output."""


def main(words: list[str]) -> int:
    """Run the command; see `impasto.cli.reproduce`."""
    options = parse(ReproduceOptions, words, command=COMMAND, description=DESCRIPTION)
    given(options.picture, "picture to paint again", COMMAND)
    target = options.output or _beside(Path(options.picture))
    check_target(target, [options.picture], as_json=options.json)
    with step_bar(one_line(Path(options.picture).name)) as show, reused_memory():
        again = reproduce(options.picture, search=options.search, on_step=show, on_warning=warn)
    write_result(again.result.image, target)
    say(_report(target, again))
    if options.json:
        print_json(
            {
                "output": target,
                "identical": again.identical,
                "max_difference": again.max_difference,
                "mean_difference": again.mean_difference,
                "warnings": list(again.warnings),
                "seconds": round(again.result.seconds, 3),
                "recipe": dict(again.result.recipe),
            }
        )
    return 0


def _beside(picture: Path) -> str:
    suffix = picture.suffix if picture.suffix.lower() in (".jpg", ".jpeg", ".webp", ".tif", ".tiff") else ".png"
    return f"{picture.stem}-again{suffix}"


def _report(target: str, again: Reproduction) -> str:
    if again.identical:
        found = "identical, every pixel"
    elif again.max_difference is None:
        found = "of another size than the picture, which was resized after it was painted"
    else:
        found = (
            f"not identical: of 255 levels it differs by {again.max_difference:g} at most, "
            f"{again.mean_difference:.3g} on average"
        )
    name = "standard output" if target == STDIN else one_line(target)
    return f"{name}: {found}; {duration(again.result.seconds)}"
