"""Generators that others published translate as they did: their architectures written again here, as they nest."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from impasto.errors import SettingError, WeightsError
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


class Blur(nn.Module):
    """A blur by binomial weights, kept as a buffer, as CUT's networks have it before halving and after doubling."""

    def __init__(self, width: int, line: list[float], *, doubles: bool) -> None:
        super().__init__()
        weights = torch.outer(torch.tensor(line), torch.tensor(line))
        weights = weights / weights.sum() * (4 if doubles else 1)
        self.register_buffer("filt", weights.repeat(width, 1, 1, 1))
        self.doubles, self.width = doubles, width

    def forward(self, features: Tensor) -> Tensor:
        if not self.doubles:
            bordered = nn.functional.pad(features, (1, 1, 1, 1), mode="reflect")
            return nn.functional.conv2d(bordered, self.filt, stride=2, groups=self.width)
        bordered = nn.functional.pad(features, (1, 1, 1, 1), mode="replicate")
        wide = nn.functional.conv_transpose2d(bordered, self.filt, stride=2, padding=2, groups=self.width)
        return wide[:, :, 1:-1, 1:-1]


class AntialiasedGenerator(nn.Module):
    """CUT's and FastCUT's."""

    def __init__(self, taken: int, given: int, width: int, blocks: int, norm: str = "instance") -> None:
        super().__init__()
        bias, normed = norm == "instance", NORMS[norm]
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(taken, width, 7, bias=bias), normed(width), nn.ReLU(True)]
        for wide in (2 * width, 4 * width):
            layers += [nn.Conv2d(wide // 2, wide, 3, padding=1, bias=bias), normed(wide), nn.ReLU(True)]
            layers.append(Blur(wide, [1, 2, 1], doubles=False))
        layers += [ResnetBlock(4 * width, norm, dropout=False) for _ in range(blocks)]
        for wide in (4 * width, 2 * width):
            layers.append(Blur(wide, [1, 3, 3, 1], doubles=True))
            layers += [nn.Conv2d(wide, wide // 2, 3, padding=1, bias=bias), normed(wide // 2), nn.ReLU(True)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, given, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, picture: Tensor) -> Tensor:
        return self.model(picture)


class GlobalGenerator(nn.Module):
    """Pix2PixHD's: as deep as its list of widths, every convolution with a bias."""

    def __init__(self, taken: int, width: int, downs: int, blocks: int, *, whole: bool = True) -> None:
        super().__init__()
        norm = nn.InstanceNorm2d
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(taken, width, 7), norm(width), nn.ReLU(True)]
        widths = [width * 2**level for level in range(downs)]
        for wide in widths:
            layers += [nn.Conv2d(wide, 2 * wide, 3, stride=2, padding=1), norm(2 * wide), nn.ReLU(True)]
        layers += [ResnetBlock(2 * widths[-1], "instance", dropout=False) for _ in range(blocks)]
        for wide in widths[::-1]:
            up = nn.ConvTranspose2d(2 * wide, wide, 3, stride=2, padding=1, output_padding=1)
            layers += [up, norm(wide), nn.ReLU(True)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh()] if whole else []
        self.model = nn.Sequential(*layers)

    def forward(self, labels: Tensor) -> Tensor:
        return self.model(labels)


class LocalEnhancer(nn.Module):
    """Pix2PixHD's: `model` paints at half the size, `model1_1` and `model1_2` around it."""

    def __init__(self, taken: int, width: int, downs: int, blocks: int) -> None:
        super().__init__()
        self.model = GlobalGenerator(taken, 2 * width, downs, blocks, whole=False).model
        norm = nn.InstanceNorm2d
        self.model1_1 = nn.Sequential(
            *(nn.ReflectionPad2d(3), nn.Conv2d(taken, width, 7), norm(width), nn.ReLU(True)),
            *(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), norm(2 * width), nn.ReLU(True)),
        )
        self.model1_2 = nn.Sequential(
            *(ResnetBlock(2 * width, "instance", dropout=False) for _ in range(3)),
            *(nn.ConvTranspose2d(2 * width, width, 3, 2, 1, output_padding=1), norm(width), nn.ReLU(True)),
            *(nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh()),
        )

    def forward(self, labels: Tensor) -> Tensor:
        half = nn.functional.avg_pool2d(labels, 3, stride=2, padding=1, count_include_pad=False)
        return self.model1_2(self.model1_1(labels) + self.model(half))


class SpadeNorm(nn.Module):
    def __init__(self, width: int, taken: int) -> None:
        super().__init__()
        self.param_free_norm = nn.BatchNorm2d(width, affine=False)
        self.mlp_shared = nn.Sequential(nn.Conv2d(taken, 128, 3, padding=1), nn.ReLU())
        self.mlp_gamma, self.mlp_beta = (nn.Conv2d(128, width, 3, padding=1) for _ in range(2))

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        hidden = self.mlp_shared(nn.functional.interpolate(labels, size=features.shape[2:], mode="nearest"))
        return self.param_free_norm(features) * (1 + self.mlp_gamma(hidden)) + self.mlp_beta(hidden)


class SpadeResnetBlock(nn.Module):
    def __init__(self, narrow: int, wide: int, taken: int) -> None:
        super().__init__()
        norm, middle = nn.utils.spectral_norm, min(narrow, wide)
        self.conv_0 = norm(nn.Conv2d(narrow, middle, 3, padding=1))
        self.conv_1 = norm(nn.Conv2d(middle, wide, 3, padding=1))
        self.norm_0, self.norm_1 = SpadeNorm(narrow, taken), SpadeNorm(middle, taken)
        self.widened = narrow != wide
        if self.widened:
            self.conv_s, self.norm_s = norm(nn.Conv2d(narrow, wide, 1, bias=False)), SpadeNorm(narrow, taken)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        kept = self.conv_s(self.norm_s(features, labels)) if self.widened else features
        inner = self.conv_0(nn.functional.leaky_relu(self.norm_0(features, labels), 0.2))
        return kept + self.conv_1(nn.functional.leaky_relu(self.norm_1(inner, labels), 0.2))


class SpadeGenerator(nn.Module):
    """SPADE's, beginning with the map; `more` doubles the size between the middle blocks too."""

    def __init__(self, taken: int, width: int, *, more: bool, start: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.more, wide, self.start = more, 16 * width, start
        self.fc: nn.Module = nn.Conv2d(taken, wide, 3, padding=1)
        if start is not None:
            self.fc = nn.Linear(12, wide * start[0] * start[1])
        self.head_0, self.G_middle_0, self.G_middle_1 = (SpadeResnetBlock(wide, wide, taken) for _ in range(3))
        for index in range(4):
            self.add_module(f"up_{index}", SpadeResnetBlock(wide // 2**index, wide // 2 ** (index + 1), taken))
        self.conv_img = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, labels: Tensor, style: Tensor | None = None) -> Tensor:
        up = nn.Upsample(scale_factor=2)
        size = [side // (64 if self.more else 32) for side in labels.shape[2:]]
        if style is None:
            features = self.fc(nn.functional.interpolate(labels, size=size))
        else:
            assert self.start is not None
            features = self.fc(style).view(len(style), -1, *self.start)
        features = self.G_middle_0(up(self.head_0(features, labels)), labels)
        features = self.G_middle_1(up(features) if self.more else features, labels)
        for block in (self.up_0, self.up_1, self.up_2, self.up_3):
            features = block(up(features), labels)
        return self.conv_img(nn.functional.leaky_relu(features, 0.2)).tanh()


PUBLISHED = {
    "unet_256, batch": lambda: UnetGenerator(3, 3, 4, 8, "batch"),
    "unet_128, instance, grey to colour": lambda: UnetGenerator(1, 3, 4, 7, "instance"),
    "resnet_9blocks, instance": lambda: ResnetGenerator(3, 3, 4, 9, "instance", dropout=False),
    "resnet_6blocks, batch, dropout, colour to grey": lambda: ResnetGenerator(3, 1, 4, 6, "batch", dropout=True),
    "CUT, 9 blocks": lambda: AntialiasedGenerator(3, 3, 4, 9),
    "CUT, 4 blocks, grey": lambda: AntialiasedGenerator(1, 1, 4, 4),
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


def test_cut_is_recognised_and_its_blurs_are_fixed():
    state = drawn("CUT, 9 blocks").state_dict()
    found = translate_generator(state)
    assert found.method == "cut" and found.settings["num_blocks"] == 9
    assert found.left_out == ("model.7.filt", "model.11.filt", "model.21.filt", "model.25.filt")
    with pytest.raises(WeightsError, match=r"model\.11\.filt is another blur"):
        translate_generator({**state, "model.11.filt": 2 * state["model.11.filt"]})
    with pytest.raises(WeightsError, match="with batch normalisation or dropout"):
        translate_generator(AntialiasedGenerator(3, 3, 4, 9, "batch").state_dict())
    with pytest.raises(WeightsError, match=r"it is nearly the ResNet of CUT, but model\.30\.bias is missing"):
        translate_generator({name: tensor for name, tensor in state.items() if name != "model.30.bias"})


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


LABELLED = {
    "Pix2PixHD, global": lambda: GlobalGenerator(9, 4, 3, 2),
    "Pix2PixHD, enhanced": lambda: LocalEnhancer(9, 4, 3, 2),
    "SPADE": lambda: SpadeGenerator(9, 2, more=False),
    "SPADE, Cityscapes": lambda: SpadeGenerator(36, 2, more=True),
}


@pytest.mark.parametrize("name", LABELLED)
def test_published_painters_of_label_maps_are_equalled(name: str, tmp_path: Path):
    torch.manual_seed(0)
    network = LABELLED[name]()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 4:
                parameter.mul_(1.5 if "SPADE" in name else 3)
            else:
                parameter.add_(0.3 * torch.randn_like(parameter))
        labels = torch.rand(2, network.fc.in_channels if "SPADE" in name else 9, 128, 192)
        for _ in range(3):
            network.train()(labels)  # for statistics and vectors of a training
        expected = network.eval()(labels[:1])
    assert expected.std() > 0.1 and (expected.abs() > 0.999).float().mean() < 0.5
    torch.save(network.state_dict(), tmp_path / "latest_net_G.pth")
    translator = load_translator(tmp_path / "latest_net_G.pth", TranslateSettings(precision="fp32"))
    assert translator.card.channels == (labels.shape[1], 3)
    found = translator.generator(labels[:1])
    assert float((found - expected).abs().max()) < CLOSE
    ids = np.random.default_rng(0).integers(0, 7, (50, 70)).astype(np.uint8)
    assert translate(tmp_path / "latest_net_G.pth", ids).image.pixels.shape == (50, 70, 3)


@pytest.mark.parametrize(("taken", "more", "start"), [(9, False, (4, 4)), (36, True, (2, 4))])
def test_a_published_spade_that_begins_with_a_vector_is_equalled(
    taken: int, more: bool, start: tuple[int, int], tmp_path: Path
):
    """Its encoder is in another file: looks are drawn, and none can be taken from a picture."""
    torch.manual_seed(0)
    network = SpadeGenerator(taken, 2, more=more, start=start)
    stride = 64 if more else 32
    labels, style = torch.rand(2, taken, *(stride * side for side in start)), torch.randn(2, 12)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.5) if parameter.ndim == 4 else parameter.add_(0.3 * torch.randn_like(parameter))
        for _ in range(3):
            network.train()(labels, style)
        expected = network.eval()(labels[:1], style[:1])
    assert expected.std() > 0.1
    model = tmp_path / "latest_net_G.pth"
    torch.save(network.state_dict(), model)
    translator = load_translator(model, TranslateSettings(precision="fp32"))
    assert float((translator.generator(labels[:1], style[:1]) - expected).abs().max()) < CLOSE
    ids = np.random.default_rng(0).integers(0, 7, (70, 90)).astype(np.uint8)
    first, again, other = (translate(model, ids, seed=seed).image.pixels for seed in (0, 0, 1))
    assert first.shape == (70, 90, 3) and np.array_equal(first, again) and not np.array_equal(first, other)
    with pytest.raises(SettingError, match="not trained to know looks; leave the style out"):
        translate(model, ids, style=np.zeros((70, 90, 3), np.uint8))


def test_crops_that_a_vector_cannot_tell_are_refused():
    state = SpadeGenerator(9, 2, more=False, start=(2, 6)).state_dict()
    with pytest.raises(WeightsError, match="neither squares nor twice as wide as high"):
        translate_generator(state)
    del state["fc.weight"]
    with pytest.raises(WeightsError, match=r"lacks fc\.weight"):
        translate_generator(state)


def test_older_spectral_norms_lack_a_vector():
    state = LABELLED["SPADE"]().eval().state_dict()
    older = {name: tensor for name, tensor in state.items() if "weight_v" not in name}
    assert translate_generator(older).tensors.keys() == translate_generator(state).tensors.keys()
    with pytest.raises(WeightsError, match=r"it is nearly the generator of SPADE, but has more\.weight besides"):
        translate_generator({**older, "more.weight": torch.zeros(1)})
