"""Many styles in one network: rows that choose, mix, and are learnt alone."""

import pytest
import torch
from torch import Tensor

from impasto.errors import SettingError
from impasto.methods.multistyle import Multistyle, MultistyleSettings


@pytest.fixture
def network() -> Multistyle:
    torch.manual_seed(0)
    network = Multistyle(3, base_channels=4, num_blocks=1)
    with torch.no_grad():
        network.rows += 0.5 * torch.randn_like(network.rows)
    return network


@pytest.fixture
def crop(photo: Tensor) -> Tensor:
    return photo[..., :32, :40]


def test_its_size():
    with torch.device("meta"):
        network = Multistyle(styles=16)
    johnson, row = 1_679_235, 3_200
    assert sum(parameter.numel() for parameter in network.parameters()) == johnson + 16 * row


def test_a_row_chooses_the_style(network: Multistyle, crop: Tensor):
    together = network(crop.expand(3, -1, -1, -1), torch.tensor([2, 0, 1]))
    for place, style in enumerate((2, 0, 1)):
        torch.testing.assert_close(
            together[place : place + 1], network(crop, torch.tensor([style])), rtol=1e-5, atol=1e-6
        )
    assert (together[0] - together[1]).abs().mean() > 0.01


def test_a_new_style_is_learnt_by_its_row_alone(network: Multistyle, crop: Tensor):
    wider = network.with_new_styles(1)
    before = {name: value.clone() for name, value in wider.state_dict().items()}
    adam = torch.optim.Adam([parameter for parameter in wider.parameters() if parameter.requires_grad], lr=0.05)
    target = crop.flip(1)

    def distance() -> Tensor:
        return (wider(crop, torch.tensor([4])) - target).square().mean()

    first = distance().item()
    for _ in range(20):
        adam.zero_grad()
        (distance() + 0.1 * (wider(crop, torch.tensor([0])) - target).square().mean()).backward()
        adam.step()
    assert distance().item() < 0.8 * first
    after = wider.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before if name != "rows")
    assert torch.equal(after["rows"][:4], before["rows"][:4])
    assert torch.equal(wider(crop, torch.tensor([1])), network(crop, torch.tensor([1])))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base_channels": 0}, "base_channels"),
        ({"style_layers": ("relu9_1",)}, "relu9_1"),
        ({"content_layers": ()}, "content_layers is empty"),
        ({"network": "vgg99"}, "vgg99"),
        ({"learning_rate": 2.0}, "learning_rate"),
        ({"steps": 0}, "steps"),
    ],
)
def test_settings_are_checked(change: dict[str, object], message: str):
    with pytest.raises(SettingError, match=message):
        MultistyleSettings(**change)
