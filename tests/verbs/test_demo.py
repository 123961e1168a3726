"""The demo's pictures are there."""

from impasto.image import read_image
from impasto.verbs.demo import PAINTING, PHOTO, demo, examples_folder


def test_the_examples_are_found_beside_the_source():
    folder = examples_folder()
    assert (folder / PHOTO).is_file() and (folder / PAINTING).is_file()
    assert len(list(folder.glob("*/*.jpg"))) >= 11


def test_demo():
    steps = []
    result = demo(size=32, steps=1, coarse_size=32, on_step=steps.append)
    assert len(steps) == 1 and max(result.image.width, result.image.height) == 32
    assert result.recipe["inputs"]["content"]["sha256"] == read_image(examples_folder() / PHOTO).sha256
