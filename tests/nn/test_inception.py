"""InceptionV3 as FID knows it: the layers of the published file, and the features that others find with them."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from impasto.errors import WeightsError
from impasto.nn.inception import InceptionV3
from impasto.weights import load
from impasto.weights.foreign import inception_from_fid


def published() -> dict[str, Tensor]:
    """Return a state dict with the names and shapes of the published file, filled with waves."""
    state: dict[str, Tensor] = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    number = 0
    for name, parameter in InceptionV3().state_dict().items():
        if not name.endswith(".weight"):
            continue
        layer = name.removeprefix("stem.").removeprefix("blocks.").removesuffix(".weight")
        number += 1
        places = torch.arange(parameter.numel(), dtype=torch.float64)
        fan_in = parameter[0].numel()
        wave = (places * 0.7368 + number).sin() + (places * 1.9173 + 2 * number).cos()
        state[f"{layer}.conv.weight"] = (wave * math.sqrt(2 / fan_in)).float().view_as(parameter)
        channels = torch.arange(len(parameter), dtype=torch.float64)
        state[f"{layer}.bn.weight"] = (1 + 0.2 * (channels + number).sin()).float()
        state[f"{layer}.bn.bias"] = (0.1 * (2 * channels + number).cos()).float()
        state[f"{layer}.bn.running_mean"] = (0.1 * (3 * channels + number).sin()).float()
        state[f"{layer}.bn.running_var"] = (1 + 0.5 * (5 * channels + number).sin()).float()
        state[f"{layer}.bn.num_batches_tracked"] = torch.tensor(1)
    return state


def picture() -> Tensor:
    places = torch.arange(3 * 60 * 80, dtype=torch.float64)
    return (0.5 + 0.5 * (places * 0.0137).sin() * (places * 0.00031).cos()).float().view(1, 3, 60, 80)


EXPECTED = (0.07641, 0.041477, 0.040012, 0.002333, 0.0, 0.0, 0.0, 0.00011, 0.144128, 0.0, 0.0)
"""The first features, and every 256th, of the networks of torch-fidelity 0.3.0 with the same weights."""


def test_the_published_file_has_so_many_entries():
    assert len(published()) == 566
    assert sum(each.numel() for each in InceptionV3().parameters()) == 21_785_568 - 17_216


@torch.no_grad()
def test_features_are_those_of_torch_fidelity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "pt_inception.pth"
    torch.save(published(), path)
    monkeypatch.setattr(load, "find", lambda name, on_progress: path)
    found = InceptionV3.pretrained()(picture())
    assert found.shape == (1, 2048)
    some = found[0, [0, 1, 2, *range(255, 2048, 256)]]
    torch.testing.assert_close(some, torch.tensor(EXPECTED), rtol=1e-3, atol=1e-5)


def test_another_network_is_refused():
    state = published()
    del state["Mixed_6c.branch7x7_2.bn.running_var"]
    with pytest.raises(WeightsError, match=r"it has no Mixed_6c\.branch7x7_2\.bn\.running_var"):
        inception_from_fid(state)
    with pytest.raises(WeightsError, match="not the InceptionV3 of FID"):
        inception_from_fid({"features.0.weight": torch.zeros(3)})
