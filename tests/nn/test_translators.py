"""Generators and discriminators of image translation: published sizes, receptive fields, any size."""

import pytest
import torch
from torch import nn

from impasto.errors import InputError, SettingError
from impasto.nn.blocks import Enlarge, init_normal
from impasto.nn.patchgan import MultiscaleDiscriminator, PatchGAN, PixelGAN
from impasto.nn.resnet import ResnetGenerator
from impasto.nn.unet import UNet


@pytest.mark.parametrize(
    ("make", "parameters"),
    [
        (lambda: UNet(3, 3), 54_413_955),
        (lambda: UNet(3, 3, num_downs=7), 41_828_995),
        (lambda: ResnetGenerator(3, 3), 11_378_179),
        (lambda: ResnetGenerator(3, 3, num_blocks=6), 7_837_699),
        (lambda: PatchGAN(6), 2_768_705),
        (lambda: PatchGAN(3), 2_765_633),
        (lambda: PatchGAN(6, norm="instance"), 2_767_809),
        (lambda: PatchGAN(3, norm="instance"), 2_764_737),
        (lambda: PixelGAN(6), 9_024),
        (lambda: PixelGAN(3), 8_832),
        (lambda: ResnetGenerator(36, 3, num_downs=4), 182_546_755),
        (lambda: MultiscaleDiscriminator([PatchGAN(39, norm="instance", padding=2) for _ in range(2)]), 5_603_202),
    ],
)
def test_published_numbers_of_parameters(make, parameters: int):
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in make().parameters()) == parameters


def test_published_receptive_fields():
    with torch.device("meta"):
        fields = [PatchGAN(3, num_layers=layers).receptive_field for layers in range(1, 6)]
    assert fields == [16, 34, 70, 142, 286]


def test_a_verdict_sees_its_patch_and_no_more():
    judge = PatchGAN(1, 2, norm="none").eval()
    picture = torch.zeros(1, 1, 128, 128, requires_grad=True)
    judge(picture)[0, 0, 7, 7].backward()
    rows = picture.grad[0, 0].any(dim=1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == judge.receptive_field == 70


@pytest.mark.parametrize(
    ("size", "verdicts"), [((256, 256), (30, 30)), ((512, 256), (62, 30)), ((70, 111), (6, 11))]
)
def test_maps_of_verdicts(size: tuple[int, int], verdicts: tuple[int, int]):
    judge = PatchGAN(6, 4)
    assert judge(torch.zeros(1, 6, *size)).shape == (1, 1, *verdicts)
    assert PixelGAN(6, 4)(torch.zeros(1, 6, *size)).shape == (1, 1, *size)
    layers = judge.layers(torch.zeros(1, 6, *size))
    assert len(layers) == 5 and layers[-1].shape == (1, 1, *verdicts)


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
@pytest.mark.parametrize("size", [(256, 256), (512, 256)])
def test_a_translation_has_the_size_of_the_picture(upsampling, size: tuple[int, int]):
    for network in (UNet(2, 5, 2, upsampling=upsampling), ResnetGenerator(2, 5, 2, 1, upsampling=upsampling)):
        painted = network(torch.rand(1, 2, *size)).detach()
        assert painted.shape == (1, 5, *size) and float(painted.abs().max()) < 1


@pytest.mark.parametrize("make", [lambda: UNet(3, 3, 2), lambda: ResnetGenerator(3, 3, 2, 1)])
def test_sizes_that_do_not_fit_are_told(make):
    with pytest.raises(InputError, match="the picture is 250×258 pixels; each side must be a multiple of"):
        make()(torch.zeros(1, 3, 258, 250))


def test_dropout_is_where_it_should_be():
    """In the decoder of 256 pixels: the three layers after the innermost."""
    places = [layer.share > 0 for layer in UNet(3, 3, 2).dropout]
    assert places == [False] * 4 + [True] * 3 + [False]
    assert not any(layer.share for layer in UNet(3, 3, 2, dropout=False).dropout)
    assert ResnetGenerator(3, 3, 2, 1, dropout=True).blocks[0].dropout.share == 0.5


def test_a_seed_repeats_the_noise():
    network, picture = UNet(3, 3, 2).train(), torch.rand(2, 3, 256, 256)
    torch.manual_seed(1)
    first = network(picture)
    torch.manual_seed(1)
    assert torch.equal(network(picture), first)
    assert not torch.equal(network(picture), first)


def test_skips_carry_what_the_bottleneck_loses():
    """Two pictures that differ in one pixel alone are painted differently around it."""
    network = UNet(1, 1, 4, norm="none", dropout=False).eval()
    picture = torch.zeros(1, 1, 256, 256)
    changed = picture.clone()
    changed[0, 0, 100, 60] = 1
    apart = (network(changed) - network(picture)).abs()[0, 0]
    assert int(apart.argmax()) // 256 in range(90, 110)


def test_enlarging_is_nearest_upsampling_and_a_convolution():
    layer, features = Enlarge(3, 4, bias=True), torch.rand(1, 3, 6, 5)
    plain = nn.functional.interpolate(features, scale_factor=2, mode="nearest")
    plain = nn.functional.pad(plain, (1, 1, 1, 1), mode="replicate")
    expected = nn.functional.conv2d(plain, layer.convolution.weight, layer.convolution.bias)
    torch.testing.assert_close(layer(features), expected)


def test_first_weights():
    network = UNet(3, 3, 16, num_downs=6)
    torch.manual_seed(0)
    init_normal(network)
    weight, scale = network.down[2].weight.detach(), network.down_norm[2].weight.detach()
    assert float(weight.std()) == pytest.approx(0.02, rel=0.03) and abs(float(weight.mean())) < 1e-3
    assert float(scale.mean()) == pytest.approx(1, abs=0.02) and not network.down_norm[2].bias.any()
    assert not network.up[0].bias.any()


def test_unknown_choices_are_told():
    with pytest.raises(SettingError, match="norm is 'layer'; choose one of batch, instance, none"):
        PatchGAN(3, norm="layer")
    with pytest.raises(SettingError, match="upsampling is 'pixel'"):
        ResnetGenerator(3, 3, upsampling="pixel")
    with pytest.raises(SettingError, match="num_downs is 4; allowed are whole numbers from 5"):
        UNet(3, 3, num_downs=4)


def test_discriminators_at_several_scales():
    judge = MultiscaleDiscriminator([PatchGAN(6, 4, norm="instance", padding=2) for _ in range(3)])
    shapes = [layers[-1].shape[2:] for layers in judge.layers(torch.zeros(1, 6, 128, 64))]
    assert shapes == [(19, 11), (11, 7), (7, 5)]
    flat = torch.full((1, 6, 64, 64), 0.3)
    same = MultiscaleDiscriminator([judge.scales[0], judge.scales[0]])
    whole, half = same.layers(flat)
    torch.testing.assert_close(whole[0][:, :, 8:12, 8:12], half[0][:, :, 8:12, 8:12])


def test_a_resized_unet_paints_what_changes_from_pixel_to_pixel():
    """With one convolution after nearest upsampling, pixels of one place stay alike: 0.64 after as many steps."""
    torch.manual_seed(0)
    network = UNet(3, 1, 8, 5, norm="none", upsampling="resize", dropout=False)
    init_normal(network, 0.1)
    adam = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(150):
        pixels = (torch.rand(4, 3, 32, 32) > 0.5).float() * 2 - 1
        loss = (network(pixels) - 0.8 * pixels[:, :1] * pixels[:, 1:2]).abs().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert float(loss.detach()) < 0.45
