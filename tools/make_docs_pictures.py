"""Make the pictures of the documentation from the examples, with the bundled networks and the default settings.

    python tools/make_docs_pictures.py              # all of them: about half an hour on one core
    python tools/make_docs_pictures.py brush_strokes regions

Pictures of trained translators are not made here: the pages that show them name the command that does.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

import impasto
from impasto.image.grid import grid

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
PHOTOS, PAINTINGS = ROOT / "examples" / "photos", ROOT / "examples" / "paintings"
PAGODA, CAT, DOGS = PHOTOS / "pagoda.jpg", PHOTOS / "cat.jpg", PHOTOS / "dogs.jpg"
MOUNTAINS = PHOTOS / "mountains.jpg"
WAVE, STARRY, AUVERS = (PAINTINGS / f"{name}.jpg" for name in ("great_wave", "starry_night", "auvers"))
POPPIES, SUMMERTIME = PAINTINGS / "poppies.jpg", PAINTINGS / "summertime.jpg"
HEAVIEST = 120_000
"""Bytes of a picture: pages should come quickly."""


def content_reconstructions() -> impasto.Image:
    """What each layer still knows of the pavilion."""
    return impasto.layers("content", PAGODA, size=144, steps=100).image


def brush_strokes() -> impasto.Image:
    """Which strokes each layer sees in the Starry Night."""
    return impasto.layers("style", STARRY, size=144, steps=90).image


def painting_grows() -> impasto.Image:
    """A picture while it is painted, at one size, from noise."""
    kept: dict[int, impasto.Image] = {}

    def keep(step: impasto.Step) -> None:
        if step.index in (1, 10, 40, 150):
            kept[step.index] = impasto.read_image(step.image)

    impasto.stylize(PAGODA, STARRY, size=256, init="noise", coarse_size=256, steps=150, on_step=keep)
    return grid(list(kept.values()), [f"step {index}" for index in kept], columns=4)


def balance() -> impasto.Image:
    """Less and more of the painter."""
    strengths = (0.2, 1.0, 5.0)
    painted = [impasto.stylize(CAT, AUVERS, size=192, style_weight=weight).image for weight in strengths]
    return grid(painted, [f"style weight {weight:g}" for weight in strengths])


def smoothness() -> impasto.Image:
    """No, the usual, and far too much total variation."""
    weights = (0.0, 0.3, 60.0)
    painted = [impasto.stylize(PAGODA, WAVE, size=192, tv_weight=weight).image for weight in weights]
    return grid(painted, [f"smoothness {weight:g}" for weight in weights])


def colors() -> impasto.Image:
    """Whose colours."""
    modes = ("style", "luminance", "linear")
    painted = [impasto.stylize(PAGODA, STARRY, size=192, colors=mode).image for mode in modes]
    return grid(painted, list(modes))


def regions() -> impasto.Image:
    """The sky after one painting, what is below it after another."""
    photo = impasto.read_image(PAGODA)
    sky = np.zeros((photo.height, photo.width), np.uint8)
    sky[: round(0.42 * photo.height)] = 255
    painted = impasto.stylize(
        PAGODA, [STARRY, POPPIES], masks=[sky, 255 - sky], method="prediction", size=384
    ).image
    return grid(
        [photo, impasto.Image(np.repeat(sky[:, :, None], 3, 2)), painted], ["photo", "mask", "painted"], longest=384
    )


def learnt_styles() -> impasto.Image:
    """One network, six of its styles."""
    styles = ("udnie", "the_scream", "mondrian_composition", "water_lilies", "klimt_adele", "hoitsu_flowers")
    painted = [impasto.stylize(CAT, style, method="multistyle", size=288).image for style in styles]
    return grid(painted, [style.replace("_", " ") for style in styles])


def between_styles() -> impasto.Image:
    """From one row of numbers to another."""
    shares = (0.0, 0.33, 0.67, 1.0)
    styles = ["the_scream", "great_wave"]
    painted = [
        impasto.stylize(PAGODA, styles, method="multistyle", size=256, style_blend=(1 - share, share)).image
        for share in shares
    ]
    return grid(painted, [f"{100 - 100 * share:.0f} : {100 * share:.0f}" for share in shares], columns=4)


def predicted() -> impasto.Image:
    """A painting that the network has never seen, at three strengths."""
    return _strengths("prediction", DOGS, POPPIES)


def by_moments() -> impasto.Image:
    """AdaIN, at three strengths."""
    return _strengths("adain", PAGODA, SUMMERTIME)


def _strengths(method: str, photo: Path, painting: Path) -> impasto.Image:
    strengths = (0.4, 0.7, 1.0)
    painted = [impasto.stylize(photo, painting, method=method, size=288, strength=each).image for each in strengths]
    cells = [impasto.read_image(painting), *painted]
    return grid(cells, ["painting", *(f"strength {each:g}" for each in strengths)], columns=4, longest=288)


def pagoda_dream() -> impasto.Image:
    """The default dream."""
    return impasto.dream(PAGODA, size=512).image


def dream_depth() -> impasto.Image:
    """What shallow and deep layers dream of."""
    layers = ("relu2_2", "relu3_3", "relu4_2", "relu5_1")
    return grid([impasto.dream(PAGODA, size=288, layers=(layer,)).image for layer in layers], layers, columns=4)


def dream_octaves() -> impasto.Image:
    """One size, three, five."""
    octaves = (1, 3, 5)
    dreamt = [impasto.dream(PAGODA, size=384, octaves=count).image for count in octaves]
    return grid(dreamt, [f"octaves {count}" for count in octaves], longest=320)


def dream_of() -> impasto.Image:
    """A class by its name, and a picture as a guide."""
    classes = ("golden retriever", "jellyfish")
    dreamt = [impasto.dream(MOUNTAINS, size=320, dream_of=each).image for each in classes]
    guided = impasto.dream(MOUNTAINS, size=320, guide=PHOTOS / "dahlia.jpg").image
    return grid([*dreamt, guided], [*classes, "guided by a dahlia"])


def dream_channels() -> impasto.Image:
    """What each of twelve channels dreams of."""
    return impasto.channels("relu4_3", channels=tuple(range(12)), size=128).image


PICTURES: dict[str, Callable[[], impasto.Image]] = {
    each.__name__: each
    for each in (
        learnt_styles,
        between_styles,
        predicted,
        by_moments,
        regions,
        pagoda_dream,
        dream_depth,
        dream_octaves,
        dream_of,
        dream_channels,
        balance,
        colors,
        smoothness,
        painting_grows,
        content_reconstructions,
        brush_strokes,
    )
}


def main() -> None:
    """Make those that are named, or all, each as good as its weight allows."""
    for name in sys.argv[1:] or PICTURES:
        picture, path = PICTURES[name](), FOLDER / f"{name}.jpg"
        for quality in range(92, 40, -4):
            impasto.write_image(picture, path, quality=quality)
            if path.stat().st_size <= HEAVIEST:
                break
        print(path, f"{picture.width}×{picture.height}", f"{path.stat().st_size // 1000} kB", flush=True)


if __name__ == "__main__":
    main()
