"""Layers by name: what is said of them is what the networks give, and how people write them."""

import pytest
import torch

from impasto.errors import SettingError
from impasto.nn.backbones import backbone_dtype, layer_named, layers_of, load_backbone


@pytest.mark.parametrize("name", ["efficientnet-lite0", "vgg16"])
def test_channels_and_strides_are_those_of_the_network(name):
    network = load_backbone(name, torch.device("cpu"), torch.float32)
    with torch.no_grad():
        found = network(torch.rand(1, 3, 64, 96), network.layer_names)
    placed = {layer: features for layer, features in found.items() if features.ndim == 4}
    assert tuple(layers_of(name)) == tuple(placed)
    for layer, (channels, stride) in layers_of(name).items():
        assert placed[layer].shape == (1, channels, 64 // stride, 96 // stride), layer


def test_vgg19_has_sixteen_layers():
    assert len(layers_of("vgg19-imagenet")) == 16 and layers_of("vgg19-imagenet")["relu5_4"] == (512, 16)


def test_channels_of_a_layer():
    assert layer_named("block8.expand", "efficientnet-lite0") == ("block8.expand", ())
    chosen = layer_named("relu4_2:7,511", "vgg16")
    assert chosen == ("relu4_2", (7, 511))
    features = {"relu4_2": torch.arange(512.0).view(1, 512, 1, 1).to(torch.bfloat16)}
    assert chosen.of(features).dtype == torch.float32 and chosen.of(features)[0, 0, 0, 0] == 7


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("block8.expnad", "has no layer 'block8.expnad'; choose block8.expand"),
        ("logits", "has no layer 'logits'; choose"),
        ("block8.expand:480", "channel of block8.expand is 480; allowed are whole numbers from 0 to 479"),
        ("block8.expand:", "names no channels; write them as block8.expand:7,12"),
        ("block8.expand:a", "names no channels"),
    ],
)
def test_what_is_no_layer_is_refused(text, wanted):
    with pytest.raises(SettingError, match=wanted):
        layer_named(text, "efficientnet-lite0")


def test_the_classifier_computes_in_fp32():
    assert backbone_dtype("efficientnet-lite0", "auto", torch.device("cpu")) == torch.float32
    assert backbone_dtype("vgg16", "bf16", torch.device("cpu")) == torch.bfloat16
    with pytest.raises(SettingError, match="efficientnet-lite0 computes in fp32 alone"):
        backbone_dtype("efficientnet-lite0", "bf16", torch.device("cpu"))
