"""`impasto data check`: what it says, and what a training will need."""

import json
from pathlib import Path

import pytest
from tests.data.test_doctor import picture

from impasto.cli import main


@pytest.fixture(autouse=True)
def data(folder: Path) -> Path:
    for split, count in (("train", 20), ("val", 2)):
        for side in "AB":
            (folder / f"data/{split}{side}").mkdir(parents=True)
            for number in range(count):
                seed = 1000 * (split == "val") + 100 * (side == "B") + number
                picture(seed).save(folder / f"data/{split}{side}/{number}.png")
    return folder / "data"


SMALL = ("--crop-size", "32", "--load-size", "32", "--num-downs", "5", "--base-channels", "2", "--num-layers", "1")


def test_a_healthy_folder_and_its_forecast(capsys: pytest.CaptureFixture[str]):
    assert main(["data", "check", "data", "--for", "pix2pix", *SMALL, "--json"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert told["counts"] == {"train": 20, "val": 2} and told["findings"] == []
    assert told["forecast"]["steps"] == 200 * 20 and told["forecast"]["seconds_a_step"] > 0
    assert "nothing is wrong" in captured.err and "4,000 steps of" in captured.err


def test_errors_are_named_and_end_with_2(data: Path, capsys: pytest.CaptureFixture[str]):
    (data / "trainA/3.png").unlink()
    assert main(["data", "check", "data", "--for", "pix2pix", *SMALL, "--no-measure"]) == 2
    said = capsys.readouterr().err
    assert "error: trainB/3.png: has no file of its name in trainA" in said and "1 errors" in said


def test_training_asks_the_doctor_first(data: Path, capsys: pytest.CaptureFixture[str]):
    (data / "trainA/3.png").unlink()
    words = ["train", "pix2pix", "--data", "data", "--run", "run", *SMALL, "--epochs", "1", "--decay-epochs", "0"]
    assert main(words) == 0
    assert "error: trainB/3.png: has no file of its name" in capsys.readouterr().err
    assert main(words) == 0, "a finished run has nothing left to do"
    assert "trainB/3.png" not in capsys.readouterr().err


def test_refusals(refused):
    assert "there is no --for; name one of johnson" in refused("data", "check", "data")
    assert "the method is 'gatys'; choose one of" in refused("data", "check", "data", "--for", "gatys")
    assert "there is no folder nowhere" in refused("data", "check", "nowhere", "--for", "pix2pix")
    assert "choose one of check" in refused("data", "mend", "data")
    assert "there is no folder" in refused("data", "check", "--for", "pix2pix")
