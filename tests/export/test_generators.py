"""Exported translators: they make what PyTorch makes, of any size, without impasto."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from impasto.errors import SettingError
from impasto.export.parity import SIZES
from impasto.export.runtime import Session
from impasto.image.tensors import to_tensor
from impasto.methods import cut, cyclegan, pix2pix, pix2pixhd, spade, stargan
from impasto.methods.cut import CutSettings
from impasto.methods.cyclegan import BothWays, CycleGANSettings
from impasto.methods.pix2pix import Pix2PixSettings
from impasto.methods.pix2pixhd import Pix2PixHDSettings
from impasto.methods.spade import SpadeSettings
from impasto.methods.stargan import StarganSettings
from impasto.verbs.export import export_model
from impasto.verbs.translate import translate
from impasto.weights.model import Card, write_model

SMALL = {"base_channels": 4, "crop_size": 64, "load_size": 64}
LABELS = {**SMALL, "classes": 3}


def of_pix2pix(**changes: object) -> tuple[nn.Module, Card]:
    settings = Pix2PixSettings(**{**SMALL, "num_downs": 5, "num_blocks": 1, **changes})
    return pix2pix.generator_of(settings), pix2pix.card_of(settings)


def of_hd(**changes: object) -> tuple[nn.Module, Card]:
    settings = Pix2PixHDSettings(**{**LABELS, "num_downs": 1, "num_blocks": 1, "enhancer_blocks": 1, **changes})
    return pix2pixhd.generator_of(settings), pix2pixhd.card_of(settings)


def of_spade(**changes: object) -> tuple[nn.Module, Card]:
    settings = SpadeSettings(**{**LABELS, "num_ups": 5, "style_channels": 8, **changes})
    return spade.generator_of(settings), spade.card_of(settings)


def of_cut() -> tuple[nn.Module, Card]:
    settings = CutSettings(**SMALL, num_blocks=1, nce_layers=(0, 4, 8, 12))
    return cut.generator_of(settings), cut.card_of(settings)


def of_cyclegan(**changes: object) -> tuple[nn.Module, Card]:
    settings = CycleGANSettings(**{**SMALL, "num_blocks": 1, **changes})
    both = BothWays(cyclegan.generator_of(settings), cyclegan.generator_of(settings, "BtoA"))
    return both, cyclegan.card_of(settings)


MAKERS: dict[str, Callable[[], tuple[nn.Module, Card]]] = {
    "unet": of_pix2pix,
    "unet, grey, instance norm": lambda: of_pix2pix(in_channels=1, norm="instance", upsampling="resize"),
    "resnet": lambda: of_pix2pix(generator="resnet"),
    "pix2pixhd": lambda: of_hd(enhanced=True, instance_features=2),
    "pix2pixhd, classes alone": lambda: of_hd(edges=False, dont_care=False),
    "cut": of_cut,
    "cyclegan": of_cyclegan,
    "spade": lambda: of_spade(style_guided=True),
    "spade, running statistics": lambda: of_spade(statistics="running"),
}
FAST = ("unet", "pix2pixhd, classes alone")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in MAKERS]
)
def test_what_is_exported_makes_the_same(name: str, tmp_path: Path):
    torch.manual_seed(0)
    generator, card = MAKERS[name]()
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.mul_(4)
    write_model(tmp_path / "net.safetensors", generator.state_dict(), card)
    done = export_model(tmp_path / "net.safetensors", tmp_path / "net.onnx")
    assert [(found["height"], found["width"]) for found in done.parity] == list(SIZES)
    assert max(found["max"] for found in done.parity) < 1e-4
    session = Session((tmp_path / "net.onnx").read_bytes())
    assert session.metadata["method"] == card.method and done.method == card.method


@pytest.mark.slow
def test_either_direction_is_exported(tmp_path: Path):
    """Grey pictures become colours one way, colours grey pictures the other."""
    torch.manual_seed(0)
    both, card = of_cyclegan(in_channels=1, identity_weight=0)
    model = tmp_path / "net.safetensors"
    write_model(model, both.state_dict(), card)
    for direction, taken, given in (("AtoB", 1, 3), ("BtoA", 3, 1)):
        export_model(model, tmp_path / "net.onnx", direction=direction)
        made = Session((tmp_path / "net.onnx").read_bytes())(source=torch.rand(1, taken, 21, 17))
        assert made.shape == (1, given, 21, 17)
    generator, card = of_pix2pix()
    write_model(model, generator.state_dict(), card)
    with pytest.raises(SettingError, match="has learnt one direction, AtoB, not BtoA"):
        export_model(model, tmp_path / "net.onnx", direction="BtoA")


def test_an_exported_unet_makes_what_translate_makes(tmp_path: Path):
    """Of a picture smaller than its stride, and without noise."""
    torch.manual_seed(0)
    generator, card = of_pix2pix()
    write_model(tmp_path / "net.safetensors", generator.state_dict(), card)
    export_model(tmp_path / "net.safetensors", tmp_path / "net.onnx")
    source = torch.rand(1, 3, 21, 17)
    made = Session((tmp_path / "net.onnx").read_bytes())(source=source)
    wanted = translate(tmp_path / "net.safetensors", source, noise=0.0, precision="fp32").image
    highest = 2**wanted.bits - 1
    found = made[0].permute(1, 2, 0).numpy() * highest
    assert made.shape == (1, 3, 21, 17) and abs(found - wanted.pixels).max() <= 1


UNET_KEPT = {"generator": "unet", "num_downs": 5, "attention": True, "upsampling": "resize"}


@pytest.mark.parametrize("changes", [{}, pytest.param(UNET_KEPT, marks=pytest.mark.slow)])
def test_an_exported_stargan_has_the_label_as_an_input(changes: dict[str, object], tmp_path: Path):
    settings = StarganSettings(domains=("Black_Hair,Male", "happy|sad"), base_channels=4, num_blocks=1, **changes)
    torch.manual_seed(0)
    generator = stargan.generator_of(settings)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.mul_(4)
    write_model(tmp_path / "net.safetensors", generator.state_dict(), stargan.card_of(settings))
    done = export_model(tmp_path / "net.safetensors", tmp_path / "net.onnx")
    assert {*done.inputs} == {"source", "label", "painted"} and done.styles == (
        "Black_Hair",
        "Male",
        "happy",
        "sad",
    )
    assert max(found["max"] for found in done.parity) < 1e-4
    session, source = Session((tmp_path / "net.onnx").read_bytes()), torch.rand(1, 3, 21, 18)
    made = []
    for to in ("sad", "Male,Black_Hair"):
        (label,) = settings.labels.chosen(to).values()
        made.append(session(source=source, label=label))
        wanted = translate(tmp_path / "net.safetensors", source, to=to, precision="fp32").image
        assert float((made[-1] - to_tensor(wanted)).abs().max()) <= 0.5 / 255 + 1e-4
    assert float((made[0] - made[1]).abs().max()) > 0.01
