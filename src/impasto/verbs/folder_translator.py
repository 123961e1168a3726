"""A folder's pictures translated: what doing so needs, in whichever process."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from impasto.image.io import Image
from impasto.image.labels import read_labels
from impasto.methods import METHODS
from impasto.verbs.folder_painter import FolderWork, essence_of, ramp
from impasto.verbs.translate import TranslateSettings, load_translator, translate


@dataclass(frozen=True)
class FolderTranslator(FolderWork):
    """What translating any picture of a folder needs.

    Attributes:
        model: The model file.
        style: What to paint label maps like, if anything.
    """

    settings: TranslateSettings
    model: Path
    style: Image | None = None

    def essence(self) -> dict[str, Any]:
        """Return what decides how every picture looks, and find out before the first one what would fail for all.

        Raises:
            ImpastoError: If no picture could be translated like this.
        """
        small = replace(self, settings=replace(self.settings, size=None))
        photo = Image(np.zeros((16, 16, 1), np.uint8)) if self._labelled else ramp()
        if self._labelled and self.style is not None:
            photo = Image(np.zeros((self.style.height, self.style.width, 1), np.uint8))
        return essence_of(dict(small.made(photo).recipe or {}) | {"settings": asdict(self.settings)})

    def read(self, data: bytes, content: str) -> Image:
        """Return a picture of the folder, or a label map."""
        return read_labels(self.folder / content) if self._labelled else super().read(data, content)

    def made(self, photo: Image) -> Image:
        """Return what the picture becomes."""
        return translate(self.model, photo, style=self.style, settings=self.settings).image

    @property
    def _labelled(self) -> bool:
        return METHODS[load_translator(self.model, self.settings).card.method].labelled
