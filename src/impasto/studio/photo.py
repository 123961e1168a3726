"""The photo of a tab: dropped, or one of the bundled ones."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from impasto.errors import ImpastoError, InputError
from impasto.image.io import Image
from impasto.studio.cards import card, cards
from impasto.studio.easel import told
from impasto.studio.pictures import SHOWN, bundled_url, picture_drop, picture_url, small
from impasto.studio.visitors import Upload, Visitor, Visitors
from impasto.verbs.demo import examples_folder


class Photo:
    """A place for one picture; builds its controls where it is made.

    Args:
        visitors: Who gives one.
        role: What it is kept as, such as `style content`.
        label: What it is called on the page.
        height: Of the place, in pixels.
    """

    def __init__(self, visitors: Visitors, role: str, label: str, *, height: int = 320) -> None:
        self.visitors, self.role = visitors, role
        self.drop = picture_drop(label, height=height)
        self.said = gr.HTML(value="", js_on_load=None, elem_classes="said")
        self.drop.upload(
            self._given,
            self.drop,
            [self.drop, self.said],
            show_progress="hidden",
            concurrency_limit=1,
            concurrency_id="reading",
            api_visibility="private",
        )
        self.drop.clear(self._taken_away, None, self.said, show_progress="hidden", api_visibility="private")

    def of(self, visitor: Visitor) -> Upload | None:
        """Return the picture that a visitor gave, if any."""
        return visitor.pictures.get(self.role)

    def needed(self, visitor: Visitor) -> Upload:
        """Return the picture that a visitor gave.

        Raises:
            InputError: If there is none.
        """
        given = self.of(visitor)
        if given is None:
            raise InputError("there is no photo yet; drop one, or choose one of those shown")
        return given

    def _given(self, given: dict[str, str] | None, request: gr.Request) -> tuple[Any, str]:
        visitor = self.visitors.of(request.session_hash)
        visitor.pictures.pop(self.role, None)
        if given is None:
            return None, ""
        try:
            upload, image = visitor.keep(given["path"], given["name"])
        except ImpastoError as error:
            return None, told(str(error), mistake=True)
        return self.show(visitor, upload, image)

    def show(self, visitor: Visitor, upload: Upload, image: Image) -> tuple[Any, str]:
        """Keep a visitor's picture, and return what the page shows and says of it."""
        visitor.pictures[self.role] = replace(upload, shown=picture_url(image, SHOWN))
        return small(image, SHOWN), told(f"{upload.name}, {image.width} × {image.height} pixels")

    def _taken_away(self, request: gr.Request) -> str:
        self.visitors.of(request.session_hash).pictures.pop(self.role, None)
        return ""


def offer_examples(photo: Photo, visitors: Visitors) -> gr.HTML:
    """Show the bundled photos, one of which may be chosen in place of one's own."""
    paths = {path.name: path for path in sorted((examples_folder() / "photos").glob("*.jpg"))}
    examples = cards(
        "or one of these",
        [card(name, titled(path), bundled_url(path)) for name, path in paths.items()],
        choose="one",
        elem_classes="small-cards",
    )

    def choose(value: object, request: gr.Request) -> tuple[Any, Any]:
        name = next(iter(value), None) if isinstance(value, dict) else None
        if name not in paths:
            return gr.skip(), gr.skip()
        upload = Upload(paths[name], name)
        return photo.show(visitors.of(request.session_hash), upload, upload.read())

    examples.change(choose, examples, [photo.drop, photo.said], show_progress="hidden", api_visibility="private")
    # a photo of one's own is none of these, and each of these can be chosen again
    photo.drop.upload(dict, None, examples, show_progress="hidden", api_visibility="private")
    return examples


def titled(path: Path) -> str:
    """Return what a bundled picture is called."""
    return path.stem.replace("_", " ").capitalize()
