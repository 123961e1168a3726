"""What `impasto layers channels` does once torch is needed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated

import tyro

from impasto.cli.console import print_json, say
from impasto.cli.grids import answer_of, paint_grid
from impasto.cli.options import Json, Output, Settings, given, parse
from impasto.cli.output import check_target
from impasto.cli.painting import fetch_network
from impasto.errors import SettingError, check_whole
from impasto.methods.deepdream import DeepDreamSettings, backbone_with
from impasto.nn.backbones import layer_named, layers_of
from impasto.result import OnStep, Result
from impasto.verbs.channels import COUNT, SIZE, USUAL, channels

COMMAND = "impasto layers channels"
DESCRIPTION = (
    "Paint what each channel of a layer dreams of, and lay it out as a grid with the channels' numbers, "
    "LAYER-channels.png unless -o says where. What is liked can be dreamt on a photo: impasto dream PHOTO --layers "
    "LAYER:NUMBER."
)


@dataclass(frozen=True)
class ChannelsOptions:
    """Everything `impasto layers channels` can be told."""

    layer: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="LAYER", help_behavior_hint="")] = ""
    """Which layer, such as block8.expand, or relu4_2 of a VGG."""
    output: Output = None
    """The grid, .png .jpg .webp or .tif; what was there is replaced."""
    channels: Annotated[tuple[int, ...], tyro.conf.arg(metavar="N [N …]", help_behavior_hint="")] = ()
    """Which channels, from 0; by default the first --count."""
    count: int = COUNT
    """How many channels, if none are named."""
    json: Json = False
    """Print one JSON object on standard output."""
    settings: Annotated[DeepDreamSettings, Settings] = field(
        default_factory=lambda: DeepDreamSettings(size=SIZE, **USUAL)
    )


def main(words: list[str]) -> int:
    """Run the command; see `impasto.cli.layers`."""
    options = parse(ChannelsOptions, words, command=COMMAND, description=DESCRIPTION)
    settings = options.settings
    if settings.layers or settings.layer_weights or settings.dream_of:
        raise SettingError("--layers, --layer-weights and --dream-of are for impasto dream; name one LAYER here")
    given(options.layer, "layer to look into, such as relu4_3", COMMAND)
    settings = replace(settings, network=settings.network or backbone_with([options.layer]))
    name, _ = layer_named(options.layer, settings.backbone)
    there = layers_of(settings.backbone)[name].channels
    check_whole("count", options.count, 1, there)
    chosen = options.channels or tuple(range(options.count))
    target = options.output or f"{name}-channels.png"
    check_target(target, [], as_json=options.json)
    fetch_network(settings)

    def paint(on_step: OnStep, on_cell: Callable[[Result], None]) -> Result:
        size = settings.size or SIZE
        return channels(
            options.layer, channels=chosen, settings=settings, size=size, on_step=on_step, on_cell=on_cell
        )

    done = paint_grid(paint, target, label=name, cells=len(chosen))
    say(f"{name} of {settings.backbone}: {len(chosen)} of {there} channels")
    if options.json:
        told = {"network": settings.backbone, "layer": name, "channels": list(chosen), "of": there}
        print_json(answer_of(target, done.result) | told)
    if done.stop:
        raise done.stop
    return 0
