"""A video translated frame by frame."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from impasto.data.label_sets import ALL
from impasto.errors import SettingError
from impasto.image.clips import VideoSettings
from impasto.image.flow import Carried, Frame
from impasto.image.io import Image
from impasto.image.regions import visible_colors
from impasto.image.tensors import from_tensor
from impasto.image.video import Clip
from impasto.methods import METHODS
from impasto.verbs.stylize import recipe_of
from impasto.verbs.translate import TranslateSettings, load_translator, translate
from impasto.verbs.video import at_size, with_clip


@dataclass(frozen=True)
class TranslatedLook:
    """Frames translated, all with the same noise.

    Attributes:
        model: The model file.
        settings: How frames are translated.
        video: What only videos have.

    Raises:
        SettingError: If the network paints label maps.
        WeightsError: If the model is damaged, or does not translate.
    """

    model: Path
    settings: TranslateSettings
    video: VideoSettings

    def __post_init__(self) -> None:
        translator = load_translator(self.model, self.settings)
        if METHODS[translator.card.method].labelled:
            raise SettingError(f"{translator.name} paints label maps, which are no videos; give pictures")
        if self.settings.to == ALL:
            raise SettingError(f"to is {ALL!r}, which makes a strip of a picture; name one domain for a video")

    @property
    def size(self) -> int | None:
        """Longest side of translated frames."""
        return self.settings.size

    def frames(self, height: int, width: int) -> "TranslatedFrames":
        """Return what translates frames of a size."""
        return TranslatedFrames(self, (height, width))

    def recipe(self, clip: Clip) -> dict[str, Any]:
        """Return everything needed to translate a video again, as JSON values."""
        translator = load_translator(self.model, self.settings)
        choices = {"translator": str(self.model), "video": asdict(self.video)}
        return with_clip(recipe_of("translate", self.settings, {}, translator, **choices), clip)


@dataclass(frozen=True)
class TranslatedFrames:
    """What translates frames of one size.

    Attributes:
        look: How.
        size: Height and width, in pixels.
    """

    look: TranslatedLook
    frame_size: tuple[int, int]

    def sized(self, pixels: Frame) -> Image:
        """Return a frame at the size it is translated at."""
        return at_size(pixels, self.frame_size)

    def paint(self, photo: Image, before: Carried | None = None) -> Image:
        """Translate a frame, each anew; what becomes of it is shown in colours, in front of white."""
        painted = translate(self.look.model, photo, settings=self.look.settings).image
        return from_tensor(visible_colors(painted), photo)
