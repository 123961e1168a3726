"""The image transformation network: its size, its shape, and styles as rows of numbers."""

import pytest
import torch
from torch import Tensor, nn

from impasto.errors import InputError, SettingError
from impasto.nn.transform import Painting, TransformNetwork


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def network() -> TransformNetwork:
    torch.manual_seed(0)
    return TransformNetwork(base_channels=4, num_blocks=2).eval().requires_grad_(False)


def rows_of(network: TransformNetwork, count: int) -> Tensor:
    return network.plain_rows(count) + 0.5 * torch.randn(
        count, network.row_length, generator=torch.Generator().manual_seed(1)
    )


def test_with_one_row_it_has_as_many_parameters_as_johnsons():
    with torch.device("meta"):
        network = TransformNetwork()
    assert sum(parameter.numel() for parameter in network.parameters()) + network.row_length == 1_679_235


@pytest.mark.parametrize("regions", [False, True])
def test_it_equals_the_network_written_with_torchs_layers(network: TransformNetwork, regions: bool):
    picture, rows = noise(1, 3, 20, 28), rows_of(network, 2 if regions else 1)
    weights = noise(1, 2, 20, 28, seed=2).softmax(dim=1) if regions else torch.ones(1, 1, 20, 28)
    scales, shifts = (list(half.split(network.widths, dim=1)) for half in rows.chunk(2, dim=1))

    def layer(convolution: nn.Conv2d, features: Tensor, border: int) -> Tensor:
        convolved = convolution(nn.ReflectionPad2d(border)(features))
        places = nn.AvgPool2d(20 // convolved.shape[2])(weights)
        scale, shift = (
            sum(places[:, index : index + 1] * row[None, :, None, None] for index, row in enumerate(numbers.pop(0)))
            for numbers in (scales, shifts)
        )
        return nn.InstanceNorm2d(convolved.shape[1])(convolved) * scale + shift

    features = layer(network.enter, picture, 4).relu()
    for convolution in network.down:
        features = layer(convolution, features, 1).relu()
    for index in (0, 2):
        inner = layer(network.blocks[index], features, 1).relu()
        features = features + layer(network.blocks[index + 1], inner, 1)
    for convolution in network.up:
        features = layer(convolution, nn.Upsample(scale_factor=2)(features), 1).relu()
    expected = network.leave(nn.ReflectionPad2d(4)(features)).sigmoid()
    painting = Painting(rows, weights) if regions else Painting.plain(rows)
    torch.testing.assert_close(network(picture, painting), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (8, 40), (52, 12)])
def test_out_comes_what_size_went_in(network: TransformNetwork, height: int, width: int):
    painted = network(noise(1, 3, height, width), Painting.plain(rows_of(network, 1)))
    assert painted.shape == (1, 3, height, width)
    assert painted.min() >= 0 and painted.max() <= 1


def test_each_picture_of_a_batch_has_its_own_style(network: TransformNetwork):
    pictures, rows = noise(3, 3, 16, 24), rows_of(network, 3)
    together = network(pictures, Painting.plain(rows))
    for index in range(3):
        alone = network(pictures[index : index + 1], Painting.plain(rows[index : index + 1]))
        torch.testing.assert_close(together[index : index + 1], alone, rtol=1e-5, atol=1e-6)


def test_blending_mixes_rows(network: TransformNetwork):
    picture, rows = noise(1, 3, 16, 24), rows_of(network, 2)
    mixed = network(picture, Painting.blend(rows, torch.tensor([3.0, 1.0])))
    expected = network(picture, Painting.plain((0.75 * rows[0] + 0.25 * rows[1])[None]))
    torch.testing.assert_close(mixed, expected, rtol=1e-5, atol=1e-6)


def test_weights_that_are_the_same_everywhere_are_a_blend(network: TransformNetwork):
    picture, rows = noise(1, 3, 16, 24), rows_of(network, 2)
    shares = torch.tensor([0.3, 0.7])
    placed = network(picture, Painting(rows, shares[None, :, None, None].expand(1, 2, 16, 24)))
    torch.testing.assert_close(placed, network(picture, Painting.blend(rows, shares)), rtol=1e-5, atol=1e-6)


def test_what_does_not_fit_is_refused(network: TransformNetwork):
    with pytest.raises(InputError, match="multiple of 4"):
        network(noise(1, 3, 18, 16), Painting.plain(rows_of(network, 1)))
    with pytest.raises(InputError, match="at least 8"):
        network(noise(1, 3, 4, 16), Painting.plain(rows_of(network, 1)))
    with pytest.raises(SettingError, match="7 numbers"):
        network(noise(1, 3, 16, 16), Painting.plain(torch.ones(1, 7)))


def test_in_bf16_it_paints_nearly_the_same(network: TransformNetwork):
    picture, painting = noise(1, 3, 32, 32), Painting.plain(rows_of(network, 1))
    torch.manual_seed(0)
    half = TransformNetwork(base_channels=4, num_blocks=2).to(torch.bfloat16)
    assert (half(picture, painting) - network(picture, painting)).abs().mean() < 0.02
