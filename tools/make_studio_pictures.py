"""Make the small pictures by which the studio lets people choose a layer to dream with.

python tools/make_studio_pictures.py
"""

from pathlib import Path

import impasto
from impasto.studio.dream_tab import LAYERS, LAYERS_FOLDER

ROOT = Path(__file__).parents[1]
SIZE = 176


def main() -> None:
    """Dream on the mountains with each layer, and write what comes to the studio's folder."""
    LAYERS_FOLDER.mkdir(exist_ok=True)
    for layer in LAYERS:
        result = impasto.dream(
            ROOT / "examples" / "photos" / "mountains.jpg", layers=(layer,), size=SIZE, octaves=3, steps=14
        )
        impasto.write_image(result.image, LAYERS_FOLDER / f"{layer}.jpg", quality=82)
        print(layer, f"{result.seconds:.0f} s")


if __name__ == "__main__":
    main()
