"""`impasto export`: a trained network as an ONNX file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import tyro

from impasto.cli.console import print_json
from impasto.cli.options import Json, given, parse

COMMAND = "impasto export"
DESCRIPTION = (
    "Write a trained network as an ONNX file that paints pictures of any size, without impasto. Made pictures are "
    "painted with both first; how far they are apart is printed, and no file is written if that is above 1e-3."
)

Word = Annotated[str, tyro.conf.Positional, tyro.conf.arg(help_behavior_hint="(needed)")]


@dataclass(frozen=True)
class ExportOptions:
    """Everything `impasto export` can be told."""

    model: Word = ""
    """A model file, or a name out of impasto weights list."""
    output: Word = ""
    """The .onnx file, replacing what was there."""
    direction: Literal["AtoB", "BtoA"] | None = None
    """What to make of what, for a network that has learnt both; AtoB by default."""
    json: Json = False
    """Print one JSON object."""


def main(words: list[str]) -> int:
    """Run `impasto export` and return its exit code.

    Raises:
        ImpastoError: If something a user can mend is wrong, or the exported network paints something else.
    """
    options = parse(ExportOptions, words, command=COMMAND, description=DESCRIPTION)
    given(options.model, "model to export", COMMAND)
    given(options.output, "OUT.onnx to write, after the model", COMMAND)
    from impasto.verbs.export import export_model  # torch comes with it

    def show(found: Mapping[str, float]) -> None:
        if not options.json:
            size = f"{found['width']}×{found['height']}"
            print(f"{size:>9}  max {found['max']:.1e}  mean {found['mean']:.1e}", flush=True)

    if not options.json:
        print("difference from PyTorch in fp32, for values in [0, 1]:")
    done = export_model(options.model, options.output, direction=options.direction, on_compared=show)
    if options.json:
        print_json(asdict(done) | {"path": str(done.path), "seconds": round(done.seconds, 3)})
        return 0
    print("\n".join(f"{name}: {about}" for name, about in done.inputs.items()))
    print(f"{done.path}  {done.bytes / 1e6:.1f} MB, ONNX opset {done.opset}")
    return 0
