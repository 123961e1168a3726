"""Measures: against independent versions, and that what is worse measures worse."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import poly_mmd

from impasto.errors import InputError
from impasto.metrics.distance import perceptual_distance
from impasto.metrics.frechet import frechet_distance
from impasto.metrics.intervals import bootstrap
from impasto.metrics.kernel import kernel_distance
from impasto.metrics.pixels import l1, psnr, ssim


class Features(nn.Module):
    """Pictures of 4 × 4 pixels are their own features."""

    num_features = 48

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.flatten(1)


@pytest.mark.parametrize("count", [20, 300])
def test_the_frechet_distance_is_that_of_torchmetrics(count: int):
    """With fewer pictures than features, too, where covariances cannot be inverted."""
    first, second = torch.rand(count, 3, 4, 4), torch.rand(count + 7, 3, 4, 4) ** 2
    metric = FrechetInceptionDistance(Features(), normalize=True, input_img_size=(3, 4, 4)).set_dtype(torch.float64)
    metric.used_custom_model = True
    metric.update(first, real=True)
    metric.update(second, real=False)
    assert frechet_distance(first.flatten(1), second.flatten(1)) == pytest.approx(float(metric.compute()), rel=1e-3)


def test_the_frechet_distance_of_gaussians_is_known():
    """Of two means a distance d apart and deviations σ and τ: d² + n (σ − τ)²."""
    chance = torch.Generator().manual_seed(0)
    first = torch.randn(20_000, 4, generator=chance, dtype=torch.float64)
    second = 3 * torch.randn(20_000, 4, generator=chance, dtype=torch.float64) + torch.tensor([2.0, 0, 0, 0])
    assert frechet_distance(first, second) == pytest.approx(4 + 4 * 4, rel=0.02)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)


def test_the_kernel_distance_is_without_bias():
    chance = torch.Generator().manual_seed(0)
    first, second = (torch.randn(40, 16, generator=chance) for _ in range(2))
    gram = lambda one, other: (one @ other.T / 16 + 1) ** 3  # noqa: E731
    expected = poly_mmd(first.double(), second.double(), degree=3, gamma=1 / 16, coef=1.0)
    found = kernel_distance(first, second)
    among = sum(float(gram(each, each).fill_diagonal_(0).sum()) / (40 * 39) for each in (first, second))
    assert found == pytest.approx(among - 2 * float(gram(first, second).mean()), abs=1e-5)
    assert found == pytest.approx(float(expected), abs=1e-5)
    many = [kernel_distance(*(torch.randn(12, 16, generator=chance) for _ in range(2))) for _ in range(300)]
    assert abs(np.mean(many)) < 3 * np.std(many) / len(many) ** 0.5, "sets of one kind are 0 apart on average"
    assert kernel_distance(first, second + 1) > found


def test_pixels():
    black, grey = torch.zeros(2, 3, 16, 16), torch.full((2, 3, 16, 16), 0.1)
    assert l1(grey, black).tolist() == pytest.approx([0.1, 0.1])
    assert psnr(grey, black).tolist() == pytest.approx([20, 20], abs=1e-4)
    assert psnr(black, black).tolist() == [float("inf")] * 2
    picture = torch.rand(2, 3, 32, 32)
    assert ssim(picture, picture).tolist() == pytest.approx([1, 1])
    assert ssim(picture[:1], picture[:1]).shape == (1,)
    assert ssim(picture, picture.flip(3))[0] < 0.2


def test_a_perceptual_distance_grows_with_blur_and_noise(photo: Tensor, vgg):
    assert float(perceptual_distance(photo, photo, vgg)) == 0
    blurred = [nn.functional.avg_pool2d(photo, size, 1, size // 2, count_include_pad=False) for size in (3, 7)]
    distances = [float(perceptual_distance(each, photo, vgg)) for each in blurred]
    assert 0 < distances[0] < distances[1]
    shifted = photo * 0.9 + 0.05
    assert float(perceptual_distance(shifted, photo, vgg)) < distances[0], "a change of contrast is seen less"


def test_intervals_cover_what_is_drawn():
    chance = np.random.default_rng(0)
    covered = 0
    for trial in range(100):
        values = chance.normal(0, 1, 50)
        low, high = bootstrap(lambda drawn: float(values[drawn].mean()), 50, seed=trial)  # noqa: B023
        covered += low <= 0 <= high
    assert 85 <= covered <= 100
    assert bootstrap(lambda drawn: 3.0, 5) == (3.0, 3.0)


def test_an_interval_of_the_kernel_distance_lies_around_it():
    """Pictures drawn twice, and compared with themselves, would put all of it far above."""
    drawn = torch.Generator().manual_seed(0)
    one, other = torch.randn(30, 64, generator=drawn), torch.randn(30, 64, generator=drawn) + 0.3

    def measure(*numbers: np.ndarray) -> float:
        return kernel_distance(one[numbers[0]], other[numbers[1]], (numbers[0], numbers[1]))

    low, high = bootstrap(measure, 30, 30)
    value = kernel_distance(one, other)
    assert low < value < high and abs((low + high) / 2 - value) < 0.3 * (high - low)
    plain, _ = bootstrap(lambda a, b: kernel_distance(one[a], other[b]), 30, 30)
    assert plain > value


def test_intervals_of_two_sets_draw_from_both():
    seen: list[tuple[int, int, int, int]] = []

    def measure(one: np.ndarray, other: np.ndarray) -> float:
        seen.append((len(one), int(one.max()), len(other), int(other.max())))
        return float(one.mean() - other.mean())

    low, high = bootstrap(measure, 4, 9)
    assert {(each[0], each[2]) for each in seen} == {(4, 9)}
    assert max(each[1] for each in seen) == 3 and max(each[3] for each in seen) == 8
    assert low < 1.5 - 4 < high


def test_one_picture_is_no_set():
    for distance in (frechet_distance, kernel_distance):
        with pytest.raises(InputError, match="there are 1 and 4 pictures; a distance of sets needs two of each"):
            distance(torch.zeros(1, 3), torch.zeros(4, 3))
