"""The content loss against its formula written out, one number at a time."""

import jaxtyping
import pytest
import torch
from torch import Tensor

from impasto.errors import SettingError
from impasto.losses.content import content_loss

SCALINGS = ("paper", "relative")


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def written_out(features: Tensor, target: Tensor, guide: Tensor | None, scaling: str) -> float:
    """METHODS.md section 1, 1/(4·nH·nW·nC) Σ (a(C) − a(G))², the mean over a batch; or relative to Σ a(C)²."""
    ours, theirs = features.double().tolist(), target.double().tolist()
    batch, channels, height, width = target.shape
    total = size = 0.0
    for b in range(batch):
        for c in range(channels):
            for y in range(height):
                for x in range(width):
                    weight = 1.0 if guide is None else guide[0, 0, y, x].item()
                    total += weight * (ours[b][c][y][x] - theirs[b][c][y][x]) ** 2
                    size += theirs[b][c][y][x] ** 2
    return total / size if scaling == "relative" else total / (4 * height * width * channels * batch)


ACCURACY = {torch.float64: 1e-12, torch.float32: 1e-5}
LAYOUTS = {
    "contiguous": lambda tensor: tensor.contiguous(),
    "channels_last": lambda tensor: tensor.contiguous(memory_format=torch.channels_last),
    "strided": lambda tensor: torch.stack([tensor, tensor + 1], dim=-1)[..., 0],
    "transposed": lambda tensor: tensor.mT.contiguous().mT,
}


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ACCURACY)
def test_it_is_the_formula(scaling, guided, batch, layout, dtype):
    features, target = noise(batch, 3, 5, 4, dtype=dtype), noise(batch, 3, 5, 4, seed=1, dtype=dtype)
    guide = noise(1, 1, 5, 4, seed=2, dtype=dtype).sigmoid() if guided else None
    arrange = LAYOUTS[layout]
    loss = content_loss(arrange(features), arrange(target), guide, scaling)
    assert loss.dtype == dtype
    assert loss.item() == pytest.approx(written_out(features, target, guide, scaling), rel=ACCURACY[dtype])


def test_by_hand():
    features = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 2, 1, 2)
    target = torch.tensor([1.0, 1.0, 1.0, 1.0]).view(1, 2, 1, 2)
    assert content_loss(features, target, scaling="paper") == (0 + 1 + 4 + 9) / (4 * 1 * 2 * 2)
    assert content_loss(features, target, scaling="relative") == 14 / 4
    only_left = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    assert content_loss(features, target, only_left, "relative") == 4 / 4


@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_half_precision_is_computed_in_fp32(scaling, guided):
    """The features are rounded, the sum of thousands of squares is not: bf16 itself would be off by per cents."""
    features, target = (noise(1, 16, 32, 32, seed=seed, dtype=torch.bfloat16) for seed in (0, 1))
    guide = noise(1, 1, 32, 32, seed=2, dtype=torch.float32).sigmoid() if guided else None
    exact = content_loss(features.double(), target.double(), None if guide is None else guide.double(), scaling)
    for stored in (target, target.float()):
        loss = content_loss(features, stored, guide, scaling)
        assert loss.dtype == torch.float32
        torch.testing.assert_close(loss.double(), exact, rtol=1e-5, atol=0)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_it_is_nothing_for_the_same_picture_only(scaling):
    target = noise(1, 3, 4, 4)
    assert content_loss(target.clone(), target, scaling=scaling) == 0
    assert content_loss(target.flip(3), target, scaling=scaling) > 0.1


def test_relative_is_one_for_nothing_at_all_whatever_the_numbers():
    target = noise(2, 3, 4, 4)
    for size in (1e-3, 1, 1e3):
        assert content_loss(torch.zeros_like(target), size * target).item() == pytest.approx(1)


@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_gradient(scaling, guided):
    features = noise(2, 3, 4, 5).requires_grad_()
    target = noise(2, 3, 4, 5, seed=1).requires_grad_()
    guide = noise(1, 1, 4, 5, seed=2).sigmoid() if guided else None
    assert torch.autograd.gradcheck(lambda f, t: content_loss(f, t, guide, scaling), (features, target))


def test_a_wrong_scaling_lists_the_choices():
    with pytest.raises(SettingError, match=r"^scaling is 'mean'; choose one of relative, paper$"):
        content_loss(noise(1, 1, 1, 1), noise(1, 1, 1, 1), scaling="mean")


def test_other_shapes_are_caught():
    """By the import hook of conftest.py, in tests only: torch itself would broadcast and give some number."""
    with pytest.raises(jaxtyping.TypeCheckError):
        content_loss(noise(1, 3, 4, 4), noise(1, 3, 1, 4))
