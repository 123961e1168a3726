"""`impasto train`: a network learnt, a style added to it, and what is refused."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from tests.cli.conftest import impasto

from impasto.weights.model import read_model

TINY = (
    *("--base-channels", "4", "--num-blocks", "1", "--crop-size", "32", "--style-size", "64"),
    *("--batch-size", "2", "--steps", "2"),
)


@pytest.fixture
def words(folder: Path) -> list[str]:
    Path("photos").mkdir()
    shutil.copy("cat.png", "photos/cat.png")
    return ["train", "multistyle", "--data", "photos", "--styles", "wave.png"]


def test_a_style_is_added_with_the_settings_of_the_network(words: list[str]):
    first = impasto(*words, "--run", "first", *TINY, "--content-weight", "0.123", "--json")
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert told["steps"] == 2 and Path(told["model"]) == Path("first/model.safetensors")
    shutil.copy("wave.png", "other.png")
    words[words.index("wave.png")] = "other.png"
    second = impasto(*words, "--run", "second", "--start", told["model"], "--steps", "3")
    assert second.returncode == 0 and b"second/model.safetensors: 3 steps" in second.stderr
    card, tensors = read_model(Path("second/model.safetensors"))
    assert card.styles == ("wave", "other")
    assert (card.settings["content_weight"], card.settings["crop_size"]) == (0.123, 32)
    assert (card.settings["steps"], card.settings["learning_rate"]) == (3, 0.01)
    _, before = read_model(Path("first/model.safetensors"))
    assert all(torch.equal(tensors[name][: len(each)], each) for name, each in before.items())


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (("--start", "no.safetensors"), "there is no model no.safetensors"),
        (("--start", "cat.png"), "cat.png is damaged, or no model file"),
        (("--steps", "0"), "steps is 0; allowed are whole numbers from 1"),
        (("--styels", "wave.png"), "did you mean --styles"),
        (("--start", "adain"), "is a network for adain; multistyle begins with one for multistyle or prediction"),
    ],
)
def test_refusals(change: tuple[str, ...], wanted: str, words: list[str], refused):
    assert wanted in refused(*words, "--run", "run", *TINY, *change)
    assert not Path("run").exists()


def test_a_method_is_needed(refused):
    assert "there is no method to train; write one of johnson" in refused("train")
    assert "choose one of johnson" in refused("train", "gatys")
    assert "there is no --data" in refused("train", "johnson")
