"""Total variation against its definition written out."""

import pytest
import torch
from torch import Tensor

from impasto.losses.smoothness import total_variation


def noise(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


def written_out(picture: Tensor) -> float:
    """The mean square over pairs of horizontal neighbours, plus that over vertical ones."""
    batch, channels, height, width = picture.shape
    values = picture.double().tolist()
    across, down = [], []
    for b in range(batch):
        for c in range(channels):
            for y in range(height):
                for x in range(width):
                    if x + 1 < width:
                        across.append((values[b][c][y][x + 1] - values[b][c][y][x]) ** 2)
                    if y + 1 < height:
                        down.append((values[b][c][y + 1][x] - values[b][c][y][x]) ** 2)
    return sum(sum(squares) / len(squares) for squares in (across, down) if squares)


@pytest.mark.parametrize("size", [(5, 7), (2, 2), (1, 6), (6, 1)])
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(
    ("dtype", "accuracy"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 2e-2)]
)
def test_it_is_the_definition(size, batch, layout, dtype, accuracy):
    picture = noise(batch, 3, *size, dtype=dtype).contiguous(memory_format=layout)
    assert total_variation(picture).item() == pytest.approx(written_out(picture), rel=accuracy)
    between = torch.stack([picture, picture + 1], dim=-1)[..., 0]
    assert total_variation(between).item() == pytest.approx(written_out(picture), rel=accuracy)


def test_by_hand():
    rows = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 0.5]]).expand(1, 3, 2, 3)
    across = (1 + 1 + 0 + 0.25) / 4
    down = (0 + 1 + 0.25) / 3
    assert total_variation(rows).item() == pytest.approx(across + down)


def test_one_pixel_and_one_colour_are_smooth():
    assert total_variation(noise(1, 3, 1, 1)) == 0
    assert total_variation(noise(1, 3, 1, 1).expand(1, 3, 5, 6)) == 0


def test_size_does_not_matter():
    """Stripes as wide as a pixel are as rough on a large picture as on a small one: the mean, not the sum."""
    for size in (4, 32):
        stripes = (torch.arange(size) % 2).double().expand(1, 3, size, size)
        assert total_variation(stripes) == total_variation(stripes.mT) == 1


@pytest.mark.parametrize("size", [(3, 4), (1, 4), (4, 1), (1, 1)])
def test_gradient(size):
    assert torch.autograd.gradcheck(total_variation, noise(2, 3, *size).requires_grad_())
