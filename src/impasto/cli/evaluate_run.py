"""What `impasto evaluate` does once torch is needed."""

from dataclasses import asdict, dataclass, field
from typing import Annotated

import tyro

from impasto.cli.console import print_json, say
from impasto.cli.options import Settings, given, parse
from impasto.cli.progress import folder_bar
from impasto.cli.translate_run import model_file
from impasto.errors import ImpastoError, SettingError
from impasto.metrics.seen import Features
from impasto.nn.compute import reused_memory
from impasto.verbs.evaluate import evaluate
from impasto.verbs.translate import TranslateSettings

COMMAND = "impasto evaluate"
DESCRIPTION = (
    "Translate what a network was not trained on and measure how far it is from what it should be: l1, psnr, ssim "
    "and a perceptual distance picture by picture, Frechet and kernel distances of all together, with intervals "
    "and the protocol, as one JSON object. Without pairs: distances of what was made, and of what went in, to real "
    "pictures of the other kind, and the correlation of edges with what went in."
)


@dataclass(frozen=True)
class EvaluateOptions:
    """Everything `impasto evaluate` can be told."""

    model: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL", help_behavior_hint="(needed)")] = ""
    """The network: the model.safetensors of a run, or the run's folder."""
    data: Annotated[str, tyro.conf.arg(help_behavior_hint="(needed)")] = ""
    """The data folder, as for impasto train."""
    split: str = "val"
    """Which part of it: val, test or train."""
    features: Features = "efficientnet-lite0"
    """What sees sets of pictures, for FID and KID: the bundled network, or the one that published values are of,
    which is fetched once (96 MB)."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Nothing more than without: what is printed is JSON either way."""
    settings: Annotated[TranslateSettings, Settings] = field(default_factory=TranslateSettings)


def main(words: list[str]) -> int:
    """Run the command; see `impasto.cli.evaluate`."""
    options = parse(EvaluateOptions, words, command=COMMAND, description=DESCRIPTION)
    given(options.model, "MODEL; name the model.safetensors of a run", COMMAND)
    if not options.data:
        raise SettingError(f"there is no --data; see {COMMAND} --help")
    try:
        import torchmetrics  # noqa: F401 -- asked for first, since its absence has a remedy
    except ImportError:
        raise ImpastoError("measuring needs torchmetrics; run: pip install 'impasto[train]'") from None
    with folder_bar(options.split) as show, reused_memory():
        found = evaluate(
            model_file(options.model),
            data=options.data,
            split=options.split,
            features=options.features,
            settings=options.settings,
            on_picture=show,
        )
    for reason in found.broken.values():
        say(f"impasto: passed over: {reason}")
    print_json(asdict(found))
    return 0
