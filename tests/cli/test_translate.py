"""`impasto translate`: files and folders, several samples, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from tests.verbs.test_translate import model

from impasto.cli import main
from impasto.image.io import read_image


@pytest.fixture(autouse=True)
def network(folder: Path) -> None:
    Path("runs/night").mkdir(parents=True)
    model(Path("runs/night/model.safetensors"), num_layers=1)


def test_one_picture(capsys: pytest.CaptureFixture[str]):
    assert main(["translate", "runs/night", "cat.png", "--json"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert told["output"] == "cat-night.png" and "cat-night.png" in captured.err
    with PIL.Image.open("cat.png") as source, PIL.Image.open("cat-night.png") as translated:
        assert source.size == translated.size == tuple(told["size"])
    assert read_image("cat-night.png").recipe["verb"] == "translate"
    assert main(["translate", "runs/night/model.safetensors", "cat.png", "-o", "other.jpg"]) == 0
    assert Path("other.jpg").is_file()


def test_samples_differ_and_a_seed_repeats_them():
    words = ["translate", "runs/night", "cat.png", "--size", "64"]
    assert main([*words, "-o", "x.png", "--samples", "3", "--seed", "4"]) == 0
    pictures = [read_image(f"x-{number}.png").pixels for number in (1, 2, 3)]
    assert not np.array_equal(pictures[0], pictures[1]) and not np.array_equal(pictures[1], pictures[2])
    assert main([*words, "-o", "again.png", "--seed", "5"]) == 0
    assert np.array_equal(read_image("again.png").pixels, pictures[1])


def test_a_folder_and_one_broken_picture(capsys: pytest.CaptureFixture[str]):
    Path("photos").mkdir()
    for name in "abc":
        Path(f"photos/{name}.png").write_bytes(Path("cat.png").read_bytes())
    Path("photos/b.png").write_bytes(b"\x89PNG broken")
    assert main(["translate", "runs/night", "photos", "-o", "out"]) == 2
    assert sorted(path.name for path in Path("out").iterdir()) == ["a-night.png", "c-night.png"]
    said = capsys.readouterr().err
    assert "b.png" in said and "1 of 3 pictures could not be translated" in said


def test_refusals(refused):
    assert "there is no MODEL" in refused("translate")
    assert "there is no SOURCE" in refused("translate", "runs/night")
    assert "there is no model nowhere" in refused("translate", "nowhere", "cat.png")
    assert "samples is 0" in refused("translate", "runs/night", "cat.png", "--samples", "0")
    assert "choose another output" in refused("translate", "runs/night", "cat.png", "-o", "cat.png")
    assert "lost.png does not exist" in refused("translate", "runs/night", "lost.png")


def test_measuring(capsys: pytest.CaptureFixture[str], refused):
    """The two halves of each file are alike, so that a picture's distance from itself shows."""
    Path("data/val").mkdir(parents=True)
    for name in "ab":
        with PIL.Image.open("cat.png") as image:
            both = PIL.Image.new("RGB", (128, 64))
            both.paste(image.resize((64, 64)), (0, 0))
            both.paste(image.resize((64, 64)), (64, 0))
            both.save(f"data/val/{name}.png")
    assert main(["evaluate", "runs/night", "--data", "data"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["protocol"]["count"] == 2 and told["protocol"]["split"] == "val"
    assert 0 < told["values"]["l1"] < 1 and told["intervals"]["l1"][0] <= told["values"]["l1"]
    assert "there is no --data" in refused("evaluate", "runs/night")
    assert "there is no MODEL" in refused("evaluate")
    assert "neither a folder test" in refused("evaluate", "runs/night", "--data", "data", "--split", "test")
