"""Weights as tensors, and every way a file can be no weights."""

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from impasto.errors import WeightsError
from impasto.weights import load
from impasto.weights.load import load_weights, read_tensors

WIDTHS = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
NAMES = [f"conv{block}_{index}" for block, depth in enumerate((2, 2, 3, 3, 3), 1) for index in range(1, depth + 1)]


def test_vgg16_has_thirteen_convolutions_in_float32():
    tensors = load_weights("vgg16")
    assert set(tensors) == {f"{name}.{part}" for name in NAMES for part in ("weight", "bias")}
    for name, width, previous in zip(NAMES, WIDTHS, (3, *WIDTHS), strict=False):
        assert tensors[f"{name}.weight"].shape == (width, previous, 3, 3)
        assert tensors[f"{name}.bias"].shape == (width,)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}


def test_vgg16_is_that_of_simonyan_and_zisserman():
    """The first values of conv1_1 as published in public notebooks: blue first there, for pixels in 0…255."""
    weight = load_weights("vgg16", torch.float64)["conv1_1.weight"] / 255
    published = {
        0: (4.29470569e-01, 1.17273867e-01, 3.40129584e-02),
        1: (5.50379455e-01, 2.08774377e-02, 9.88311544e-02),
    }
    for channel, values in published.items():
        assert weight[:3, 2 - channel, 0, 0].tolist() == pytest.approx(values, rel=5e-4), "rounded to fp16"


def test_the_mean_colour_is_the_zero_of_vgg16():
    """Its first layer was trained on 0…255: what excites it there must do so for a picture in [0, 1] too."""
    tensors = load_weights("vgg16", torch.float64)
    weight, bias = tensors["conv1_1.weight"], tensors["conv1_1.bias"]
    mean = torch.tensor([123.68, 116.779, 103.939], dtype=torch.float64) / 255  # RGB
    mean_picture = mean.view(1, 3, 1, 1).expand(1, 3, 5, 5)
    response = torch.nn.functional.conv2d(mean_picture, weight, bias)
    # the mean colour is the network's zero: what is left is the bias it was trained with
    assert response.abs().max() < 3
    assert torch.nn.functional.conv2d(1 - mean_picture, weight, bias).abs().max() > 10


def test_dtype_is_what_was_asked_for():
    tensors = load_weights("efficientnet-lite0", torch.bfloat16)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.bfloat16}


@pytest.mark.parametrize("zipped", [True, False])
def test_torchvision_files_arrive_under_our_names(tmp_path: Path, zipped: bool, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "vgg16-397923af.pth"
    state, position, previous = {}, 0, 3
    for name, width in zip(NAMES, WIDTHS, strict=True):
        state[f"features.{position}.weight"] = torch.nn.Parameter(torch.zeros(1).expand(width, previous, 3, 3))
        state[f"features.{position}.bias"] = torch.nn.Parameter(torch.zeros(1).expand(width))
        ends_block = name in ("conv1_2", "conv2_2", "conv3_3", "conv4_3")
        position, previous = position + (3 if ends_block else 2), width
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    monkeypatch.setattr(load, "find", lambda name, on_progress: path)
    tensors = load_weights("vgg16-imagenet")
    assert set(tensors) == {f"{name}.{part}" for name in NAMES for part in ("weight", "bias")}
    assert not any(tensor.requires_grad for tensor in tensors.values())


def test_another_network_under_that_name_says_how_to_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "vgg19.pth"
    torch.save({"fc.weight": torch.zeros(2)}, path)
    monkeypatch.setattr(load, "find", lambda name, on_progress: path)
    with pytest.raises(WeightsError, match=r"neither .*fc.weight.* run: impasto weights verify vgg19-imagenet"):
        load_weights("vgg19-imagenet")


def test_truncated_safetensors(tmp_path: Path):
    path = tmp_path / "a.safetensors"
    save_file({"weight": torch.zeros(100)}, path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=r"a\.safetensors is damaged"):
        read_tensors(path)


def test_truncated_pth(tmp_path: Path):
    path = tmp_path / "a.pth"
    torch.save({"weight": torch.zeros(100)}, path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(WeightsError, match=r"a\.pth is damaged"):
        read_tensors(path)


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
@pytest.mark.parametrize("content", [b"", b"<html>no such file</html>", bytes(1000)])
def test_what_never_was_a_weights_file(tmp_path: Path, name: str, content: bytes):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=name) as caught:
        read_tensors(path)
    assert "\n" not in str(caught.value)


class Mischief:
    def __reduce__(self):
        return (Path.touch, (Path("mischief"),))


def test_a_pickle_that_would_run_code_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.pth"
    path.write_bytes(pickle.dumps({"weight": Mischief()}, protocol=2))
    with pytest.raises(WeightsError, match=r"holds more than weights; give a state_dict alone$"):
        read_tensors(path)
    assert not Path("mischief").exists()


@pytest.mark.parametrize("content", [[torch.zeros(2)], {"state_dict": {"a": torch.zeros(2)}}, torch.zeros(2)])
def test_a_pth_without_tensors_by_name(tmp_path: Path, content: object):
    path = tmp_path / "a.pth"
    torch.save(content, path)
    with pytest.raises(WeightsError, match=rf"holds a {type(content).__name__}, not tensors by name"):
        read_tensors(path)


def test_a_missing_file(tmp_path: Path):
    for name in ("a.pth", "a.safetensors"):
        with pytest.raises(WeightsError, match=rf"cannot read .*{name}.*No such file"):
            read_tensors(tmp_path / name)
