"""`impasto translate`: files and folders, several samples, and what it refuses."""

import json
import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from tests.verbs.test_translate import model

from impasto.cli import main
from impasto.image.io import read_image
from impasto.methods import cyclegan
from impasto.methods.cyclegan import BothWays, CycleGANSettings
from impasto.methods.pix2pixhd import Pix2PixHDSettings, card_of, generator_of
from impasto.weights.model import write_model


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
    assert sorted(path.name for path in Path("out").glob("*.png")) == ["a-night.png", "c-night.png"]
    said = capsys.readouterr().err
    assert "b.png" in said and "1 of 3 pictures could not be painted; they are named in out/manifest.jsonl" in said
    rows = [json.loads(line) for line in Path("out/manifest.jsonl").read_text().splitlines()]
    assert [(row["content"], row["status"]) for row in rows] == [
        ("a.png", "painted"), ("b.png", "failed"), ("c.png", "painted"),
    ]  # fmt: skip


def test_a_folder_goes_on_where_it_was(capsys: pytest.CaptureFixture[str]):
    """What is finished is kept; another seed, or another network, is another picture."""
    Path("photos/deeper").mkdir(parents=True)
    for name in ("a", "deeper/b"):
        Path(f"photos/{name}.png").write_bytes(Path("cat.png").read_bytes())
    words = ["translate", "runs/night", "photos", "-o", "out", "--nested", "--samples", "2", "--json"]
    assert main(words) == 0
    names = ["a-night-1.png", "a-night-2.png", "deeper/b-night-1.png", "deeper/b-night-2.png"]
    assert sorted(path.relative_to("out").as_posix() for path in Path("out").rglob("*.png")) == names
    first, second = (read_image(f"out/a-night-{number}.png").pixels for number in (1, 2))
    assert (first != second).any()
    Path("out/deeper/b-night-2.png").unlink()
    capsys.readouterr()
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["painted"], told["kept"], told["failed"]) == (1, 3, 0)
    assert main([*words, "--seed", "7"]) == 0
    assert json.loads(capsys.readouterr().out)["painted"] == 4


def test_a_folder_of_label_maps(capsys: pytest.CaptureFixture[str]):
    settings = Pix2PixHDSettings(base_channels=2, num_downs=1, num_blocks=1, classes=3)
    write_model(Path("streets.safetensors"), generator_of(settings).state_dict(), card_of(settings))
    Path("maps").mkdir()
    indexed = PIL.Image.fromarray(np.arange(24 * 20).reshape(24, 20).astype(np.uint8) % 3, mode="P")
    indexed.putpalette([0, 0, 0, 200, 10, 10, 3, 90, 250])
    indexed.save("maps/a.png")
    assert main(["translate", "streets.safetensors", "maps", "-o", "out"]) == 0
    assert read_image("out/a-streets.png").pixels.shape == (24, 20, 3)
    assert main(["translate", "streets.safetensors", "maps", "-o", "out", "--style", "cat.png"]) == 2
    assert "was not trained to know looks" in capsys.readouterr().err


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
    assert told["real"] == {}, "there is no train"
    Path("data/val").rename("data/train")
    shutil.copytree("data/train", "data/val")
    assert main(["evaluate", "runs/night", "--data", "data"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["real"]["fid_efficientnet_lite0"] == pytest.approx(0, abs=1e-3), "the same pictures"
    assert told["protocol"]["count"] == 2 and told["protocol"]["split"] == "val"
    assert 0 < told["values"]["l1"] < 1 and told["intervals"]["l1"][0] <= told["values"]["l1"]
    assert {"fid_efficientnet_lite0", "kid_efficientnet_lite0"} < set(told["values"])
    assert "there is no --data" in refused("evaluate", "runs/night")
    assert "features is 'vgg'" in refused("evaluate", "runs/night", "--data", "data", "--features", "vgg")
    assert "there is no MODEL" in refused("evaluate")
    assert "neither a folder test" in refused("evaluate", "runs/night", "--data", "data", "--split", "test")


def test_a_model_that_goes_both_ways(capsys: pytest.CaptureFixture[str]):
    settings = CycleGANSettings(base_channels=2, num_blocks=1)
    torch.manual_seed(0)
    both = BothWays(cyclegan.generator_of(settings), cyclegan.generator_of(settings, "BtoA"))
    Path("runs/both").mkdir()
    write_model(Path("runs/both/model.safetensors"), both.state_dict(), cyclegan.card_of(settings))
    for name, words in (("there", ()), ("again", ("--direction", "AtoB")), ("back", ("--direction", "BtoA"))):
        assert main(["translate", "runs/both", "cat.png", "-o", f"{name}.png", *words]) == 0
    there, again, back = (read_image(f"{name}.png").pixels for name in ("there", "again", "back"))
    assert np.array_equal(there, again) and not np.array_equal(there, back)
    assert main(["reproduce", "back.png"]) == 0, "the recipe knows the direction"
    Path("photos").mkdir()
    shutil.copy("cat.png", "photos/a.png")
    assert main(["translate", "runs/both", "photos", "-o", "out", "--direction", "BtoA"]) == 0
    assert np.array_equal(read_image("out/a-both.png").pixels, back)
    capsys.readouterr()
    assert main(["translate", "runs/night", "cat.png", "-o", "x.png", "--direction", "BtoA"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "impasto: model.safetensors has learnt one direction, AtoB, not BtoA; leave direction out"
    ]
