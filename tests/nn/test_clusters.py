"""k-means."""

import torch

from impasto.nn.clusters import k_means


def test_clusters_are_found_largest_first():
    torch.manual_seed(0)
    centres = torch.tensor([[0.0, 0], [10, 0], [0, 10]])
    points = torch.cat(
        [centre + 0.1 * torch.randn(count, 2) for centre, count in zip(centres, (30, 60, 10), strict=True)]
    )
    found = k_means(points[torch.randperm(100)], 3)
    torch.testing.assert_close(found, centres[[1, 0, 2]], atol=0.1, rtol=0)


def test_the_sum_of_squares_is_that_of_a_local_optimum():
    """No point is nearer to another centre, and each centre is the mean of its points."""
    torch.manual_seed(1)
    points = torch.randn(200, 3)
    found = k_means(points, 7)
    nearest = torch.cdist(points, found).argmin(dim=1)
    means = torch.stack([points[nearest == index].mean(dim=0) for index in range(7)])
    torch.testing.assert_close(found, means, atol=1e-5, rtol=0)


def test_fewer_points_than_clusters():
    points = torch.tensor([[1.0, 2], [1, 2], [5, 6]])
    found = k_means(points, 4)
    assert found.tolist() == [[1, 2], [5, 6], [1, 2], [5, 6]]
