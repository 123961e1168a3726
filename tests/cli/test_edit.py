"""`impasto edit`: objects listed, edited and painted, maps kept to go on with."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from impasto.cli import main
from impasto.image.io import Image, read_image, write_image
from impasto.image.labels import read_label_map
from impasto.methods import pix2pixhd, spade
from impasto.methods.pix2pixhd import InstanceEncoder, Pix2PixHDSettings
from impasto.methods.spade import SpadeSettings
from impasto.verbs.reproduce import reproduce
from impasto.weights.model import write_model


@pytest.fixture
def street(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a folder with a map of a car on a road and a network that knows looks of objects."""
    monkeypatch.chdir(tmp_path)
    labels = np.zeros((32, 48), np.uint8)
    labels[16:] = 1
    labels[12:22, 8:20] = 2
    write_image(Image(labels[..., None]), "map.png")
    settings = Pix2PixHDSettings(
        classes=3, base_channels=4, num_downs=1, num_blocks=1, instance_features=2, dont_care=False
    )
    torch.manual_seed(0)
    generator = pix2pixhd.generator_of(settings)
    assert isinstance(generator.encoder, InstanceEncoder)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.mul_(10)
        generator.encoder.looks.normal_()
    write_model(tmp_path / "net.safetensors", generator.state_dict(), pix2pixhd.card_of(settings))
    return tmp_path


def test_objects_are_listed(street: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["edit", "net.safetensors", "map.png"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in printed[1:]] == [["0", "0", "720"], ["2", "1", "696"], ["1", "2", "120"]]
    assert printed[3].endswith("8,12 to 20,22")
    assert main(["edit", "net.safetensors", "map.png", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["objects"][2] == {
        "number": 1, "label": 2, "places": 120, "box": [8, 12, 20, 22],
    }  # fmt: skip


def test_edits_are_painted_and_kept(street: Path, capsys: pytest.CaptureFixture[str]):
    words = ["edit", "net.safetensors", "map.png", "--seed", "3"]
    edits = ["--edit", "copy 10,15 20 2", "remove 1", "add 2 0 0 4 4"]
    assert main([*words, *edits, "-o", "out.png", "--map-output", "new.png", "--instances-output", "obj.png"]) == 0
    labels, objects = (read_label_map(Path(name)) for name in ("new.png", "obj.png"))
    assert (labels[14:24, 28:40] == 2).all() and not (labels[12:22, 8:20] == 2).any()
    assert (labels[:4, :4] == 2).all() and objects[15, 30] == 3 and objects[0, 0] == 4
    # what was kept is painted as what was edited
    again = ["translate", "net.safetensors", "new.png", "--instances", "obj.png", "--seed", "3", "-o", "again.png"]
    assert main(again) == 0
    assert reproduce("out.png").identical


def test_a_copy_looks_like_the_first_and_the_rest_stays(street: Path):
    """Far from what was edited the picture is the same but for what normalisation sees of it."""
    from impasto import edit, translate

    kept = translate("net.safetensors", "map.png", precision="fp32").image.pixels.astype(float)
    copied = edit("net.safetensors", "map.png", ["copy 1 20 0"], precision="fp32").result.image.pixels.astype(float)
    change = np.abs(copied - kept).mean(axis=2)
    assert change[12:22, 28:40].mean() > 4 * change[:8, :8].mean()


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        (("paint 1",), "the edit is 'paint 1'; allowed are: remove OBJECT; move OBJECT RIGHT DOWN"),
        (("remove",), "the edit is 'remove'; allowed are"),
        (("remove x",), "the edit is 'remove x', in which 'x' is no whole number"),
        (("remove 9",), "there is no object 9; the 3 there are have 0, 1, 2"),
        (("restyle 1 10",), "the look is 10; allowed are whole numbers from 0 to 9"),
        (("relabel 1 7",), "the class is 7; allowed are whole numbers from 0 to 2"),
    ],
)
def test_refusals(edits: tuple[str, ...], said: str, street: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["edit", "net.safetensors", "map.png", "--edit", *edits, "-o", "out.png"]) == 2
    assert said in capsys.readouterr().err and not (street / "out.png").exists()


def test_a_network_without_looks_of_objects(street: Path, capsys: pytest.CaptureFixture[str]):
    settings = SpadeSettings(classes=3, base_channels=2, num_ups=5)
    write_model(street / "spade.safetensors", spade.generator_of(settings).state_dict(), spade.card_of(settings))
    assert main(["edit", "spade.safetensors", "map.png", "--edit", "remove 1", "-o", "out.png"]) == 0
    assert read_image("out.png").width == 48
    assert main(["edit", "spade.safetensors", "map.png", "--edit", "restyle 1 2", "-o", "out.png"]) == 2
    assert "was not trained to know looks of objects; leave restyle out" in capsys.readouterr().err
