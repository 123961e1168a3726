"""Checkpoints come back as they were, to the bit, and damaged ones are named."""

import math
from pathlib import Path

import pytest
import torch

from impasto.errors import InputError, WeightsError
from impasto.training.checkpoint import SafetensorsCheckpoints


def test_a_training_comes_back_to_the_bit(tmp_path: Path):
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)).to(
        memory_format=torch.channels_last
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1, betas=(0.5, 0.999))
    network(torch.rand(2, 3, 8, 8)).square().sum().backward()
    optimizer.step()
    state = {
        "epoch": 3,
        "state_dict": network.state_dict(),
        "optimizer_states": [optimizer.state_dict()],
        "best": math.inf,
        "odd": {"0.1": 0.1, 7: None, "pair": (1, [True, "text"]), "path": tmp_path},
        "rng": torch.get_rng_state(),
        "half": torch.tensor([1.5, -2.25], dtype=torch.bfloat16),
    }
    SafetensorsCheckpoints().save_checkpoint(state, tmp_path / "checkpoints" / "last.safetensors")
    back = SafetensorsCheckpoints().load_checkpoint(tmp_path / "checkpoints" / "last.safetensors")

    assert back["odd"] == {"0.1": 0.1, 7: None, "pair": (1, [True, "text"]), "path": str(tmp_path)}
    assert back["best"] == math.inf and back["epoch"] == 3
    assert back["half"].dtype == torch.bfloat16
    assert torch.equal(back["half"], state["half"]) and torch.equal(back["rng"], state["rng"])
    assert list(back["state_dict"]) == list(network.state_dict())
    assert all(torch.equal(back["state_dict"][name], value) for name, value in network.state_dict().items())
    again = torch.optim.Adam(network.parameters(), lr=0.3)
    again.load_state_dict(back["optimizer_states"][0])
    assert again.param_groups[0]["betas"] == (0.5, 0.999) and again.param_groups[0]["lr"] == 0.1
    for parameter in network.parameters():
        for name, value in optimizer.state[parameter].items():
            assert torch.equal(again.state[parameter][name], value)


def test_tensors_that_share_memory_are_kept(tmp_path: Path):
    base = torch.arange(6.0)
    SafetensorsCheckpoints().save_checkpoint(
        {"all": base, "part": base[2:4], "row": base.view(2, 3).T}, tmp_path / "a"
    )
    back = SafetensorsCheckpoints().load_checkpoint(tmp_path / "a")
    assert torch.equal(back["part"], base[2:4]) and torch.equal(back["row"], base.view(2, 3).T)


def test_what_cannot_be_read_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"no checkpoint .*missing"):
        SafetensorsCheckpoints().load_checkpoint(tmp_path / "missing")
    (tmp_path / "cut").write_bytes(b"\x00" * 20)
    with pytest.raises(WeightsError, match="cut is damaged"):
        SafetensorsCheckpoints().load_checkpoint(tmp_path / "cut")
    torch_only = tmp_path / "weights.safetensors"
    from safetensors.torch import save_file

    save_file({"weight": torch.ones(2)}, torch_only)
    with pytest.raises(WeightsError, match="not a training's checkpoint"):
        SafetensorsCheckpoints().load_checkpoint(torch_only)


def test_removing_twice_is_fine(tmp_path: Path):
    SafetensorsCheckpoints().save_checkpoint({"epoch": 1}, tmp_path / "a")
    for _ in range(2):
        SafetensorsCheckpoints().remove_checkpoint(tmp_path / "a")
    assert not list(tmp_path.iterdir())
