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
    red, green, blue = photo[0, :, :8, :8].mean(dim=(1, 2))
    light, red_green, blue_yellow = encoded[0, 512:, 0, 0] / adain.COLOR_SCALE
    torch.testing.assert_close(light * 3**0.5, red + green + blue)
    torch.testing.assert_close(red_green * 2**0.5, red - green)
    torch.testing.assert_close(blue_yellow * 6**0.5, red + green - 2 * blue)


@torch.no_grad()
def test_what_is_decoded_lies_on_the_smooth_encoded_colours(photo: Tensor):
    decoder = adain.Decoder(base_channels=4, encoded_colors=True)
    for parameter in decoder.parameters():
        parameter.zero_()
    ground = decoder(adain.encode(VGG.pretrained(), photo, encoded_colors=True))
    assert ground.shape == photo.shape
    torch.testing.assert_close(ground.mean(dim=(2, 3)), photo.mean(dim=(2, 3)), atol=0.01, rtol=0)
    plain = torch.full((1, 3, 32, 32), 0.5)
    plain[:, 1] = 0.25
    encoded = adain.encode(VGG.pretrained(), plain, encoded_colors=True)
    torch.testing.assert_close(decoder(encoded), plain, atol=1e-6, rtol=0)


def test_a_plain_picture_has_no_frame(monkeypatch: pytest.MonkeyPatch):
    plain, painting = torch.full((3, 192, 192), 0.5), EXAMPLES / "starry_night.jpg"

    def frame() -> float:
        """Return how far columns near the left edge are from one in the middle."""
        painted = to_tensor(impasto.stylize(plain, painting, method="adain").image)
        columns = painted[0, :, 64:128].mean(dim=(0, 1))
        return float((columns[:32] - columns[96]).abs().max())

    assert frame() < 0.01
    monkeypatch.setattr(one_pass, "_loaded", one_pass._loaded.__wrapped__)
    monkeypatch.setattr(adain, "MARGIN", 0)
    assert frame() > 0.2
