"""Translating by name: every form of `to`, a strip of all, folders and videos; published networks; measures."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from tests.conftest import MakeClip
from tests.data.test_domains import drawings, folders
from torch import Tensor, nn

from impasto.cli import main
from impasto.errors import InputError, SettingError, WeightsError
from impasto.image.io import read_image
from impasto.image.tensors import to_tensor
from impasto.methods.stargan import StarganSettings, card_of, generator_of
from impasto.verbs.evaluate import evaluate
from impasto.verbs.reproduce import reproduce
from impasto.verbs.translate import TranslateSettings, load_translator, translate
from impasto.weights.foreign_translators import translate_generator
from impasto.weights.model import write_model

BOTH = ("Black_Hair,Blond_Hair,Male", "happy|sad")


def model(path: Path, *domains: str) -> Path:
    """Write a generator that heeds its label."""
    settings = StarganSettings(domains=domains, base_channels=4, num_blocks=1, crop_size=64, load_size=64)
    torch.manual_seed(0)
    generator = generator_of(settings)
    with torch.no_grad():
        generator.enter.weight[:, 3:].mul_(20)
        generator.leave.weight.mul_(3)
        for norm in (generator.enter_norm, *generator.down_norm, *generator.up_norm):
            norm.bias.normal_()
    write_model(path, generator.state_dict(), card_of(settings))
    return path


@pytest.fixture
def both(folder: Path) -> Path:
    return model(folder / "both.safetensors", *BOTH)


def test_each_name_gives_another_picture_of_the_same_size(both: Path):
    pictures = {to: translate(both, "cat.png", to=to).image for to in ("happy", "sad", "Male", "Black_Hair,Male")}
    assert {(image.height, image.width) for image in pictures.values()} == {(36, 48)}
    pixels = [image.pixels.astype(int) for image in pictures.values()]
    for index, one in enumerate(pixels):
        assert all(np.abs(one - other).max() > 3 for other in pixels[:index])
    swapped = translate(both, "cat.png", to="Male, Black_Hair").image
    assert np.array_equal(swapped.pixels, pictures["Black_Hair,Male"].pixels)


def test_what_is_not_known_is_refused_with_what_is(both: Path, folder: Path):
    with pytest.raises(SettingError, match="is 'Sunrise'; choose one of Black_Hair, Blond_Hair, Male, happy, sad"):
        translate(both, "cat.png", to="Sunrise")
    with pytest.raises(SettingError, match=r"to is not given; choose of Black_Hair, .* sad, or all"):
        translate(both, "cat.png")
    from tests.verbs.test_translate import model as pix2pix

    with pytest.raises(SettingError, match=r"to is 'happy', but net\.safetensors knows no domains; leave it out"):
        translate(pix2pix(folder / "net.safetensors"), "cat.png", to="happy")


def test_a_strip_of_all(both: Path):
    strip = translate(both, "cat.png", to="all").image
    alone = translate(both, "cat.png", to="sad").image
    assert strip.width > 6 * 48 and strip.height > 36
    shown = np.lib.stride_tricks.sliding_window_view(strip.pixels, (36, 48, 3))[:, :, 0].astype(int)
    for picture, places in ((read_image("cat.png").pixels, shown[:, :20]), (alone.pixels, shown[:, -20:])):
        assert np.abs(places - picture).max(axis=(2, 3, 4)).min() <= 1, "the source first, the last name at the end"
    assert strip.recipe is not None and strip.recipe["settings"]["to"] == "all"


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 66)])
def test_any_size(size: tuple[int, int], both: Path):
    image = translate(both, torch.rand(1, 3, *size), to="sad").image
    assert (image.height, image.width) == size


def test_drawings_lie_on_white(both: Path):
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[8:20, 8:20] = (200, 100, 50, 255)
    white = np.where(pixels[..., 3:] > 0, pixels[..., :3], 255).astype(np.uint8)
    made = [translate(both, drawing, to="sad").image.pixels for drawing in (pixels, white)]
    assert np.array_equal(*made)


def test_a_picture_is_made_again_from_its_recipe(both: Path, folder: Path):
    for to in ("Black_Hair,Male", "all"):
        assert main(["translate", str(both), "cat.png", "--to", to, "-o", "out.png"]) == 0
        assert reproduce(folder / "out.png").identical


def test_the_command_line(both: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["translate", "both.safetensors", "cat.png", "--to", "Black_Hair,Male"]) == 0
    assert Path("cat-both-Black_Hair-Male.png").is_file()
    assert main(["translate", "both.safetensors", "cat.png", "--to", "Old"]) == 2
    assert "is 'Old'; choose one of Black_Hair, Blond_Hair, Male, happy, sad" in capsys.readouterr().err
    Path("photos").mkdir()
    Path("photos/a.png").write_bytes(Path("cat.png").read_bytes())
    assert main(["translate", "both.safetensors", "photos", "--to", "sad", "-o", "out"]) == 0
    assert Path("out/a-both-sad.png").is_file()
    assert main(["methods", "stargan", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["networks"] == {"generator": 8_430_528, "discriminator": 44_762_048}


def test_a_video(both: Path, make_clip: MakeClip, capsys: pytest.CaptureFixture[str]):
    clip = str(make_clip("clip.mp4", sound=False))
    assert main(["translate", str(both), clip, "--to", "all", "-o", "x.mp4"]) == 2
    assert "to is 'all', which makes a strip of a picture; name one domain for a video" in capsys.readouterr().err
    assert main(["translate", str(both), clip, "--to", "happy", "-o", "x.mp4"]) == 0
    assert Path("x.mp4").is_file()


class Block(nn.Module):
    def __init__(self, width: int, running: bool) -> None:
        super().__init__()
        norm = {"affine": True, "track_running_stats": running}
        self.main = nn.Sequential(
            *(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.InstanceNorm2d(width, **norm), nn.ReLU(True)),
            *(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.InstanceNorm2d(width, **norm)),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.main(features)


class Published(nn.Module):
    """The authors' generator, as its checkpoint nests; it is applied in training mode, as their test does."""

    def __init__(self, count: int, width: int, blocks: int, running: bool) -> None:
        super().__init__()
        norm = {"affine": True, "track_running_stats": running}
        layers = [nn.Conv2d(3 + count, width, 7, 1, 3, bias=False), nn.InstanceNorm2d(width, **norm), nn.ReLU(True)]
        for wide in (width, 2 * width):
            down = nn.Conv2d(wide, 2 * wide, 4, 2, 1, bias=False)
            layers += [down, nn.InstanceNorm2d(2 * wide, **norm), nn.ReLU(True)]
        layers += [Block(4 * width, running) for _ in range(blocks)]
        for wide in (4 * width, 2 * width):
            up = nn.ConvTranspose2d(wide, wide // 2, 4, 2, 1, bias=False)
            layers += [up, nn.InstanceNorm2d(wide // 2, **norm), nn.ReLU(True)]
        self.main = nn.Sequential(*layers, nn.Conv2d(width, 3, 7, 1, 3, bias=False), nn.Tanh())

    def forward(self, picture: Tensor, label: Tensor) -> Tensor:
        planes = label.view(*label.shape, 1, 1).repeat(1, 1, *picture.shape[2:])
        return self.main(torch.cat([picture, planes], dim=1))


@pytest.mark.parametrize(("count", "blocks", "running"), [(5, 6, True), (5, 2, False), (8, 1, True)])
@torch.no_grad()
def test_published_generators_are_equalled(count: int, blocks: int, running: bool, tmp_path: Path):
    torch.manual_seed(0)
    network = Published(count, 8, blocks, running)
    for parameter in network.parameters():
        parameter.mul_(3) if parameter.ndim == 4 else parameter.add_(0.3 * torch.randn_like(parameter))
    for _ in range(2 if running else 0):
        network(torch.rand(2, 3, 32, 32), torch.rand(2, count))  # for statistics of a training
    picture, label = torch.rand(1, 3, 48, 64), torch.zeros(1, count)
    label[0, [0, 3]] = 1
    expected = (network(picture * 2 - 1, label) + 1) / 2
    assert expected.std() > 0.1
    torch.save(network.state_dict(), tmp_path / "200000-G.pth")
    to = "Black_Hair,Male" if count == 5 else "1,4"
    translator = load_translator(tmp_path / "200000-G.pth", TranslateSettings(precision="fp32"))
    planes = label.view(1, -1, 1, 1).expand(-1, -1, 48, 64)
    found = (translator.generator(torch.cat([picture * 2 - 1, planes], dim=1)) + 1) / 2
    assert float((found - expected).abs().max()) < 1e-4
    image = translate(tmp_path / "200000-G.pth", picture, to=to, precision="fp32").image
    assert float((to_tensor(image) - expected).abs().max()) <= 0.5 / 255 + 1e-4
    assert len(translator.card.styles) == count and translator.card.method == "stargan"


def test_what_is_nearly_a_published_generator():
    state = Published(5, 4, 1, running=True).state_dict()
    found = translate_generator(state)
    assert all("running" in name or "num_batches" in name for name in found.left_out) and found.left_out
    with pytest.raises(WeightsError, match=r"nearly the generator of StarGAN, but main\.4\.bias is missing"):
        translate_generator({name: tensor for name, tensor in state.items() if name != "main.4.bias"})
    with pytest.raises(WeightsError, match="takes no label beside the picture"):
        translate_generator(state | {"main.0.weight": state["main.0.weight"][:, :3]})


def same(path: Path, *domains: str) -> Path:
    """Write a generator that gives grey whatever it is told."""
    settings = StarganSettings(
        domains=domains, base_channels=2, num_blocks=0, num_layers=5, crop_size=32, load_size=32
    )
    generator = generator_of(settings)
    nn.init.zeros_(generator.leave.weight)
    write_model(path, generator.state_dict(), card_of(settings))
    return path


def test_measures_where_the_truth_is_known(tmp_path: Path):
    """Of grey pictures the distance is that of grey, by hand."""
    data = drawings(tmp_path / "drawings", alike=True)
    found = evaluate(same(tmp_path / "grey.safetensors", "blue|red"), data=data, split="train")
    sums = np.zeros(2)
    for path in sorted((data / "train" / "blue").iterdir()):
        paths = path, data / "train" / "red" / path.name
        source, truth = (np.asarray(PIL.Image.open(each)) / 255 for each in paths)
        differs = (np.abs(source - truth).max(axis=2) > 2 / 255)[..., None].repeat(3, 2)
        sums += [np.abs(128 / 255 - truth)[differs].mean(), np.abs(source - truth)[differs].mean()]
    assert found.values["left_red"] == pytest.approx(sums[0] / sums[1], rel=0.01)
    assert {*found.values} == {"left", "left_red", "left_blue"} and found.protocol["count"] == 48
    assert "where the latter is above 0.0078" in found.protocol["left"]
    one = evaluate(tmp_path / "grey.safetensors", data=data, split="train", settings=TranslateSettings(to="red"))
    assert one.values["left"] == one.values["left_red"] == found.values["left_red"]


def test_measures_where_it_is_not(tmp_path: Path):
    data = folders(folders(tmp_path / "skies", {"rain": 4, "sun": 4}), {"rain": 3, "sun": 2}, "val")
    found = evaluate(same(tmp_path / "grey.safetensors", "rain|sun"), data=data)
    kid = "kid_efficientnet_lite0"
    assert {*found.values} == {f"{kid}_{name}" for name in ("rain", "sun")} | {
        f"input_{kid}_{name}" for name in ("rain", "sun")
    }
    assert found.values[f"{kid}_rain"] > found.values[f"input_{kid}_rain"], "grey is like no blots"
    assert {*found.real} == {f"{kid}_rain", f"{kid}_sun"}
    with pytest.raises(InputError, match="has rain, and the network knows a, b; give data of these"):
        evaluate(same(tmp_path / "other.safetensors", "a|b"), data=data)
    assert asdict(found)["broken"] == {}
