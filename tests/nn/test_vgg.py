"""VGG: the published numbers, what each layer name means, and what happens at the border."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from impasto.errors import InputError, SettingError
from impasto.nn.vgg import VGG, layer_names
from impasto.weights.load import load_weights

VGG_16 = ("vgg16", "vgg16-imagenet")
DIVISORS = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16}
CHANNELS = {1: 64, 2: 128, 3: 256, 4: 512, 5: 512}


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def block(name: str) -> int:
    return int(name[4])


def without_weights(network: str) -> VGG:
    with torch.device("meta"):
        return VGG(network)


@pytest.mark.parametrize("network", [*VGG_16, "vgg19-imagenet"])
def test_layers_are_named_after_the_papers_table(network):
    names = layer_names(network)
    assert names[:5] == ("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1")
    assert names == tuple(sorted(names))
    assert len(names) == (13 if network in VGG_16 else 16), "16 and 19 layers, less three of the classifier"
    assert names[-1] == ("relu5_3" if network in VGG_16 else "relu5_4")
    assert without_weights(network).layer_names == names


def test_parameters_are_as_many_as_published():
    """Keras' and torchvision's counts of the convolutions, 'include_top=False'."""
    published = {"vgg16": 14_714_688, "vgg16-imagenet": 14_714_688, "vgg19-imagenet": 20_024_384}
    for network, count in published.items():
        vgg = without_weights(network)
        assert {parameter.device.type for parameter in vgg.parameters()} == {"meta"}
        assert sum(parameter.numel() for parameter in vgg.parameters()) == count


def test_adains_encoder_is_vgg_19_up_to_relu4_1():
    """AdaIN's published encoder has 3,505,740 parameters; 12 of them are a 1×1 convolution for its colours."""
    vgg = without_weights("vgg19-imagenet")
    encoder = vgg.layer_names[: vgg.layer_names.index("relu4_1") + 1]
    modules = [vgg.get_submodule(name.replace("relu", "conv")) for name in encoder]
    assert sum(parameter.numel() for module in modules for parameter in module.parameters()) == 3_505_740 - 12


@pytest.mark.parametrize("size", [(64, 64), (16, 16), (33, 47), (16, 200)])
def test_every_layer_has_its_shape(vgg, size):
    found = vgg(noise(2, 3, *size), vgg.layer_names)
    assert tuple(found) == vgg.layer_names
    for name, features in found.items():
        divisor = DIVISORS[block(name)]
        assert features.shape == (2, CHANNELS[block(name)], size[0] // divisor, size[1] // divisor)
        assert features.dtype == torch.float32
        assert features.min() == 0, "it is named after its ReLU"
        assert features.max() > 0


def test_vgg_19_has_its_shapes():
    with torch.device("meta"):
        found = VGG("vgg19-imagenet")(torch.empty(1, 3, 64, 64), ["relu3_4", "relu5_4"])
    assert found["relu3_4"].shape == (1, 256, 16, 16)
    assert found["relu5_4"].shape == (1, 512, 4, 4)


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize("size", [(32, 32), (19, 26)])
def test_it_is_the_papers_chain_of_convolutions(pooling, size):
    """Convolutions of the file's weights, with ReLUs, and 2×2 windows pooled one by one, in float64."""
    weights = load_weights("vgg16", torch.float64)
    picture = noise(1, 3, *size).double()
    vgg = VGG.pretrained(pooling=pooling, dtype=torch.float64)
    found = vgg(picture, vgg.layer_names)
    rows, columns = ([0, *range(side), side - 1] for side in size)
    features = picture[:, :, rows][:, :, :, columns]
    for name in vgg.layer_names:
        if name.endswith("_1") and name != "relu1_1":
            high, wide = features.shape[2] // 2 * 2, features.shape[3] // 2 * 2
            corners = torch.stack([features[:, :, y:high:2, x:wide:2] for y in (0, 1) for x in (0, 1)])
            features = corners.amax(0) if pooling == "max" else corners.mean(0)
        convolution = name.replace("relu", "conv")
        weight, bias = weights[f"{convolution}.weight"], weights[f"{convolution}.bias"]
        features = conv2d(features, weight, bias, padding=0 if name == "relu1_1" else 1).clamp_min(0)
        torch.testing.assert_close(found[name], features, rtol=1e-9, atol=1e-9)


def test_order_repeats_and_kinds_of_layers_do_not_matter(vgg):
    picture = noise(1, 3, 32, 32)
    every = vgg(picture, vgg.layer_names)
    for asked in (["relu3_1", "relu1_2"], ("relu1_2", "relu3_1", "relu1_2"), {"relu3_1", "relu1_2"}):
        found = vgg(picture, asked)
        assert set(found) == {"relu3_1", "relu1_2"}
        for name, features in found.items():
            torch.testing.assert_close(features, every[name])
    assert vgg(picture, []) == {}


@pytest.mark.parametrize(("deepest", "count"), [("relu1_1", 1), ("relu2_2", 4), ("relu4_1", 8), ("relu5_3", 13)])
def test_nothing_past_the_deepest_layer_is_computed(vgg, deepest, count):
    ran = []
    handles = [
        module.register_forward_hook(lambda *_, name=name: ran.append(name))
        for name, module in vgg.named_children()
    ]
    vgg(noise(1, 3, 16, 16), [deepest, "relu1_1"])
    for handle in handles:
        handle.remove()
    assert ran == [name.replace("relu", "conv") for name in vgg.layer_names[:count]]


def test_a_constant_picture_has_constant_features_up_to_the_border(vgg):
    """The picture's own edge goes on behind it; a rim of black or of the mean colour would show here."""
    color = torch.tensor([0.9, 0.2, 0.5]).view(1, 3, 1, 1)
    features = vgg(color.expand(1, 3, 24, 20), ["relu1_1"])["relu1_1"]
    assert features.amax() > 0.1
    assert (features - features[..., 12:13, 10:11]).abs().max() < 1e-5


def test_gradients_reach_the_picture_and_not_the_weights(vgg):
    picture = noise(1, 3, 32, 32).requires_grad_()
    vgg(picture, ["relu5_1"])["relu5_1"].square().mean().backward()
    assert picture.grad.abs().min() > 0
    assert not vgg.training
    assert not any(parameter.requires_grad or parameter.grad is not None for parameter in vgg.parameters())


def test_the_picture_is_not_changed(vgg):
    picture = noise(1, 3, 16, 16)
    before = picture.clone()
    vgg(picture, vgg.layer_names)
    assert torch.equal(picture, before)


def test_layouts_of_the_picture_do_not_matter(vgg):
    picture = noise(2, 3, 32, 24)
    expected = vgg(picture, ["relu4_1"])["relu4_1"]
    for other in (picture.contiguous(memory_format=torch.channels_last), picture.mT.contiguous().mT):
        torch.testing.assert_close(vgg(other, ["relu4_1"])["relu4_1"], expected)
    alone = torch.cat([vgg(single, ["relu4_1"])["relu4_1"] for single in picture.split(1)])
    torch.testing.assert_close(alone, expected, rtol=1e-4, atol=1e-6 * float(expected.max()))


def test_bf16_sees_pixels_as_finely_as_fp32(photo):
    """Only what conv1_1 gives is rounded, by half a step of 8 bits at most; not the pixels that it is given."""
    rounded = VGG.pretrained(dtype=torch.bfloat16)
    exact = VGG.pretrained()
    exact.load_state_dict({name: weight.float() for name, weight in rounded.state_dict().items()})
    wanted = exact(photo, ["relu1_1"])["relu1_1"]
    error = (rounded(photo, ["relu1_1"])["relu1_1"].float() - wanted).abs()
    assert (error <= 2**-8 * wanted + 1e-4 * wanted.max()).all()


def test_bf16_is_near(vgg, photo):
    rounded = VGG.pretrained(dtype=torch.bfloat16)(photo, ["relu1_1", "relu4_2"])
    for name, exact in vgg(photo, ["relu1_1", "relu4_2"]).items():
        assert rounded[name].dtype == torch.bfloat16
        assert (rounded[name].float() - exact).norm() < 0.03 * exact.norm()


def test_average_pooling_is_smoother_than_max(photo):
    """Average pooling gives less than the largest of four; the layers before the first pooling are the same."""
    layers = ["relu1_2", "relu2_1"]
    most = VGG.pretrained(pooling="max")(photo, layers)
    mean = VGG.pretrained(pooling="average")(photo, layers)
    torch.testing.assert_close(mean["relu1_2"], most["relu1_2"])
    assert mean["relu2_1"].sum() < most["relu2_1"].sum()


def test_deep_layers_see_the_same_thing_elsewhere_better_than_shallow_ones(vgg, photo, painting):
    """What makes it a perceptual network: a photo and its shifted self are nearer than a photo and a painting."""
    shifted, other = photo.roll((3, 5), (2, 3)), torch.nn.functional.interpolate(painting, photo.shape[-2:])

    def likeness(one: Tensor, two: Tensor, name: str) -> Tensor:
        pair = [vgg(picture, [name])[name].flatten() for picture in (one, two)]
        return torch.cosine_similarity(*pair, dim=0)

    assert likeness(photo, shifted, "relu5_1") > likeness(photo, other, "relu5_1") + 0.1


@pytest.mark.parametrize(
    ("layer", "smallest"), [("relu1_2", 1), ("relu2_2", 2), ("relu3_3", 4), ("relu4_2", 8), ("relu5_3", 16)]
)
def test_a_picture_too_small_for_a_layer_is_refused(vgg, layer, smallest):
    assert vgg(noise(1, 3, smallest, 20), [layer, "relu1_1"])[layer].shape[2] == 1
    if smallest > 1:
        with pytest.raises(
            InputError, match=rf"20×{smallest - 1} pixels; {layer} needs at least {smallest}×{smallest}$"
        ):
            vgg(noise(1, 3, smallest - 1, 20), ["relu1_1", layer])


@pytest.mark.parametrize("wrong", ["relu5_4", "conv1_1", "relu6_1", ""])
def test_a_wrong_layer_lists_the_layers(vgg, wrong):
    with pytest.raises(SettingError, match=rf"^layer is '{wrong}'; choose one of relu1_1, .*, relu5_2, relu5_3$"):
        vgg(noise(1, 3, 32, 32), ["relu1_1", wrong])


def test_a_wrong_network_or_pooling_lists_the_choices():
    with pytest.raises(SettingError, match=r"^network is 'vgg11'; choose one of vgg16, .*vgg19-imagenet$"):
        VGG("vgg11")
    with pytest.raises(SettingError, match=r"^pooling is 'mean'; choose one of max, average$"):
        VGG("vgg16", "mean")
