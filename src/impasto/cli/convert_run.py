"""What `impasto convert` does once torch is needed."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from impasto.cli.console import print_json, say
from impasto.cli.options import Json, given, parse
from impasto.errors import InputError, SettingError, one_line
from impasto.methods import METHODS
from impasto.verbs.published import Published, read_published
from impasto.weights.model import MODEL_SUFFIX, write_model
from impasto.writing import find_target

COMMAND = "impasto convert"
DESCRIPTION = (
    "Make a model file of a network that others published: fast_neural_style of pytorch/examples, an AdaIN decoder "
    "together with its encoder, or a generator of pytorch-CycleGAN-and-pix2pix, CUT, Pix2PixHD or SPADE. Its "
    "tensors tell which it is."
)


@dataclass(frozen=True)
class ConvertOptions:
    """Everything `impasto convert` can be told."""

    checkpoint: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="CHECKPOINT", help_behavior_hint="")] = (
        ""
    )
    """The published file, .pth or .model or .safetensors."""
    output: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="OUT", help_behavior_hint="")] = ""
    """The model file, .safetensors; what was there is replaced."""
    encoder: Annotated[str | None, tyro.conf.arg(metavar="VGG", help_behavior_hint="")] = None
    """The network that encodes for an AdaIN decoder: vgg_normalised.pth."""
    json: Json = False
    """Print one JSON object on standard output."""


def main(words: list[str]) -> int:
    """Run the command; see `impasto.cli.convert`."""
    options = parse(ConvertOptions, words, command=COMMAND, description=DESCRIPTION)
    given(options.checkpoint, "checkpoint", COMMAND)
    given(options.output, "OUT; name the model file after the checkpoint", COMMAND)
    inputs = [options.checkpoint, *([options.encoder] if options.encoder else [])]
    target = _target(options.output, inputs)
    published = read_published(*map(Path, inputs))
    write_model(target, published.tensors, published.card)
    say(_report(options.output, published))
    if options.json:
        card = published.card
        print_json(
            {
                "output": options.output,
                "method": card.method,
                "settings": dict(card.settings),
                "styles": list(card.styles),
                "origin": card.training["origin"],
                "left_out": list(published.left_out),
            }
        )
    return 0


def _target(output: str, inputs: list[str]) -> Path:
    """Return the file to write, once it is sure that it can be."""
    if Path(output).suffix != MODEL_SUFFIX:
        raise SettingError(f"OUT is {one_line(output)}; a model file is called {MODEL_SUFFIX}: name it so")
    target = find_target(Path(output))
    if str(target) in map(os.path.realpath, inputs):
        raise InputError(f"{one_line(output)} is what is converted; choose another output")
    return target


def _report(output: str, published: Published) -> str:
    card, left_out = published.card, published.left_out
    use = f"stylize --method {card.method} --model {one_line(output)}"
    if METHODS[card.method].verb == "translate":
        use = f"translate {one_line(output)}"
    line = f"{one_line(output)}: {card.training['origin']}, for impasto {use}"
    if left_out:
        line += f"; left out, since there is no use for them: {len(left_out)} tensors, {left_out[0]} first"
    return line
