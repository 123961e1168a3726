"""Tiles: they cover every pixel once, add up to the whole, and their gradient is the whole picture's."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, interpolate

from impasto.methods.deepdream import RIM, DeepDreamSettings, objective_of_layers
from impasto.nn.backbones import load_backbone
from impasto.nn.tiles import spans, tiled_gradient


@pytest.mark.parametrize("length", [1, 95, 96, 97, 192, 200, 1000])
def test_every_pixel_is_kept_once_and_seen_with_its_rim(length: int):
    kept = [pixel for span in spans(length, 64, 32) for pixel in range(span.first, span.last)]
    assert kept == list(range(length))
    for span in spans(length, 64, 32):
        assert span.start % 32 == 0 and (span.stop % 32 == 0 or span.stop == length)
        assert span.start == max(0, span.first - 32) and span.stop == min(length, span.last + 32)


def near(picture: Tensor) -> dict[str, tuple[Tensor, int]]:
    """An objective that sees 2 pixels far, at a stride of 4."""
    blurred = conv2d(picture, torch.ones(1, 3, 3, 3, dtype=picture.dtype), padding=1)
    return {"near": (avg_pool2d(blurred.square(), 4, ceil_mode=True)[:, 0], 4)}


def test_within_the_rim_tiles_equal_the_whole():
    picture = torch.rand(1, 3, 128, 224, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    whole, terms = tiled_gradient(picture, near, 1024, 32)
    tiled, tiled_terms = tiled_gradient(picture, near, 32, 32)
    assert torch.allclose(tiled, whole, atol=1e-12)
    assert (
        tiled_terms["near"] == pytest.approx(terms["near"]) == pytest.approx(float(near(picture)["near"][0].mean()))
    )
    pixels = picture.clone().requires_grad_()
    (slope,) = torch.autograd.grad(near(pixels)["near"][0].mean(), pixels)
    assert torch.allclose(whole, slope, atol=1e-12)


def test_what_the_classifier_dreams_in_tiles_is_what_it_dreams_at_once(photo: Tensor):
    """The rim is chosen for this: a few parts in a hundred at most, though each tile is only 64 pixels."""
    settings = DeepDreamSettings(network="efficientnet-lite0")
    network = load_backbone(settings.backbone, torch.device("cpu"), torch.float32)
    objective = objective_of_layers(network, settings)
    picture = interpolate(photo, (96, 416), mode="bicubic").clamp(0, 1)
    whole, terms = tiled_gradient(picture, objective, 1024, RIM)
    tiled, tiled_terms = tiled_gradient(picture, objective, 64, RIM)
    assert len(spans(416, 64, RIM)) == 5
    assert float((tiled - whole).abs().mean() / whole.abs().mean()) < 0.03
    for name, term in terms.items():
        assert tiled_terms[name] == pytest.approx(term, rel=0.01)
