"""`impasto methods`: the table without torch, and one method's settings and networks."""

import json
import subprocess
import sys
from dataclasses import fields
from typing import get_args

import pytest

from impasto.cli import main
from impasto.methods.gatys import GatysSettings
from impasto.nn.vgg import Pooling, layer_names

PARAMETERS = {"vgg16": 14_714_688, "vgg16-imagenet": 14_714_688, "vgg19-imagenet": 20_024_384}
"""Simonyan & Zisserman's convolutions with their biases, counted from the table in the paper."""


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    assert main(["methods", *words, "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return json.loads(captured.out)


def test_the_table(capsys: pytest.CaptureFixture[str]):
    gatys, *others = answer(capsys)["methods"]
    assert [row["name"] for row in others] == [
        "johnson",
        "multistyle",
        "adain",
        "prediction",
        "deepdream",
        "pix2pix",
        "pix2pixhd",
        "spade",
        "cyclegan",
        "cut",
        "fastcut",
        "sincut",
        "stargan",
    ]
    assert gatys["name"] == "gatys" and gatys["verb"] == "stylize" and "CVPR 2016" in gatys["paper"]
    assert main(["methods"]) == 0
    assert "gatys" in capsys.readouterr().out


def test_the_table_needs_no_torch():
    program = "import sys; from impasto.cli import main; main(['methods']); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL, check=True)


def test_one_method(capsys: pytest.CaptureFixture[str]):
    told = answer(capsys, "gatys")
    assert told["networks"] == PARAMETERS
    assert next(iter(told["networks"])) == "vgg16"
    assert told["url"] == "https://arxiv.org/abs/1508.06576"
    settings = told["settings"]
    assert list(settings) == [each.name for each in fields(GatysSettings)]
    assert all(row["what"].endswith(".") and row["default"] == row["value"] for row in settings.values())
    assert settings["pooling"]["allowed"] == ", ".join(get_args(Pooling))
    assert settings["size"]["allowed"] == "whole numbers from 16 to 16384"
    assert settings["style_layers"]["allowed"] == ", ".join(layer_names("vgg16"))
    assert settings["tv_weight"]["allowed"].startswith("values from 0 to ")
    assert settings["init"]["allowed"] == ""


@pytest.mark.parametrize(
    ("method", "network", "parameters"),
    [("johnson", "transfer", 1_679_235), ("adain", "decoder", 3_505_219)],
)
def test_networks_of_the_papers_width(
    capsys: pytest.CaptureFixture[str], method: str, network: str, parameters: int
):
    """The counts that others' code for these papers has."""
    assert answer(capsys, method)["networks"][network] == parameters


def test_settings_of_a_parent_are_told_too(capsys: pytest.CaptureFixture[str]):
    settings = answer(capsys, "prediction")["settings"]
    assert settings["base_channels"]["what"] == "Channels at full resolution; the paper's are 32."
    assert settings["embedding_size"]["default"] == 100 and settings["looks"]["default"] is None


def test_settings_are_flags(capsys: pytest.CaptureFixture[str]):
    told = answer(capsys, "gatys", "--network", "vgg19-imagenet", "--size", "99")
    assert next(iter(told["networks"])) == "vgg19-imagenet" and told["networks"] == PARAMETERS
    assert told["settings"]["size"]["value"] == 99 and told["settings"]["size"]["default"] is None


def test_for_people(capsys: pytest.CaptureFixture[str]):
    assert main(["methods", "gatys"]) == 0
    out = capsys.readouterr().out
    assert "https://arxiv.org/abs/1508.06576" in out
    assert "vgg19-imagenet  20,024,384 parameters" in out
    assert all(each.name in out for each in fields(GatysSettings))
