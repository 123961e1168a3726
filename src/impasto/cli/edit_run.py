"""What `impasto edit` does once torch is needed."""

from dataclasses import dataclass, field
from typing import Annotated

import tyro

from impasto.cli.console import print_json, say
from impasto.cli.options import Json, Output, Settings, given, parse
from impasto.cli.output import check_target, plan, write_result
from impasto.cli.translate_run import model_file
from impasto.cli.words import STDIN
from impasto.errors import one_line
from impasto.image.objects import Described, describe
from impasto.nn.compute import reused_memory
from impasto.result import duration
from impasto.verbs.edit import edit, objects_of
from impasto.verbs.translate import TranslateSettings, model_name

COMMAND = "impasto edit"
DESCRIPTION = (
    "Edit a label map object by object and paint it: --edit 'remove 7' 'move 3 40 0'. Objects are called by "
    "number, or by a pixel of them (120,45); without --edit every object is listed. Edits: remove OBJECT · move "
    "OBJECT RIGHT DOWN · copy OBJECT RIGHT DOWN · add CLASS LEFT TOP WIDTH HEIGHT · relabel OBJECT CLASS · replace "
    "CLASS CLASS · restyle OBJECT LOOK."
)


@dataclass(frozen=True)
class EditOptions:
    """Everything `impasto edit` can be told."""

    model: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL", help_behavior_hint="(needed)")] = ""
    """The network: the model.safetensors of a run, or the run's folder."""
    source: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MAP", help_behavior_hint="(needed)")] = ""
    """The label map, of ids."""
    edit: Annotated[tuple[str, ...], tyro.conf.arg(metavar="EDIT …", help_behavior_hint="")] = ()
    """What to do, one after the other."""
    output: Output = None
    """The picture, .png .jpg .webp .tif, replacing what was there; by default MAP-MODEL.png here."""
    instances: Annotated[str | None, tyro.conf.arg(metavar="MAP", help_behavior_hint="")] = None
    """Which object each pixel belongs to; by default every connected area of a class is an object."""
    style: Annotated[str | None, tyro.conf.arg(aliases=["-s"], metavar="PICTURE", help_behavior_hint="")] = None
    """The picture that the map is of, to paint its objects like; for SPADE any picture."""
    map_output: Annotated[str | None, tyro.conf.arg(metavar="MAP", help_behavior_hint="")] = None
    """Where to keep the edited label map."""
    instances_output: Annotated[str | None, tyro.conf.arg(metavar="MAP", help_behavior_hint="")] = None
    """Where to keep the edited map of objects."""
    json: Json = False
    """Print one JSON object on standard output."""
    settings: Annotated[TranslateSettings, Settings] = field(default_factory=TranslateSettings)


def main(words: list[str]) -> int:
    """Run the command; see `impasto.cli.edit`."""
    options = parse(EditOptions, words, command=COMMAND, description=DESCRIPTION)
    given(options.model, "MODEL; name the model.safetensors of a run", COMMAND)
    given(options.source, "MAP; name a label map after the model", COMMAND)
    model = model_file(options.model)
    if not options.edit:
        found = describe(objects_of(model, options.source, options.instances, options.settings))
        _tell(found, options.json)
        return 0
    (job,) = plan([options.source], [model_name(model)], options.output)
    inputs = [options.source, str(model), *filter(None, (options.instances, options.style))]
    kept = [target for target in (options.map_output, options.instances_output) if target is not None]
    for target in (job.target, *kept):
        check_target(target, inputs, as_json=options.json)
    with reused_memory():
        found_after = edit(
            model,
            options.source,
            options.edit,
            instances=options.instances,
            style=options.style,
            settings=options.settings,
        )
    result = found_after.result
    write_result(result.image, job.target)
    if options.map_output is not None:
        write_result(found_after.labels, options.map_output)
    if options.instances_output is not None:
        write_result(found_after.instances, options.instances_output)
    image, name = result.image, "standard output" if job.target == STDIN else one_line(job.target)
    say(f"{name}: {image.width}×{image.height}, {duration(result.seconds)}")
    if options.json:
        print_json(
            {"output": job.target, "size": [image.width, image.height], "recipe": dict(result.recipe)}
            | {"objects": [each._asdict() for each in found_after.objects], "seconds": round(result.seconds, 3)}
        )
    return 0


def _tell(found: list[Described], as_json: bool) -> None:
    """Print every object, largest first."""
    ordered = sorted(found, key=lambda each: -each.places)
    if as_json:
        print_json({"objects": [each._asdict() for each in ordered]})
        return
    print(f"{'object':>7} {'class':>6} {'pixels':>8}  left,top to right,bottom")
    for each in ordered:
        left, top, right, bottom = each.box
        print(f"{each.number:>7} {each.label:>6} {each.places:>8}  {left},{top} to {right},{bottom}")
