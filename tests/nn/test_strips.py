"""Strips: what is painted piece by piece is what is painted whole, statistics included."""

import pytest
import torch
from torch import Tensor

from impasto.nn import planes, strips
from impasto.nn.planes import Plane
from impasto.nn.strips import Statistics
from impasto.nn.transform import Painting, TransformNetwork
from impasto.nn.transform_strips import paint_in_strips


@pytest.fixture
def network() -> TransformNetwork:
    torch.manual_seed(0)
    return TransformNetwork(4, 2)


def whole_and_in_strips(network: TransformNetwork, picture: Tensor, painting: Painting) -> tuple[Tensor, Tensor]:
    height, width = picture.shape[-2:]
    with torch.inference_mode():
        whole = network(picture, painting)
    read = lambda top, bottom: picture[:, :, top:bottom]  # noqa: E731
    pieces = list(paint_in_strips(network, read, height, width, painting))
    assert len(pieces) > 1 and [top for top, _ in pieces] == sorted({top for top, _ in pieces})
    return whole, torch.cat([piece for _, piece in pieces], dim=2)


@pytest.mark.parametrize("in_files", [False, True])
@pytest.mark.parametrize(("height", "width"), [(80, 96), (160, 48), (44, 132)])
def test_strips_equal_the_whole(
    network: TransformNetwork,
    photo: Tensor,
    height: int,
    width: int,
    in_files: bool,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(strips, "VALUES", 4 * 12 * width)
    monkeypatch.setattr(planes, "IN_MEMORY", 0 if in_files else 2**28)
    picture = photo.repeat(1, 1, 4, 4)[:, :, :height, :width]
    row = network.plain_rows(2) + 0.3 * torch.randn(2, network.row_length)
    whole, pieces = whole_and_in_strips(network, picture, Painting.plain(row[:1]))
    torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-5)
    weights = torch.rand(1, 1, height, width)
    regions = Painting(row, torch.cat([weights, 1 - weights], dim=1))
    whole, pieces = whole_and_in_strips(network, picture, regions)
    torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-5)


def test_statistics_of_parts_are_those_of_the_whole():
    features = torch.randn(1, 3, 40, 7) * torch.tensor([1.0, 100.0, 0.01])[:, None, None] + 50
    statistics = Statistics()
    for part in features.split((1, 30, 9), dim=2):
        statistics.add(part)
    variance, mean = torch.var_mean(features.double(), dim=(2, 3), correction=1, keepdim=True)
    torch.testing.assert_close(statistics.mean.double(), mean, rtol=1e-5, atol=0)
    torch.testing.assert_close(statistics.variance(1).double(), variance, rtol=1e-3, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("limit", [0, 2**28])
def test_a_plane_gives_back_what_it_was_given(dtype: torch.dtype, limit: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(planes, "IN_MEMORY", limit)
    plane, features = Plane(5, 12, 7, dtype), torch.randn(1, 5, 12, 7).to(dtype)
    for top in (4, 0, 8):
        plane.write(top, features[:, :, top : top + 4])
    assert torch.equal(plane.read(0, 12), features)
    assert torch.equal(plane.read(3, 9), features[:, :, 3:9])
