"""EfficientNet-Lite0: the published numbers, a photograph, and what each layer name means."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import conv2d, relu6

from impasto.errors import InputError, SettingError
from impasto.nn.efficientnet_lite import EfficientNetLite0, class_names
from impasto.weights.load import load_weights

PHOTO = Path(__file__).parents[1] / "data" / "coffee.jpg"


@pytest.fixture(scope="module")
def network() -> EfficientNetLite0:
    return EfficientNetLite0.pretrained()


@pytest.fixture(scope="module")
def photo() -> Tensor:
    with Image.open(PHOTO) as image:
        return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def test_parameters_are_as_many_as_published():
    with torch.device("meta"):
        network = EfficientNetLite0()
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    folded = sum(parameter.numel() for parameter in network.parameters())
    assert folded == 4_631_000
    # a batch norm learns a scale and a shift for every channel; folding turns them into one bias
    assert folded + sum(convolution.out_channels for convolution in convolutions) == 4_652_008


def test_a_cup_of_coffee_is_an_espresso(network: EfficientNetLite0, photo: Tensor):
    probabilities = network.classify(photo).softmax(1)[0]
    best = probabilities.topk(3).indices.tolist()
    assert class_names()[best[0]] == "espresso"
    assert probabilities[best[0]] > 0.5
    assert {class_names()[index] for index in best[1:]} == {"cup", "coffee mug"}


def test_colours_and_range_matter(network: EfficientNetLite0, photo: Tensor):
    """A network that forgot its normalisation, or took BGR, would not be this sure only here."""
    espresso = class_names().index("espresso")

    def confidence(picture: Tensor) -> float:
        return network.classify(picture).softmax(1)[0, espresso].item()

    assert confidence(photo) > confidence(photo.flip(1)) + 0.1
    assert confidence(photo) > confidence(photo * 255) + 0.1


def test_class_names_are_in_imagenets_order():
    assert len(class_names()) == 1000
    known = {0: "tench", 207: "golden retriever", 281: "tabby", 335: "fox squirrel", 999: "toilet tissue"}
    assert {index: class_names()[index] for index in known} == known


def test_layer_names_cover_sixteen_blocks(network: EfficientNetLite0):
    names = network.layer_names
    assert names[:4] == ("stem", "block0.depthwise", "block0.output", "block1.expand")
    assert names[-4:] == ("block15.output", "head", "pooled", "logits")
    assert len(names) == len(set(names)) == 1 + 2 + 15 * 3 + 3


def test_every_layer_has_its_shape(network: EfficientNetLite0):
    shapes = {
        name: tuple(found.shape[1:]) for name, found in network(noise(1, 3, 224, 224), network.layer_names).items()
    }
    assert tuple(shapes) == network.layer_names
    assert shapes["stem"] == (32, 112, 112)
    assert shapes["block0.output"] == (16, 112, 112)
    assert shapes["block1.expand"] == (96, 112, 112)
    assert shapes["block1.depthwise"] == (96, 56, 56)
    assert shapes["block8.expand"] == (480, 14, 14)
    assert shapes["block8.output"] == (112, 14, 14)
    assert shapes["block12.expand"] == (1152, 7, 7)
    assert shapes["block15.output"] == (320, 7, 7)
    assert shapes["head"] == (1280, 7, 7)
    assert shapes["pooled"] == (1280,)
    assert shapes["logits"] == (1000,)


def test_activations_are_between_0_and_6_and_outputs_are_not(network: EfficientNetLite0, photo: Tensor):
    found = network(photo, ["stem", "block8.expand", "block8.depthwise", "block8.output", "head"])
    for name in ("stem", "block8.expand", "block8.depthwise", "head"):
        assert found[name].min() == 0
        assert 0 < found[name].max() <= 6
    assert found["block8.output"].min() < 0


def test_a_block_is_expand_filter_narrow_add(network: EfficientNetLite0, photo: Tensor):
    """Block 9 keeps its shape, so it adds its input: computed again from the file, layer by layer."""
    names = ["block8.output", "block9.expand", "block9.depthwise", "block9.output"]
    entering, expanded, filtered, leaving = network(photo, names).values()
    weights = load_weights("efficientnet-lite0")

    def step(part: str, features: Tensor, **options: int) -> Tensor:
        weight, bias = (weights[f"blocks.9.{part}.{kind}"] for kind in ("weight", "bias"))
        return conv2d(features, weight, bias, **options)

    torch.testing.assert_close(expanded, relu6(step("expand", entering)))
    torch.testing.assert_close(filtered, relu6(step("depthwise", expanded, padding=2, groups=672)))
    torch.testing.assert_close(leaving, step("project", filtered) + entering)


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 200)])
def test_any_size_from_32(network: EfficientNetLite0, size: tuple[int, int]):
    assert network.classify(noise(2, 3, *size)).shape == (2, 1000)


def test_a_smaller_picture_is_refused(network: EfficientNetLite0):
    with pytest.raises(InputError, match=r"40×31 pixels.*at least 32×32"):
        network.classify(noise(1, 3, 31, 40))


def test_a_wrong_layer_lists_the_layers(network: EfficientNetLite0):
    with pytest.raises(
        SettingError, match=r"layer is 'block0.expand'; choose one of stem, block0.depthwise, .*logits"
    ):
        network(noise(1, 3, 32, 32), ["stem", "block0.expand"])


def test_nothing_past_the_deepest_layer_is_computed(network: EfficientNetLite0):
    ran = []
    block = network.blocks[8]
    watched = {"expand": block.expand, "depthwise": block.depthwise, "next": network.blocks[9].expand}
    handles = [
        module.register_forward_hook(lambda *_, name=name: ran.append(name)) for name, module in watched.items()
    ]
    network(noise(1, 3, 32, 32), ["block8.expand", "stem"])
    for handle in handles:
        handle.remove()
    assert ran == ["expand"]


def test_no_layers_give_nothing(network: EfficientNetLite0):
    assert network(noise(1, 3, 32, 32), []) == {}


def test_gradients_reach_the_picture_and_not_the_weights(network: EfficientNetLite0):
    picture = noise(1, 3, 64, 64).requires_grad_()
    network(picture, ["block8.expand"])["block8.expand"].square().mean().backward()
    assert picture.grad is not None
    assert picture.grad.abs().max() > 0
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_pictures_of_a_batch_do_not_see_each_other(network: EfficientNetLite0, photo: Tensor):
    both = network.classify(torch.cat([photo, noise(1, 3, 224, 224)]))
    torch.testing.assert_close(both[:1], network.classify(photo), rtol=1e-4, atol=1e-4)
