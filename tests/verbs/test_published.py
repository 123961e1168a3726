"""Networks that others published paint as they did: their architectures written again here, with random weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from impasto.errors import InputError, SettingError, WeightsError
from impasto.image import read_image
from impasto.nn.one_pass import OnePassSettings, Painter, paint
from impasto.verbs.one_pass import load_model
from impasto.verbs.published import read_published
from impasto.verbs.stylize import stylize
from impasto.weights.model import write_model

CLOSE = 1e-4


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Return a picture of blots and grain, so that neither is all that networks see."""
    generator = torch.Generator().manual_seed(seed)
    blots = torch.rand(1, 3, 4, 5, generator=generator)
    blots = nn.functional.interpolate(blots, size=shape[-2:], mode="bilinear")
    return 0.8 * blots + 0.2 * torch.rand(shape, generator=generator)


def varied(picture: Tensor) -> bool:
    """Tell whether a picture is one that errors would show in: contrasts, and little of it cut off."""
    return bool(picture.std() > 0.1 and ((picture <= 0) | (picture >= 1)).float().mean() < 0.2)


class Mirrored(nn.Module):
    """A convolution of pytorch/examples: enlarged by repeating, padded by mirroring, convolved."""

    def __init__(self, taken: int, given: int, kernel: int, stride: int = 1, larger: int = 1) -> None:
        super().__init__()
        self.larger, self.border = larger, nn.ReflectionPad2d(kernel // 2)
        self.conv2d = nn.Conv2d(taken, given, kernel, stride)

    def forward(self, features: Tensor) -> Tensor:
        for side in (2, 3):
            features = features.repeat_interleave(self.larger, dim=side)
        return self.conv2d(self.border(features))


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.in1 = Mirrored(width, width, 3), nn.InstanceNorm2d(width, affine=True)
        self.conv2, self.in2 = Mirrored(width, width, 3), nn.InstanceNorm2d(width, affine=True)

    def forward(self, features: Tensor) -> Tensor:
        return features + self.in2(self.conv2(self.in1(self.conv1(features)).relu()))


class FastNeuralStyle(nn.Module):
    """fast_neural_style: pictures in [0, 255] in, and out, where they may go beyond."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.in1 = Mirrored(3, 32, 9), nn.InstanceNorm2d(32, affine=True)
        self.conv2, self.in2 = Mirrored(32, 64, 3, stride=2), nn.InstanceNorm2d(64, affine=True)
        self.conv3, self.in3 = Mirrored(64, 128, 3, stride=2), nn.InstanceNorm2d(128, affine=True)
        for index in range(1, 6):
            self.add_module(f"res{index}", Residual(128))
        self.deconv1, self.in4 = Mirrored(128, 64, 3, larger=2), nn.InstanceNorm2d(64, affine=True)
        self.deconv2, self.in5 = Mirrored(64, 32, 3, larger=2), nn.InstanceNorm2d(32, affine=True)
        self.deconv3 = Mirrored(32, 3, 9)

    def forward(self, features: Tensor) -> Tensor:
        for index in (1, 2, 3):
            features = self.normalised(f"conv{index}", f"in{index}", features)
        for index in range(1, 6):
            features = self.get_submodule(f"res{index}")(features)
        features = self.normalised("deconv1", "in4", features)
        return self.deconv3(self.normalised("deconv2", "in5", features))

    def normalised(self, convolution: str, norm: str, features: Tensor) -> Tensor:
        return self.get_submodule(norm)(self.get_submodule(convolution)(features)).relu()

    @torch.no_grad()
    def painted(self, picture: Tensor) -> Tensor:
        return self(picture * 255).clamp(0, 255) / 255


@pytest.fixture(scope="module")
def fast() -> FastNeuralStyle:
    torch.manual_seed(3)
    network = FastNeuralStyle().requires_grad_(False)
    for name, parameter in network.named_parameters():
        if ".in" in f".{name}" and "conv" not in name:
            parameter.add_(0.3 * torch.randn(parameter.shape))
    last = network.deconv3.conv2d
    raw = network(noise(1, 3, 40, 56) * 255)
    last.weight *= 55 / raw.std()
    last.bias += 128 - network(noise(1, 3, 40, 56) * 255).mean()
    return network


@pytest.fixture
def candy(fast: FastNeuralStyle, tmp_path: Path) -> Path:
    torch.save(fast.state_dict(), tmp_path / "candy.pth")
    return tmp_path / "candy.pth"


def painter_of(method: str, path: Path) -> Painter:
    return load_model(method, OnePassSettings(model=str(path), precision="fp32", device="cpu")).painter


@pytest.mark.parametrize("size", [(40, 56), (68, 36)])
def test_fast_neural_style_paints_as_published(fast: FastNeuralStyle, candy: Path, size: tuple[int, int]):
    photo = noise(1, 3, *size)
    expected = fast.painted(photo)
    assert varied(expected)
    painted = paint(photo, ["candy"], painter_of("johnson", candy))
    torch.testing.assert_close(painted, expected, rtol=0, atol=CLOSE)


def test_fast_neural_style_paints_in_strips(fast: FastNeuralStyle, candy: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("impasto.nn.strips.VALUES", 16_000)
    photo = noise(1, 3, 72, 40)
    painted = paint(photo, ["candy"], painter_of("johnson", candy))
    torch.testing.assert_close(painted, fast.painted(photo), rtol=0, atol=CLOSE)


def test_old_files_carry_statistics_that_are_not_used(fast: FastNeuralStyle, candy: Path, tmp_path: Path):
    state = fast.state_dict()
    for name in [name for name in state if name.endswith("weight") and ".in" in f".{name}" and "conv" not in name]:
        for part in ("mean", "var"):
            state[name.replace("weight", f"running_{part}")] = torch.rand_like(state[name])
    old = tmp_path / "mosaic.model"
    torch.save(state, old, _use_new_zipfile_serialization=False)
    found, new = read_published(old), read_published(candy)
    assert found.card.styles == ("mosaic",) and new.card.styles == ("candy",)
    assert len(found.left_out) == 2 * 15 and new.left_out == ()
    assert found.tensors.keys() == new.tensors.keys()
    assert all(torch.equal(found.tensors[name], new.tensors[name]) for name in new.tensors)


def test_a_checkpoint_is_a_model_for_stylize(candy: Path, folder: Path):
    result = stylize("cat.png", method="johnson", model=str(candy), precision="fp32")
    assert (result.image.width, result.image.height) == (48, 36)
    assert list(result.recipe["weights"]) == ["candy.pth"] and result.recipe["styles"] == ["candy"]
    odd = read_image("cat.png").pixels[:35, :46]
    assert stylize(odd, "candy", method="johnson", model=str(candy)).image.pixels.shape == (35, 46, 3)


def decoder_like_theirs() -> nn.Sequential:
    """Every padding, ReLU and enlargement has a number of its own, as in naoto0804/pytorch-AdaIN."""
    layers: list[nn.Module] = []
    larger = nn.Upsample(scale_factor=2, mode="nearest")
    for taken, given, after in [
        (512, 256, [nn.ReLU(), larger]),
        *[(256, 256, [nn.ReLU()])] * 3,
        (256, 128, [nn.ReLU(), larger]),
        (128, 128, [nn.ReLU()]),
        (128, 64, [nn.ReLU(), larger]),
        (64, 64, [nn.ReLU()]),
        (64, 3, []),
    ]:
        layers += [nn.ReflectionPad2d(1), nn.Conv2d(taken, given, 3), *after]
    return nn.Sequential(*layers)


def encoder_like_theirs() -> nn.Sequential:
    """VGG-19 to relu4_1, which begins by turning RGB in [0, 1] into what the network was trained on."""
    recoding = nn.Conv2d(3, 3, 1)
    recoding.weight.data = 255 * torch.eye(3).flip(0)[:, :, None, None] + 20 * torch.randn(3, 3, 1, 1)
    recoding.bias.data = -torch.tensor([103.939, 116.779, 123.68])
    layers: list[nn.Module] = [recoding]
    taken = 3
    for step in (64, 64, "pool", 128, 128, "pool", 256, 256, 256, 256, "pool", 512):
        if step == "pool":
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
            continue
        layers += [nn.ReflectionPad2d(1), nn.Conv2d(taken, step, 3), nn.ReLU()]
        nn.init.kaiming_normal_(layers[-2].weight, nonlinearity="relu")
        taken = step
    layers[2].weight.data /= 60
    return nn.Sequential(*layers)


class PublishedAdain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder_like_theirs(), decoder_like_theirs()
        for layer in self.decoder:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    @torch.no_grad()
    def forward(self, content: Tensor, *styles: tuple[Tensor, float], alpha: float = 1.0) -> Tensor:
        """Paint after paintings mixed by their shares; `alpha` of the result is painted."""
        seen = self.encoder(content)
        mixed = torch.zeros_like(seen)
        for style, share in styles:
            after = self.encoder(style)
            normal = (seen - seen.mean((2, 3), keepdim=True)) / self.spread(seen)
            mixed += share * (normal * self.spread(after) + after.mean((2, 3), keepdim=True))
        return self.decoder(alpha * mixed + (1 - alpha) * seen).clamp(0, 1)

    @staticmethod
    def spread(features: Tensor) -> Tensor:
        return (features.var((2, 3), correction=1, keepdim=True) + 1e-5).sqrt()


WAVE = noise(1, 3, 56, 41, seed=1)
"""Not a multiple of anything: what remains of it at the edge counts as well."""
POPPIES = noise(1, 3, 33, 56, seed=2)


@pytest.fixture(scope="module")
def adain() -> PublishedAdain:
    torch.manual_seed(4)
    network = PublishedAdain().requires_grad_(False)
    last = network.decoder[-1]
    raw = network.decoder(network.encoder(WAVE))
    last.weight *= 0.2 / raw.std()
    last.bias += 0.5 - network.decoder(network.encoder(WAVE)).mean()
    return network


@pytest.fixture(scope="module")
def adain_files(adain: PublishedAdain, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("adain")
    torch.save(adain.decoder.state_dict(), folder / "decoder.pth")
    torch.save(adain.encoder.state_dict(), folder / "vgg_normalised.pth")
    return folder / "decoder.pth", folder / "vgg_normalised.pth"


@pytest.fixture(scope="module")
def adain_painter(adain_files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Painter:
    found = read_published(*adain_files)
    path = tmp_path_factory.mktemp("model") / "adain.safetensors"
    write_model(path, found.tensors, found.card)
    return painter_of("adain", path)


def looked_at_as_they_are(**settings: Any) -> OnePassSettings:
    """Return settings that leave the paintings here at their size, 56 pixels."""
    return OnePassSettings(style_scale=56 / 512, **settings)


@pytest.mark.parametrize("size", [(48, 80), (88, 32)])
def test_adain_paints_as_published(adain: PublishedAdain, adain_painter: Painter, size: tuple[int, int]):
    photo = noise(1, 3, *size)
    expected = adain(photo, (WAVE, 1))
    assert varied(expected)
    painted = paint(photo, [WAVE], adain_painter, looked_at_as_they_are())
    torch.testing.assert_close(painted, expected, rtol=0, atol=CLOSE)


def test_adain_paints_in_strips(adain: PublishedAdain, adain_painter: Painter, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("impasto.methods.adain.PLACES", 40 * 8 * 2)
    photo = noise(1, 3, 264, 40)
    painted = paint(photo, [WAVE], adain_painter, looked_at_as_they_are())
    torch.testing.assert_close(painted, adain(photo, (WAVE, 1)), rtol=0, atol=CLOSE)


def test_adain_mixes_paintings_and_photo_as_published(adain: PublishedAdain, adain_painter: Painter):
    photo = noise(1, 3, 48, 64)
    settings = looked_at_as_they_are(strength=0.6, style_blend=(1.0, 3.0))
    painted = paint(photo, [WAVE, POPPIES], adain_painter, settings)
    expected = adain(photo, (WAVE, 0.25), (POPPIES, 0.75), alpha=0.6)
    torch.testing.assert_close(painted, expected, rtol=0, atol=CLOSE)


def test_an_encoder_may_go_deeper_than_is_read(adain_files: tuple[Path, Path], tmp_path: Path):
    decoder, encoder = adain_files
    state = torch.load(encoder, weights_only=True)
    for place in (32, 35, 38, 42, 45, 48, 51):
        state |= {f"{place}.weight": torch.zeros(1).expand(512, 512, 3, 3), f"{place}.bias": torch.zeros(512)}
    torch.save(state, tmp_path / "whole.pth")
    found, plain = read_published(decoder, tmp_path / "whole.pth"), read_published(decoder, encoder)
    assert len(found.left_out) == 14 and found.left_out[0] == "32.weight" and plain.left_out == ()
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in plain.tensors.items())
    assert found.tensors.keys() == plain.tensors.keys() and set(found.card.training["files"]) == {
        "decoder.pth",
        "whole.pth",
    }


def test_a_checkpoint_is_a_network_for_one_method(candy: Path):
    with pytest.raises(SettingError, match=r"candy\.pth is a network for johnson, not for prediction"):
        painter_of("prediction", candy)
    with pytest.raises(InputError, match=r"there is no model .*or a published checkpoint"):
        painter_of("johnson", candy.with_name("cande.pth"))
    with pytest.raises(InputError, match=r"there is no checkpoint .*cande\.pth"):
        read_published(candy.with_name("cande.pth"))


def test_parts_of_adain_alone_say_what_they_lack(adain_files: tuple[Path, Path], candy: Path):
    decoder, encoder = adain_files
    with pytest.raises(WeightsError, match=r"decoder\.pth: .*run: impasto convert .* --encoder vgg_normalised"):
        painter_of("adain", decoder)
    with pytest.raises(WeightsError, match="paints nothing alone; give the decoder, and this with --encoder"):
        painter_of("adain", encoder)
    with pytest.raises(WeightsError, match=r"the encoder is nearly its vgg_normalised, but 0\.weight is missing"):
        read_published(decoder, decoder)
    with pytest.raises(WeightsError, match="needs no encoder; leave --encoder out"):
        read_published(candy, encoder)


Change = Callable[[dict[str, Tensor]], object]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("res3.conv2.conv2d.bias"), "but res3.conv2.conv2d.bias is missing; of its 61"),
        (lambda state: state.pop("in5.weight"), "in5.weight is missing"),
        (lambda state: state.update(extra=torch.zeros(2)), "has extra besides"),
        (
            lambda state: state.update({"in1.num_batches_tracked": torch.zeros(())}),
            "in1.num_batches_tracked besides",
        ),
        (lambda state: state.update({"in4.bias": torch.zeros(32)}), r"in4.bias is \(32,\), not \(64,\)"),
        (
            lambda state: state.update({"deconv1.conv2d.weight": torch.zeros(128, 64, 3, 3)}),
            r"deconv1.conv2d.weight is \(128, 64, 3, 3\), not \(64, 128, 3, 3\)",
        ),
        (lambda state: state.update({"conv1.conv2d.weight": torch.zeros(())}), "nearly pytorch/examples'"),
        (
            lambda state: state.pop("conv1.conv2d.weight"),
            "no checkpoint that is known: it has 61 tensors, 15 of them",
        ),
        (lambda state: state.clear(), "it has 0 tensors, 0 of them convolutions: nothing; recognised are"),
        (lambda state: state.update(state={}), "holds a dict, not tensors by name"),
    ],
)
def test_what_is_no_published_network_is_named(fast: FastNeuralStyle, tmp_path: Path, change: Change, said: str):
    state = dict(fast.state_dict())
    change(state)
    torch.save(state, tmp_path / "odd.pth")
    with pytest.raises(WeightsError, match=said) as refused:
        painter_of("johnson", tmp_path / "odd.pth")
    assert "odd.pth" in str(refused.value) and "\n" not in str(refused.value)
