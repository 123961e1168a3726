"""Networks that make pictures of label maps: published sizes, any size, and what their papers' parts do."""

import pytest
import torch

from impasto.errors import InputError, SettingError
from impasto.image.labels import boundaries, one_hot
from impasto.methods import pix2pixhd, spade
from impasto.methods.pix2pixhd import InstanceEncoder, LocalEnhancer, Pix2PixHDSettings, averaged
from impasto.methods.spade import Spade, SpadeSettings
from impasto.nn.resnet import ResnetGenerator

SMALL = SpadeSettings(classes=4, base_channels=2, discriminator_channels=2, crop_size=128, load_size=128)


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("channels", "generator", "discriminator"),
    [
        (184, 97_480_899, 5_904_514),
        (151, 96_492_483, 5_836_930),
        (36, 93_048_003, 5_601_410),
        (13, 92_359_107, None),
    ],
)
def test_published_numbers_of_parameters_of_spade(channels: int, generator: int, discriminator: int | None):
    networks = spade.networks(SpadeSettings(classes=channels - 2))
    assert count(networks["generator"]) == generator
    assert discriminator in (None, count(networks["discriminator"]))


def test_published_number_of_parameters_of_pix2pixhd():
    for enhanced, parameters in ((False, 182_546_755), (True, 182_857_059)):
        networks = pix2pixhd.networks(Pix2PixHDSettings(classes=34, enhanced=enhanced, num_scales=2))
        assert count(networks["generator"]) == parameters
        assert count(networks["discriminator"]) == 5_603_202


def test_the_enhancer_paints_at_twice_the_size():
    coarse = ResnetGenerator(5, 3, 2, num_blocks=1, num_downs=2)
    fine = LocalEnhancer(coarse, 5, 3, num_blocks=1)
    assert fine(torch.rand(1, 5, 64, 96)).shape == (1, 3, 64, 96)
    assert fine.stride == 8


def test_spade_scales_and_shifts_what_was_normalised():
    """Written out by hand: statistics of the batch, γ and β of the map, nearest."""
    layer = Spade(3, 2)
    features, labels = torch.randn(2, 3, 8, 8), torch.rand(2, 2, 16, 16)
    mean = features.mean(dim=(0, 2, 3), keepdim=True)
    deviation = (features.var(dim=(0, 2, 3), keepdim=True, correction=0) + 1e-5).sqrt()
    hidden = layer.shared(labels[:, :, ::2, ::2]).relu()
    expected = (features - mean) / deviation * (1 + layer.scale(hidden)) + layer.shift(hidden)
    torch.testing.assert_close(layer(features, labels), expected)
    torch.testing.assert_close(layer.eval()(features, labels), expected)


@pytest.mark.parametrize("num_ups", [5, 6])
@pytest.mark.parametrize("size", [(64, 64), (64, 192)])
def test_spade_paints_maps_of_any_shape(num_ups: int, size: tuple[int, int]):
    settings = SpadeSettings(**{**SMALL.__dict__, "num_ups": num_ups, "style_guided": True})
    generator = spade.generator_of(settings).eval()
    encoder = generator.encoder
    assert set(spade.networks(settings)) == {"generator", "discriminator", "encoder"}
    labels = settings.encoded(torch.randint(0, 6, (2, 1, *size)), torch.randint(0, 6, (2, 1, *size)))
    assert labels.shape == (2, 6, *size)
    mean, log_variance = encoder(torch.rand(2, 3, 40, 50))
    assert mean.shape == log_variance.shape == (2, 256)
    painted = generator(labels, mean)
    assert painted.shape == (2, 3, *size)
    assert torch.equal(painted, generator(labels, mean))
    assert not torch.equal(generator(labels), generator(labels)), "looks are drawn"
    assert spade.generator_of(SMALL)(labels).shape == (2, 3, *size)
    with pytest.raises(InputError, match=r"each side must be a multiple of"):
        generator(labels[..., :-1])


def test_spectral_norms_are_one():
    judge = spade.judge_of(SMALL).train()
    for _ in range(50):
        judge.layers(torch.rand(1, SMALL.label_channels + 3, 64, 64))
    weight = judge.scales[0].convolutions[1].weight.detach()
    assert float(torch.linalg.matrix_norm(weight.flatten(1), ord=2)) == pytest.approx(1, abs=0.02)


def test_one_channel_a_class():
    labels = torch.tensor([[[[0, 2], [7, 1]]]])
    channels = one_hot(labels, 3, dont_care=True)
    assert channels.argmax(dim=1).tolist() == [[[0, 2], [3, 1]]] and bool((channels.sum(dim=1) == 1).all())
    without = one_hot(labels, 3, dont_care=False)
    assert without.shape == (1, 3, 2, 2) and float(without[0, :, 1, 0].sum()) == 0


def test_boundaries_are_where_a_neighbour_is_another():
    instances = torch.zeros(1, 1, 4, 5, dtype=torch.long)
    instances[..., 1:3, 2:] = 7
    assert boundaries(instances)[0, 0].tolist() == [
        [0, 0, 1, 1, 1],
        [0, 1, 1, 1, 1],
        [0, 1, 1, 1, 1],
        [0, 0, 1, 1, 1],
    ]


def test_features_of_an_instance_are_its_mean():
    features, instances = torch.randn(2, 3, 4, 4, requires_grad=True), torch.randint(0, 3, (2, 1, 4, 4))
    found = averaged(features, instances)
    for index in range(2):
        for number in instances[index].unique():
            place = instances[index, 0] == number
            expected = features[index][:, place].mean(dim=1, keepdim=True).expand(-1, int(place.sum()))
            torch.testing.assert_close(found[index][:, place], expected)
    found.sum().backward()
    torch.testing.assert_close(features.grad, torch.ones_like(features))
    encoded = InstanceEncoder(3, base_channels=2)(
        torch.rand(1, 3, 32, 32), torch.zeros(1, 1, 32, 32, dtype=torch.long)
    )
    assert bool((encoded.std(dim=(2, 3)) < 1e-5).all())


def test_refusals():
    with pytest.raises(SettingError, match="num_ups is 4"):
        SpadeSettings(num_ups=4)
    with pytest.raises(SettingError, match="classes is -1"):
        SpadeSettings(classes=-1)
