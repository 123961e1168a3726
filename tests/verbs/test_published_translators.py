"""Generators that others published translate as they did: their architectures written again here, as they nest."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from impasto.errors import WeightsError
from impasto.image.tensors import to_tensor
from impasto.verbs.translate import TranslateSettings, load_translator, translate
from impasto.weights.foreign_translators import translate_generator

CLOSE = 1e-4
NORMS = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d}


class Skip(nn.Module):
    """A block of the U-Net: what lies within it, beside what came in. Its ReLUs write over what they are given."""

    def __init__(self, outer: int, inner: int, norm: str, within: "Skip | None", taken: int | None = None) -> None:
        super().__init__()
        bias, outermost = norm == "instance", taken is not None
        down = nn.Conv2d(outer if taken is None else taken, inner, 4, 2, 1, bias=bias)
        twice = inner if within is None else 2 * inner
        up = nn.ConvTranspose2d(twice, outer, 4, 2, 1, bias=True if outermost else bias)
        before, after = nn.LeakyReLU(0.2, inplace=True), nn.ReLU(inplace=True)
        self.outermost = outermost
        if outermost:
            layers = [down, within, after, up, nn.Tanh()]
        elif within is None:
            layers = [before, down, after, up, NORMS[norm](outer)]
        else:
            layers = [before, down, NORMS[norm](inner), within, after, up, NORMS[norm](outer)]
            if outer == inner:
                layers.append(nn.Dropout(0.5))
        self.model = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        return self.model(features) if self.outermost else torch.cat([features, self.model(features)], 1)


class UnetGenerator(nn.Module):
    def __init__(self, taken: int, given: int, width: int, downs: int, norm: str) -> None:
        super().__init__()
        block = Skip(8 * width, 8 * width, norm, None)
        for _ in range(downs - 5):
            block = Skip(8 * width, 8 * width, norm, block)
        for wide in (4, 2, 1):
            block = Skip(wide * width, 2 * wide * width, norm, block)
        self.model = Skip(given, width, norm, block, taken)

    def forward(self, picture: Tensor) -> Tensor:
        return self.model(picture)


class ResnetBlock(nn.Module):
    def __init__(self, width: int, norm: str, dropout: bool) -> None:
        super().__init__()
        bias = norm == "instance"
        self.conv_block = nn.Sequential(
            *(nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3, bias=bias), NORMS[norm](width), nn.ReLU(True)),
            *([nn.Dropout(0.5)] if dropout else []),
            *(nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3, bias=bias), NORMS[norm](width)),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.conv_block(features)


class ResnetGenerator(nn.Module):
    def __init__(self, taken: int, given: int, width: int, blocks: int, norm: str, dropout: bool) -> None:
        super().__init__()
        bias = norm == "instance"
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(taken, width, 7, bias=bias), NORMS[norm](width), nn.ReLU(True)]
        for wide in (width, 2 * width):
            down = nn.Conv2d(wide, 2 * wide, 3, stride=2, padding=1, bias=bias)
            layers += [down, NORMS[norm](2 * wide), nn.ReLU(True)]
        layers += [ResnetBlock(4 * width, norm, dropout) for _ in range(blocks)]
        for wide in (4 * width, 2 * width):
            up = nn.ConvTranspose2d(wide, wide // 2, 3, stride=2, padding=1, output_padding=1, bias=bias)
            layers += [up, NORMS[norm](wide // 2), nn.ReLU(True)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, given, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, picture: Tensor) -> Tensor:
        return self.model(picture)


PUBLISHED = {
    "unet_256, batch": lambda: UnetGenerator(3, 3, 4, 8, "batch"),
    "unet_128, instance, grey to colour": lambda: UnetGenerator(1, 3, 4, 7, "instance"),
    "resnet_9blocks, instance": lambda: ResnetGenerator(3, 3, 4, 9, "instance", dropout=False),
    "resnet_6blocks, batch, dropout, colour to grey": lambda: ResnetGenerator(3, 1, 4, 6, "batch", dropout=True),
}


def drawn(name: str) -> nn.Module:
    """Return a network whose pictures have contrasts, its dropouts silent, its norms those of the test script."""
    torch.manual_seed(0)
    network = PUBLISHED[name]()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 4:
                parameter.mul_(2)
            else:
                parameter.add_(0.3 * torch.randn_like(parameter))
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    return network


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_generators_are_recognised_and_equalled(name: str, tmp_path: Path):
    network = drawn(name)
    torch.save(network.state_dict(), tmp_path / "latest_net_G.pth")
    settings = TranslateSettings(noise=0, precision="fp32")
    translator = load_translator(tmp_path / "latest_net_G.pth", settings)
    taken, given = translator.card.channels
    picture = torch.rand(1, taken, 256, 256)
    expected = (network(picture * 2 - 1).detach() + 1) / 2
    assert expected.std() > 0.1 and ((expected < 0.001) | (expected > 0.999)).float().mean() < 0.5
    found = (translator.generator(picture * 2 - 1) + 1) / 2
    # dropout is in the network, as theirs was trained, and silent here
    for module in translator.generator.modules():
        if hasattr(module, "share"):
            module.share = 0.0
    found = (translator.generator(picture * 2 - 1) + 1) / 2
    assert float((found - expected).abs().max()) < CLOSE
    if (taken, given) == (3, 3):
        image = translate(tmp_path / "latest_net_G.pth", picture, noise=0, precision="fp32").image
        assert float((to_tensor(image) - expected).abs().max()) <= 0.5 / 255 + CLOSE


def test_statistics_of_trainings_are_left_out():
    found = translate_generator(drawn("unet_256, batch").state_dict())
    assert any("running_mean" in name for name in found.left_out)
    assert found.settings["num_downs"] == 8 and found.settings["norm"] == "batch"


def test_refusals(tmp_path: Path):
    state = drawn("resnet_9blocks, instance").state_dict()
    with pytest.raises(WeightsError, match=r"but model\.26\.bias is missing"):
        translate_generator({name: tensor for name, tensor in state.items() if name != "model.26.bias"})
    with pytest.raises(WeightsError, match="it is no generator that is known: it has 1 tensors"):
        translate_generator({"x": torch.zeros(1)})
    unet = drawn("unet_256, batch").state_dict()
    with pytest.raises(WeightsError, match="only 3 of its blocks are here"):
        translate_generator({name: tensor for name, tensor in unet.items() if name.count("model") < 5})
    torch.save({"x": torch.zeros(1)}, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"x\.pth: it is no checkpoint that is known.*the ResNet"):
        load_translator(tmp_path / "x.pth", TranslateSettings())
