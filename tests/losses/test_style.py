"""Gram matrices and the style loss against their formulas written out, one number at a time."""

import math

import jaxtyping
import pytest
import torch
from torch import Tensor

from impasto.errors import SettingError
from impasto.losses.style import gram_matrix, guided_gram_matrix, style_loss

SCALINGS = ("paper", "relative")
PRECISIONS = [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 1e-2)]
LAYOUTS = {
    "contiguous": lambda tensor: tensor.contiguous(),
    "channels_last": lambda tensor: tensor.contiguous(memory_format=torch.channels_last),
    "strided": lambda tensor: torch.stack([tensor, tensor + 1], dim=-1)[..., 0],
    "cropped": lambda tensor: torch.nn.functional.pad(tensor, (1, 2, 3, 1))[..., 3:-1, 1:-2],
    "transposed": lambda tensor: tensor.mT.contiguous().mT,
}


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def mask(height: int, width: int, dtype: torch.dtype = torch.float64) -> Tensor:
    soft = noise(1, 1, height, width, seed=9, dtype=dtype).sigmoid()
    soft[..., 0] = 0
    return soft


def written_gram(features: Tensor, guide: Tensor | None = None) -> Tensor:
    """Gram = A·Aᵀ with A of nC × (nH·nW); a guide T weighs A, scaled so that Σ T² = nH·nW."""
    batch, channels, height, width = features.shape
    values = features.double().tolist()
    places = [(y, x) for y in range(height) for x in range(width)]
    squares = dict.fromkeys(places, 1.0)
    if guide is not None:
        total = sum(guide[0, 0, y, x].item() ** 2 for y, x in places)
        squares = {(y, x): guide[0, 0, y, x].item() ** 2 / total * height * width for y, x in places}
    gram = torch.zeros(batch, channels, channels, dtype=torch.float64)
    for b in range(batch):
        for i in range(channels):
            for j in range(channels):
                gram[b, i, j] = sum(squares[y, x] * values[b][i][y][x] * values[b][j][y][x] for y, x in places)
    return gram


def written_loss(gram: Tensor, target: Tensor, places: int, target_places: int, scaling: str) -> float:
    """METHODS.md section 1, 1/(4·nC²·(nH·nW)²) Σ (Gram(S) − Gram(G))², each by its own nH·nW; or / Σ Gram(S)²."""
    batch, channels = target.shape[:2]
    losses = []
    for b in range(batch):
        total = size = 0.0
        for i in range(channels):
            for j in range(channels):
                wanted = target[b, i, j].item() / target_places
                total += (gram[b, i, j].item() / places - wanted) ** 2
                size += wanted**2
        losses.append(total / size if scaling == "relative" else total / (4 * channels**2))
    return sum(losses) / batch


def assert_near(actual: Tensor, expected: Tensor, accuracy: float) -> None:
    """Judge by the largest number: products that cancel leave small ones with the rounding of large ones."""
    assert (actual.double() - expected).abs().max() <= accuracy * expected.abs().max()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(("dtype", "accuracy"), PRECISIONS)
def test_gram_matrix_is_the_formula(layout, batch, dtype, accuracy):
    features = noise(batch, 5, 4, 6, dtype=dtype)
    gram = gram_matrix(LAYOUTS[layout](features))
    assert gram.dtype == torch.promote_types(dtype, torch.float32)
    assert_near(gram, written_gram(features), accuracy)


@pytest.mark.parametrize("channels", [1, 3, 64])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)])
def test_gram_matrix_of_any_size(channels, size):
    features = noise(1, channels, *size, dtype=torch.float32)
    assert_near(gram_matrix(features), written_gram(features), 1e-5)


def test_gram_matrix_by_hand():
    features = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).view(1, 2, 1, 2)
    assert gram_matrix(features).tolist() == [[[5, 11], [11, 25]]]
    left = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    # the left place alone, counted twice because there are two places
    torch.testing.assert_close(guided_gram_matrix(features, left), torch.tensor([[[2.0, 6.0], [6.0, 18.0]]]))


def test_gram_matrix_forgets_the_place():
    features = noise(1, 4, 5, 6)
    shuffled = features.flatten(2)[..., torch.randperm(30, generator=torch.Generator().manual_seed(1))]
    torch.testing.assert_close(gram_matrix(shuffled.view_as(features)), gram_matrix(features))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize(("dtype", "accuracy"), PRECISIONS)
def test_guided_gram_matrix_is_the_formula(layout, batch, dtype, accuracy):
    features, guide = noise(batch, 5, 4, 6, dtype=dtype), mask(4, 6)
    gram = guided_gram_matrix(LAYOUTS[layout](features), guide.to(torch.promote_types(dtype, torch.float32)))
    assert gram.dtype == torch.promote_types(dtype, torch.float32)
    assert_near(gram, written_gram(features, guide), 2 * accuracy)


def test_a_guide_of_ones_changes_nothing_and_its_size_does_not_matter():
    features = noise(2, 4, 5, 6)
    torch.testing.assert_close(guided_gram_matrix(features, torch.ones(1, 1, 5, 6).double()), gram_matrix(features))
    torch.testing.assert_close(
        guided_gram_matrix(features, 0.1 * mask(5, 6)), guided_gram_matrix(features, mask(5, 6))
    )


def test_a_guide_sees_its_region_only_and_as_a_picture_of_its_own():
    features = noise(1, 4, 5, 6)
    guide = torch.zeros(1, 1, 5, 6, dtype=torch.float64)
    guide[..., 2:] = 1
    elsewhere = features.clone()
    elsewhere[..., :2] = 100
    gram = guided_gram_matrix(features, guide)
    torch.testing.assert_close(guided_gram_matrix(elsewhere, guide), gram)
    torch.testing.assert_close(gram / 30, gram_matrix(features[..., 2:].contiguous()) / 20)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("target_size", [(4, 6), (7, 10)])
@pytest.mark.parametrize(("dtype", "accuracy"), PRECISIONS[:2])
def test_style_loss_is_the_formula(scaling, batch, target_size, dtype, accuracy):
    gram = written_gram(noise(batch, 4, 4, 6)).to(dtype)
    target = written_gram(noise(batch, 4, *target_size, seed=1)).to(dtype)
    places, target_places = 4 * 6, math.prod(target_size)
    loss = style_loss(gram, target, places, target_places, scaling)
    assert loss.dtype == dtype
    assert loss.item() == pytest.approx(written_loss(gram, target, places, target_places, scaling), rel=accuracy)


def test_equal_sizes_give_equation_4_of_the_paper():
    gram, target = (written_gram(noise(1, 3, 4, 5, seed=seed)) for seed in (0, 1))
    equation_4 = sum((g - a) ** 2 for g, a in zip(gram.flatten().tolist(), target.flatten().tolist(), strict=True))
    equation_4 /= 4 * 3**2 * (4 * 5) ** 2
    assert style_loss(gram, target, 20, 20, "paper").item() == pytest.approx(equation_4, rel=1e-12)


def test_style_loss_by_hand():
    gram, target = torch.full((1, 2, 2), 6.0), torch.full((1, 2, 2), 4.0)
    # 6/2 − 4/4 = 2 at four entries, against 1
    assert style_loss(gram, target, 2, 4, "paper") == 4 * 2**2 / (4 * 2**2)
    assert style_loss(gram, target, 2, 4, "relative") == 2**2 / 1**2


@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_texture_has_its_own_style_whatever_its_size(scaling):
    """Twice the picture is the same style; half the brightness is not."""
    tile = noise(1, 4, 3, 4)
    target = gram_matrix(tile)
    twice = gram_matrix(tile.repeat(1, 1, 1, 2).contiguous())
    assert style_loss(twice, target, 24, 12, scaling).item() == pytest.approx(0, abs=1e-20)
    assert style_loss(gram_matrix(tile / 2), target, 12, 12, scaling) > 1e-3


def test_relative_is_one_for_nothing_at_all_whatever_the_numbers():
    target = gram_matrix(noise(2, 4, 3, 4))
    for size in (1e-3, 1, 1e3):
        assert style_loss(torch.zeros_like(target), size * target, 12, 50).item() == pytest.approx(1)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_half_precision_features_give_an_fp32_loss(scaling):
    features, style = noise(1, 8, 16, 16, dtype=torch.bfloat16), noise(1, 8, 12, 12, seed=1, dtype=torch.bfloat16)
    style = style + style[:, :1]
    loss = style_loss(gram_matrix(features), gram_matrix(style), 256, 144, scaling)
    exact = written_loss(written_gram(features), written_gram(style), 256, 144, scaling)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(exact, rel=2e-2)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch", [1, 2])
def test_gradient_of_the_gram_matrix(batch, layout):
    arrange = LAYOUTS[layout]
    features = noise(batch, 3, 4, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda f: gram_matrix(arrange(f)), features)


@pytest.mark.parametrize("batch", [1, 2])
def test_gradient_of_the_guided_gram_matrix(batch):
    features = noise(batch, 3, 4, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda f: guided_gram_matrix(f, mask(4, 5)), features)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("batch", [1, 2])
def test_gradient_of_the_style_loss(scaling, batch):
    features = noise(batch, 3, 4, 5).requires_grad_()
    gram = noise(batch, 3, 3, seed=3).requires_grad_()
    target = written_gram(noise(batch, 3, 4, 4, seed=1))
    assert torch.autograd.gradcheck(lambda g: style_loss(g, target, 20, 16, scaling), gram)
    assert torch.autograd.gradcheck(lambda f: style_loss(gram_matrix(f), target, 20, 16, scaling), features)


def test_the_gradient_of_half_precision_features_is_near_the_exact_one():
    features = noise(1, 8, 16, 16)
    target = written_gram(noise(1, 8, 12, 12, seed=1))

    def gradient(dtype: torch.dtype) -> Tensor:
        leaf = features.to(dtype, copy=True).requires_grad_()
        style_loss(gram_matrix(leaf), target.to(torch.promote_types(dtype, torch.float32)), 256, 144).backward()
        assert leaf.grad.dtype == dtype
        return leaf.grad.double()

    exact, rounded = gradient(torch.float64), gradient(torch.bfloat16)
    assert (rounded - exact).norm() < 0.03 * exact.norm()


def test_a_wrong_scaling_lists_the_choices():
    with pytest.raises(SettingError, match=r"^scaling is 'sum'; choose one of relative, paper$"):
        style_loss(noise(1, 2, 2), noise(1, 2, 2), 1, 1, scaling="sum")


def test_other_shapes_are_caught():
    """By the import hook of conftest.py, in tests only: torch itself would broadcast and give some number."""
    with pytest.raises(jaxtyping.TypeCheckError):
        style_loss(noise(1, 3, 3), noise(1, 1, 1), 1, 1)
