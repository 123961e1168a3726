"""`impasto convert`: what it makes of published files, and what it says."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from impasto.cli import main
from impasto.weights.model import MODEL_SUFFIX, read_model

PLACES = {1: (256, 512), 5: (256, 256), 8: (256, 256), 11: (256, 256), 14: (128, 256), 18: (128, 128)}
DECODER = PLACES | {21: (64, 128), 25: (64, 64), 28: (3, 64)}
"""Where the published decoder has convolutions, and their widths (out, in)."""
ENCODER = {2: (64, 3), 5: (64, 64), 9: (128, 64), 12: (128, 128), 16: (256, 128), 19: (256, 256), 22: (256, 256)}
ENCODER |= {25: (256, 256), 29: (512, 256), 32: (512, 512), 35: (512, 512), 38: (512, 512)}
ENCODER |= dict.fromkeys((42, 45, 48, 51), (512, 512))


def sequential(layout: dict[int, tuple[int, int]]) -> dict[str, Tensor]:
    """Return the state of a published network, one number everywhere, so that its file is small."""
    one = torch.full((1,), 0.01)
    weights = {f"{place}.weight": one.expand(*widths, 3, 3) for place, widths in layout.items()}
    return weights | {f"{place}.bias": one.expand(widths[0]) for place, widths in layout.items()}


@pytest.fixture(autouse=True)
def files(folder: Path) -> None:
    torch.save(sequential(DECODER), "decoder.pth")
    recoding = {"0.weight": torch.eye(3)[:, :, None, None], "0.bias": torch.zeros(3)}
    torch.save(sequential(ENCODER) | recoding, "vgg_normalised.pth")


def test_a_decoder_and_its_encoder_become_one_file(capsys: pytest.CaptureFixture[str]):
    words = ("convert", "decoder.pth", "any.safetensors", "--encoder", "vgg_normalised.pth")
    assert main([*words, "--json"]) == 0
    captured = capsys.readouterr()
    answer = json.loads(captured.out)
    assert answer["output"] == "any.safetensors" and answer["method"] == "adain" and answer["styles"] == []
    assert len(answer["left_out"]) == 14
    assert captured.err.count("\n") == 1
    assert (
        "stylize --method adain --model any.safetensors; left out" in captured.err and "32.weight" in captured.err
    )
    card, tensors = read_model(Path("any.safetensors"))
    assert set(card.training["files"]) == {"decoder.pth", "vgg_normalised.pth"}
    assert sum(tensor.numel() for name, tensor in tensors.items() if "encoder" not in name) == 3_505_219


def test_refusals(refused):
    assert "there is no checkpoint; see impasto convert --help" in refused("convert")
    assert "there is no OUT" in refused("convert", "decoder.pth")
    assert f"a model file is called {MODEL_SUFFIX}" in refused("convert", "decoder.pth", "any.pth")
    assert "there is no checkpoint nowhere.pth" in refused("convert", "nowhere.pth", "any.safetensors")
    assert "run: impasto convert" in refused("convert", "decoder.pth", "any.safetensors")
    assert "holds more than weights" in refused("convert", "cat.png", "any.safetensors")
    assert "does not exist" in refused("convert", "decoder.pth", "no/any.safetensors")
    Path("same.safetensors").write_bytes(b"")
    assert "is what is converted" in refused("convert", "same.safetensors", "same.safetensors")
    assert not Path("any.safetensors").exists()
