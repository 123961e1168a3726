"""AdaIN: what is encoded, and that the border of a picture is painted like its middle."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

import impasto
from impasto.image.tensors import to_tensor
from impasto.methods import adain
from impasto.nn.vgg import VGG
from impasto.verbs import one_pass

EXAMPLES = Path(__file__).parents[2] / "examples" / "paintings"


def test_colours_are_encoded_beside_the_features(photo: Tensor):
    vgg = VGG.pretrained()
    encoded = adain.encode(vgg, photo, encoded_colors=True)
    assert torch.equal(encoded[:, :512], adain.encode(vgg, photo, encoded_colors=False))
    expected = photo[:, :, :8, :8].mean(dim=(2, 3)) * adain.COLOR_SCALE
    torch.testing.assert_close(encoded[:, 512:, 0, 0], expected)


def test_a_plain_picture_has_no_frame(monkeypatch: pytest.MonkeyPatch):
    plain, painting = torch.full((3, 192, 192), 0.5), EXAMPLES / "starry_night.jpg"

    def frame() -> float:
        """Return how far columns near the left edge are from one in the middle."""
        painted = to_tensor(impasto.stylize(plain, painting, method="adain").image)
        columns = painted[0, :, 64:128].mean(dim=(0, 1))
        return float((columns[:32] - columns[96]).abs().max())

    assert frame() < 0.1
    monkeypatch.setattr(one_pass, "_loaded", one_pass._loaded.__wrapped__)
    monkeypatch.setattr(adain, "MARGIN", 0)
    assert frame() > 0.2
