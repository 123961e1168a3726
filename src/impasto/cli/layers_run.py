"""What `impasto layers` does once torch is needed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

import tyro

from impasto.cli.console import finite, print_json
from impasto.cli.grids import answer_of, paint_grid
from impasto.cli.options import Json, Output, given, parse
from impasto.cli.output import check_target
from impasto.cli.painting import fetch_network
from impasto.errors import check_choice
from impasto.image import read_image
from impasto.methods.gatys import GatysSettings
from impasto.nn.compute import Device, Precision
from impasto.nn.descent import Optimizer
from impasto.nn.vgg import Network, Pooling
from impasto.result import OnStep, Result
from impasto.verbs.layers import Kind, classic_layers, layers

COMMAND = "impasto layers"
DESCRIPTION = (
    "Paint from noise what each layer of the network keeps of a picture, and lay it out as a labelled grid, "
    "IMAGE-KIND.png unless -o says where. content: shallow layers give the pixels back, deep ones only the "
    "arrangement. style: brush strokes, colour specks first and larger forms with depth. impasto layers channels "
    "LAYER paints what each channel of a layer dreams of; it has a --help of its own."
)


@dataclass(frozen=True)
class LayersOptions:
    """Everything `impasto layers` can be told."""

    kind: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="content|style", help_behavior_hint="")] = ""
    """Which experiment: content keeps features, style keeps Gram matrices."""
    image: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="IMAGE", help_behavior_hint="")] = ""
    """The picture to look at."""
    output: Output = None
    """The grid, .png .jpg .webp or .tif; what was there is replaced."""
    layers: Annotated[tuple[str, ...], tyro.conf.arg(metavar="RELU", help_behavior_hint="")] = ()
    """Which layers, such as relu3_2; by default the classic ones that the network has."""
    size: int = 256
    """Longest side of each picture in pixels."""
    steps: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="")] = None
    """Steps for each layer; by default enough to be clear."""
    network: Network = "vgg16"
    """Which network looks; the ImageNet ones are fetched once."""
    pooling: Pooling = "average"
    """average paints what is seen more clearly, max is what the network was trained with."""
    optimizer: Optimizer = "lbfgs"
    """lbfgs needs the fewest steps, adam the least memory."""
    seed: int = 0
    """Makes noise, and so the picture, the same again."""
    device: Device = "auto"
    """Where to compute."""
    precision: Precision = "auto"
    """In what to compute; auto takes fp32 for content, whose fine differences bf16 rounds away."""
    json: Json = False
    """Print one JSON object on standard output."""


def main(words: list[str]) -> int:
    """Run the command; see `impasto.cli.layers`."""
    options = parse(LayersOptions, words, command=COMMAND, description=DESCRIPTION)
    given(options.kind, f"experiment; choose one of {', '.join(get_args(Kind))}", COMMAND)
    check_choice("the experiment", options.kind, Kind)
    given(options.image, "picture to look at", COMMAND)
    settings = _settings(options)
    target = options.output or f"{Path(options.image).stem}-{options.kind}.png"
    check_target(target, [options.image], as_json=options.json)
    image = read_image(options.image)
    fetch_network(settings)
    chosen = options.layers or classic_layers(options.kind, options.network)  # type: ignore[arg-type]

    def paint(on_step: OnStep, on_cell: Callable[[Result], None]) -> Result:
        return layers(
            options.kind,  # type: ignore[arg-type]
            image,
            layers=chosen,
            settings=settings,
            size=options.size,
            steps=options.steps,
            on_step=on_step,
            on_cell=on_cell,
        )

    done = paint_grid(paint, target, label=image.name, cells=len(chosen))
    if options.json:
        print_json(answer_of(target, done.result) | {"layers": _last_losses(done.result, chosen)})
    if done.stop:
        raise done.stop
    return 0


def _settings(options: LayersOptions) -> GatysSettings:
    return GatysSettings(
        network=options.network,
        pooling=options.pooling,
        optimizer=options.optimizer,
        seed=options.seed,
        device=options.device,
        precision=options.precision,
    )


def _last_losses(result: Result, chosen: tuple[str, ...]) -> dict[str, Any]:
    """Return each layer's loss at its last step."""
    steps = int(result.recipe["steps"])
    ends = result.trace[steps - 1 :: steps]
    return {layer: finite(losses)["total"] for layer, losses in zip(chosen, ends, strict=False)}
