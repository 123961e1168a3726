"""A painting for each part of the photo, drawn in the page."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr
import numpy as np

from impasto.errors import SettingError
from impasto.image.io import Image, write_image
from impasto.studio.cards import chosen
from impasto.studio.paper import drawn_indices, ink, paper
from impasto.studio.photo import Photo
from impasto.studio.visitors import Upload, Visitor, Visitors

TOLD = (
    "Draw where each painting applies. What you leave free stays the photo. Draw nothing, and every painting "
    "applies everywhere. Keys: arrows move, space draws."
)
NEEDS = "Drop a photo and choose paintings first."


class Regions:
    """Paper over the photo, with a colour for each chosen painting; builds its controls where it is made.

    Args:
        visitors: Who draws.
        photo: What is drawn on.
        paintings: Which are chosen.
        known: Gives a visitor's paintings by card.
    """

    def __init__(
        self,
        visitors: Visitors,
        photo: Photo,
        paintings: gr.HTML,
        known: Callable[[Visitor], Mapping[str, Upload]],
    ) -> None:
        self.visitors, self.photo, self.known = visitors, photo, known
        self.paper = paper("Where each painting applies", TOLD, NEEDS)
        for changed in (photo.drop.change, paintings.change):
            changed(self._follow, paintings, self.paper, show_progress="hidden", api_visibility="private")

    def masks(self, visitor: Visitor, drawing: object, picked: object) -> list[Upload]:
        """Return a mask for each chosen painting, as files; none if nothing is drawn.

        Raises:
            SettingError: If a painting is chosen whose colour is nowhere.
        """
        known = self.known(visitor)
        inks = {key: ink(list(known).index(key)) for key in chosen(picked, known)}
        indices = drawn_indices(drawing, list(inks.values()))
        if indices is None:
            return []
        return [self._mask(visitor, known[key].name, indices == index) for index, key in enumerate(inks)]

    def _mask(self, visitor: Visitor, name: str, where: Any) -> Upload:
        if not where.any():
            raise SettingError(f"nothing is drawn in the colour of {name}; draw some, or choose it no longer")
        path = visitor.fresh(f"mask-{name.rpartition('.')[0] or name}.png")
        write_image(Image(np.where(where, 255, 0).astype(np.uint8)[:, :, None]), path)
        return Upload(path, path.name)

    def _follow(self, picked: object, request: gr.Request) -> Any:
        """Lay the visitor's photo under the paper, and the colours of the chosen paintings beside it."""
        visitor = self.visitors.of(request.session_hash)
        known, photo = self.known(visitor), self.photo.of(visitor)
        names: Sequence[str] = list(known)
        colors = [{"color": ink(names.index(key)), "name": known[key].name} for key in chosen(picked, known)]
        return gr.update(picture="" if photo is None else photo.shown, colors=colors)
