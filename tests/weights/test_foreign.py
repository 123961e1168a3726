"""torchvision's VGGs under our names."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from impasto.errors import WeightsError
from impasto.weights.foreign import vgg_from_torchvision

# torchvision's own configurations: numbers are convolutions, "M" is pooling, and every convolution has a ReLU
VGG_11 = [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"]
VGG_16 = [64, 64, "M", 128, 128, "M", *[256] * 3, "M", *[512] * 3, "M", *[512] * 3, "M"]
VGG_19 = [64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M"]


def torchvision_state(configuration: list, seed: int = 0) -> dict[str, Tensor]:
    """Every tensor of the published shape; a different number everywhere only in the first layer."""
    generator = torch.Generator().manual_seed(seed)
    state, position, channels = {}, 0, 3
    for width in configuration:
        if width == "M":
            position += 1
            continue
        fill = torch.randn(1, generator=generator)
        state[f"features.{position}.weight"] = fill.expand(width, channels, 3, 3)
        state[f"features.{position}.bias"] = fill.expand(width)
        position, channels = position + 2, width
    state["features.0.weight"] = torch.randn(64, 3, 3, 3, generator=generator)
    state["features.0.bias"] = torch.randn(64, generator=generator)
    state["classifier.6.bias"] = torch.zeros(1000)
    return state


@pytest.mark.parametrize(("configuration", "depths"), [(VGG_16, "22333"), (VGG_19, "22444")])
def test_names_follow_blocks_and_values_follow_names(configuration: list, depths: str):
    state = torchvision_state(configuration)
    ours = vgg_from_torchvision(state)
    names = [f"conv{b}_{i}" for b, depth in enumerate(depths, 1) for i in range(1, int(depth) + 1)]
    assert list(ours) == [f"{name}.{part}" for name in names for part in ("weight", "bias")]
    theirs = [key for key in state if key.startswith("features.")]
    for our_key, their_key in list(zip(ours, theirs, strict=True))[2:]:
        assert torch.equal(ours[our_key], state[their_key]), our_key


def test_the_last_convolution_of_vgg_19_is_features_34():
    state = torchvision_state(VGG_19)
    assert torch.equal(vgg_from_torchvision(state)["conv5_4.bias"], state["features.34.bias"])


def test_folded_conv1_1_equals_explicit_normalisation_away_from_the_border():
    state = torchvision_state(VGG_16)
    ours = vgg_from_torchvision(state)
    rgb = torch.rand(2, 3, 9, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    normalised = rgb.clone()
    for channel, (mean, std) in enumerate([(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)]):
        normalised[:, channel] = (normalised[:, channel] - mean) / std
    expected = conv2d(normalised, state["features.0.weight"].double(), state["features.0.bias"].double())
    folded = conv2d(rgb, ours["conv1_1.weight"].double(), ours["conv1_1.bias"].double())
    # folded in float64 and stored in float32: what is left is one rounding of numbers up to 30
    torch.testing.assert_close(folded, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("state", "found"),
    [
        (torchvision_state(VGG_11), r"17 tensors, 8 of them convolutions: features.0.weight \(64, 3, 3, 3\)"),
        ({}, "0 tensors, 0 of them convolutions: nothing"),
        ({"fc.bias": torch.zeros(3)}, r"1 tensors, 0 of them convolutions: fc.bias \(3,\)$"),
        (
            torchvision_state(VGG_16) | {"features.1.running_mean": torch.zeros(64)},
            "28 tensors, 13 of them convolutions",
        ),
    ],
)
def test_anything_else_is_refused_saying_what_was_found(state: dict[str, Tensor], found: str):
    with pytest.raises(WeightsError, match=rf"neither torchvision's VGG-16 nor its VGG-19: it has {found}"):
        vgg_from_torchvision(state)
