"""The documentation's drawings: the house out of import-linter's contract, and how the networks hang together.

They are drawn while the site is built (`docs_hooks`), so that the house is the one that is checked.
"""

import html
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
INK, PALE, WARM, COOL = "#263238", "#eceff1", "#ffe0d6", "#dceaf5"
FONT = "font-family='system-ui, sans-serif'"


class Drawing:
    """Boxes, arrows and words, as SVG.

    Args:
        width: In pixels.
        height: In pixels.
        what: Told to those who cannot see it.
    """

    def __init__(self, width: int, height: int, what: str) -> None:
        self.parts = [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' role='img'>",
            f"<title>{html.escape(what)}</title>",
            "<defs><marker id='tip' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' markerHeight='7' "
            f"orient='auto-start-reverse'><path d='M0 0 L8 4 L0 8 z' fill='{INK}'/></marker></defs>",
            f"<rect width='{width}' height='{height}' fill='#ffffff'/>",
        ]

    def box(
        self, x: float, y: float, width: float, height: float, name: str, *words: str, fill: str = PALE
    ) -> "Drawing":
        """Add a box with a name and lines of words in it."""
        self.parts.append(
            f"<rect x='{x}' y='{y}' width='{width}' height='{height}' rx='6' fill='{fill}' stroke='{INK}'/>"
        )
        top = y + height / 2 - 9 * len(words)
        self.words(x + width / 2, top + 5, name, bold=True)
        for index, line in enumerate(words, 1):
            self.words(x + width / 2, top + 5 + 18 * index, line)
        return self

    def words(self, x: float, y: float, text: str, *, bold: bool = False, anchor: str = "middle") -> "Drawing":
        """Add a line of words."""
        size = "15' font-weight='600" if bold else "13"
        self.parts.append(
            f"<text x='{x}' y='{y}' text-anchor='{anchor}' {FONT} font-size='{size}' fill='{INK}'>"
            f"{html.escape(text)}</text>"
        )
        return self

    def arrow(self, *points: tuple[float, float], dashed: bool = False) -> "Drawing":
        """Add an arrow through points."""
        dash = " stroke-dasharray='5 4'" if dashed else ""
        path = " L".join(f"{x} {y}" for x, y in points)
        self.parts.append(
            f"<path d='M{path}' fill='none' stroke='{INK}' stroke-width='1.6' marker-end='url(#tip)'{dash}/>"
        )
        return self

    def svg(self) -> str:
        """Return the drawing."""
        return "\n".join([*self.parts, "</svg>", ""])


def floors() -> list[list[str]]:
    """Return the rooms of the house from the top down, those of one floor together."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (each["layers"] for each in contracts if each["type"] == "layers")
    return [[room.strip().removeprefix("impasto.") for room in floor.split("|")] for floor in layers]


def house() -> str:
    """The house: who may import whom."""
    storeys = floors()
    drawing = Drawing(860, 60 * len(storeys) + 40, "The floors of impasto; imports point down only")
    for number, rooms in enumerate(storeys):
        width = (720 - 10 * (len(rooms) - 1)) / len(rooms)
        for index, room in enumerate(rooms):
            fill = WARM if room == "methods" else PALE
            drawing.box(20 + index * (width + 10), 20 + 60 * number, width, 46, room, fill=fill)
    drawing.arrow((770, 30), (770, 60 * len(storeys) + 6))
    return drawing.words(786, 32 * len(storeys), "imports", anchor="start").svg()


def style_transfer() -> str:
    """Which picture goes where when a picture is painted."""
    drawing = Drawing(860, 310, "Content, style and the picture being painted go through one network; two losses")
    for row, (name, words) in enumerate(
        (("content C", "a photo"), ("picture G", "being painted"), ("style S", "a painting"))
    ):
        drawing.box(20, 20 + 95 * row, 130, 70, name, words, fill=COOL if row == 1 else PALE)
        drawing.arrow((150, 55 + 95 * row), (230, 55 + 95 * row))
        if row != 1:
            drawing.arrow((370, 55 + 95 * row), (450, 55 + 95 * row))
    drawing.box(230, 20, 140, 260, "VGG", "stays as it is;", "looks at all three")
    drawing.box(450, 20, 170, 105, "content loss", "same features", "at the same place?", fill=WARM)
    drawing.box(450, 175, 170, 105, "style loss", "same Gram matrices,", "wherever?", fill=WARM)
    drawing.arrow((370, 150), (410, 150), (410, 100), (450, 100))
    drawing.arrow((410, 150), (410, 200), (450, 200))
    drawing.box(690, 105, 150, 90, "their sum", "and a little", "smoothness", fill=WARM)
    drawing.arrow((620, 72), (690, 125)).arrow((620, 228), (690, 175))
    drawing.arrow((765, 195), (765, 292), (10, 292), (10, 165), (20, 165), dashed=True)
    return drawing.words(560, 306, "the gradient says how to change G").svg()


def conditional_gan() -> str:
    """Who sees what in Pix2Pix."""
    drawing = Drawing(860, 270, "The discriminator sees the input beside the output, real or generated")
    drawing.box(20, 100, 120, 60, "input x", "a label map")
    drawing.box(200, 100, 140, 60, "generator G", "a U-Net", fill=COOL)
    drawing.box(400, 100, 120, 60, "G(x)", "generated")
    drawing.box(400, 200, 120, 60, "truth y", "the photo")
    drawing.box(610, 20, 220, 70, "discriminator D", "x beside G(x): generated?", "x beside y: real?", fill=WARM)
    drawing.box(610, 150, 220, 60, "L1", "how far G(x) is from y", fill=WARM)
    drawing.arrow((140, 130), (200, 130)).arrow((340, 130), (400, 130))
    drawing.arrow((80, 100), (80, 45), (610, 45))
    drawing.arrow((520, 120), (565, 120), (565, 70), (610, 70)).arrow(
        (520, 140), (565, 140), (565, 170), (610, 170)
    )
    drawing.arrow((520, 230), (580, 230), (580, 195), (610, 195))
    return drawing.arrow((590, 195), (590, 82), (610, 82)).svg()


def patches() -> str:
    """What one verdict of a PatchGAN is about."""
    drawing = Drawing(860, 250, "Each verdict of a PatchGAN is about 70 by 70 pixels")
    drawing.parts.append(f"<rect x='40' y='20' width='205' height='205' fill='{COOL}' stroke='{INK}'/>")
    for x, y in ((65, 55), (81, 55), (159, 139)):
        drawing.parts.append(
            f"<rect x='{x}' y='{y}' width='56' height='56' fill='{WARM}' fill-opacity='0.7' stroke='{INK}'/>"
        )
    drawing.words(142, 242, "256 × 256 pixels; windows of 70 × 70")
    drawing.box(330, 70, 200, 100, "four convolutions,", "4 × 4, strides 2, 2, 2, 1,", "and a last one")
    drawing.arrow((245, 122), (330, 122)).arrow((530, 122), (635, 122))
    for row in range(10):
        for column in range(10):
            shade = WARM if (row * 7 + column * 3) % 5 else "#ffffff"
            drawing.parts.append(
                f"<rect x='{635 + 20 * column}' y='{22 + 20 * row}' width='20' height='20' fill='{shade}' "
                f"stroke='{INK}' stroke-width='0.5'/>"
            )
    return drawing.words(735, 242, "30 × 30 verdicts (10 × 10 drawn)").svg()


def cycle() -> str:
    """There and back again, both ways round."""
    drawing = Drawing(860, 300, "A picture of A becomes one of B and must lead back, and the other way round")
    rows: Sequence[tuple[int, Sequence[str], Sequence[str], str]] = (
        (20, ("real a", "fake b", "rec a"), ("G: A → B", "F: B → A"), "D_B: is it a real b?"),
        (170, ("real b", "fake a", "rec b"), ("F: B → A", "G: A → B"), "D_A: is it a real a?"),
    )
    for top, pictures, networks, judge in rows:
        for index, picture in enumerate(pictures):
            drawing.box(20 + 340 * index, top, 120, 50, picture)
        for index, network in enumerate(networks):
            drawing.box(190 + 340 * index, top, 120, 50, network, fill=COOL)
            drawing.arrow((140 + 340 * index, top + 25), (190 + 340 * index, top + 25))
            drawing.arrow((310 + 340 * index, top + 25), (360 + 340 * index, top + 25))
        drawing.box(330, top + 72, 180, 40, judge, fill=WARM).arrow((420, top + 50), (420, top + 72))
        drawing.arrow((80, top + 50), (80, top + 92), (230, top + 92), dashed=True)
        drawing.arrow((760, top + 50), (760, top + 92), (610, top + 92), dashed=True)
        drawing.words(268, top + 97, "the same?").words(570, top + 97, "the same?")
    return drawing.svg()


DRAWINGS: dict[str, Callable[[], str]] = {
    f"{draw.__name__}.svg": draw for draw in (house, style_transfer, conditional_gan, patches, cycle)
}
