"""impasto paints with deep networks: stylise a picture after a painting, dream on it, translate it.

>>> import impasto
>>> impasto.stylize("photo.jpg", "wave.jpg", size=512).image.save("painted.png")

Names are imported when they are first used, so that `import impasto` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from impasto._version import __version__

if TYPE_CHECKING:
    from impasto.errors import ImpastoError as ImpastoError
    from impasto.errors import InputError as InputError
    from impasto.errors import SettingError as SettingError
    from impasto.errors import WeightsError as WeightsError
    from impasto.image.io import Image as Image
    from impasto.image.io import read_image as read_image
    from impasto.image.io import write_image as write_image
    from impasto.methods.deepdream import DeepDreamSettings as DeepDreamSettings
    from impasto.methods.gatys import GatysSettings as GatysSettings
    from impasto.nn.one_pass import OnePassSettings as OnePassSettings
    from impasto.result import Result as Result
    from impasto.result import Step as Step
    from impasto.training.train import train as train
    from impasto.verbs.channels import channels as channels
    from impasto.verbs.dream import dream as dream
    from impasto.verbs.edit import edit as edit
    from impasto.verbs.evaluate import evaluate as evaluate
    from impasto.verbs.folder import stylize_folder as stylize_folder
    from impasto.verbs.folder import translate_folder as translate_folder
    from impasto.verbs.layers import layers as layers
    from impasto.verbs.reproduce import reproduce as reproduce
    from impasto.verbs.sheet import sheet as sheet
    from impasto.verbs.stylize import stylize as stylize
    from impasto.verbs.translate import TranslateSettings as TranslateSettings
    from impasto.verbs.translate import translate as translate

_HOMES = {
    "DeepDreamSettings": "impasto.methods.deepdream",
    "GatysSettings": "impasto.methods.gatys",
    "Image": "impasto.image.io",
    "ImpastoError": "impasto.errors",
    "InputError": "impasto.errors",
    "OnePassSettings": "impasto.nn.one_pass",
    "Result": "impasto.result",
    "SettingError": "impasto.errors",
    "Step": "impasto.result",
    "TranslateSettings": "impasto.verbs.translate",
    "WeightsError": "impasto.errors",
    "channels": "impasto.verbs.channels",
    "dream": "impasto.verbs.dream",
    "edit": "impasto.verbs.edit",
    "evaluate": "impasto.verbs.evaluate",
    "layers": "impasto.verbs.layers",
    "read_image": "impasto.image.io",
    "reproduce": "impasto.verbs.reproduce",
    "sheet": "impasto.verbs.sheet",
    "stylize": "impasto.verbs.stylize",
    "train": "impasto.training.train",
    "stylize_folder": "impasto.verbs.folder",
    "translate": "impasto.verbs.translate",
    "translate_folder": "impasto.verbs.folder",
    "write_image": "impasto.image.io",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 -- the names of the table above


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'impasto' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
