"""Pictures as tensors and back: nothing is lost on the way, and nothing invented."""

import numpy as np
import pytest
import torch

from impasto.errors import InputError
from impasto.image import Image
from impasto.image.tensors import alpha_tensor, from_tensor, in_rows, to_tensor

RANDOM = np.random.default_rng(0)


def picture(bits: int = 8, *, grey: bool = False, alpha: bool = False, **fields) -> Image:
    dtype, top = f"uint{bits}", 2**bits
    pixels = RANDOM.integers(0, top, (6, 9, 1 if grey else 3), dtype)
    return Image(pixels, RANDOM.integers(1, top, (6, 9), dtype) if alpha else None, **fields)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("grey", [False, True])
def test_to_tensor_gives_rgb_between_0_and_1(grey, bits):
    image = picture(bits, grey=grey)
    tensor = to_tensor(image)
    assert tensor.shape == (1, 3, 6, 9) and tensor.dtype == torch.float32 and tensor.is_contiguous()
    wanted = np.broadcast_to(image.pixels, (6, 9, 3)) / (2**bits - 1)
    assert np.allclose(tensor[0].permute(1, 2, 0).numpy(), wanted, atol=1e-7)
    extremes = to_tensor(Image(np.array([[[0], [2**bits - 1]]], f"uint{bits}")))
    assert extremes.unique().tolist() == [0, 1]


@pytest.mark.parametrize("bits", [8, 16])
def test_every_value_comes_back(bits):
    every = np.arange(2**bits, dtype=f"uint{bits}").reshape(16, -1, 1)
    for image in (Image(every), Image(np.repeat(every, 3, axis=2))):
        back = from_tensor(to_tensor(image), image)
        assert back.pixels.dtype == every.dtype and np.array_equal(back.pixels, image.pixels)


@pytest.mark.parametrize("bits", [8, 16])
def test_from_tensor_clamps_and_rounds_to_the_nearest(bits):
    top = 2**bits - 1
    values = torch.tensor([-7.0, 0.0, 0.4 / top, 0.6 / top, 100.4 / top, 100.6 / top, 1.0, 1.4, torch.inf])
    painted = values.reshape(1, 1, 1, 9).expand(1, 3, 1, 9)
    back = from_tensor(painted, picture(bits))
    assert back.pixels[0, :, 1].tolist() == [0, 0, 0, 1, 100, 101, top, top, top]


def test_from_tensor_takes_any_float_type_and_gradients():
    painted = torch.full((1, 3, 2, 2), 0.5, dtype=torch.bfloat16, requires_grad=True)
    assert (from_tensor(painted, picture()).pixels == 128).all()


def test_grey_stays_grey_unless_asked():
    painted = torch.tensor([1.0, 0.5, 0.25]).reshape(1, 3, 1, 1).expand(1, 3, 6, 9)
    grey = from_tensor(painted, picture(grey=True))
    assert grey.grey and (grey.pixels == round((0.299 + 0.587 * 0.5 + 0.114 * 0.25) * 255)).all()
    colour = from_tensor(painted, picture(grey=True), keep_grey=False)
    assert colour.pixels[0, 0].tolist() == [255, 128, 64]


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("keep_grey", [False, True])
@pytest.mark.parametrize("grey", [False, True])
def test_colours_under_alpha_are_not_invented(grey, keep_grey, bits):
    image = picture(bits, grey=grey, alpha=True)
    image.alpha[2:4, 3:7] = 0
    back = from_tensor(torch.rand(1, 3, 6, 9), image, keep_grey=keep_grey)
    hidden = image.alpha == 0
    assert np.array_equal(back.alpha, image.alpha)
    assert (back.pixels[hidden] == image.pixels[hidden]).all()
    assert (back.pixels[~hidden] != image.pixels[~hidden]).any()


@pytest.mark.parametrize("bits", [8, 16])
def test_alpha_follows_another_size(bits):
    top = 2**bits - 1
    alpha = np.full((6, 9), top, f"uint{bits}")
    alpha[:, :4] = 0
    image = Image(np.zeros((6, 9, 3), f"uint{bits}"), alpha)
    back = from_tensor(torch.rand(1, 3, 12, 18), image)
    assert back.alpha.shape == (12, 18) and back.alpha.dtype == alpha.dtype
    assert (back.alpha[:, :7] == 0).all() and (back.alpha[:, 9:] == top).all()
    assert alpha_tensor(image).unique().tolist() == [0, 1] and alpha_tensor(image).shape == (1, 1, 6, 9)
    assert alpha_tensor(picture()) is None


def test_the_painted_picture_keeps_name_and_profile_but_no_recipe():
    space = bytearray(200)
    space[:4], space[16:20], space[36:40] = (200).to_bytes(4), b"GRAY", b"acsp"
    image = picture(grey=True, icc=bytes(space), recipe={"seed": 1}, name="sea.png", sha256="ab")
    painted = from_tensor(to_tensor(image), image)
    assert (painted.icc, painted.name, painted.recipe, painted.sha256) == (bytes(space), "sea.png", None, "")
    assert from_tensor(to_tensor(image), image, keep_grey=False).icc is None


def test_nan_is_refused():
    with pytest.raises(InputError, match=r"sea\.png holds NaN"):
        from_tensor(torch.full((1, 3, 6, 9), torch.nan), picture(name="sea.png"))


def test_flipped_and_read_only_pixels_will_do():
    image = picture()
    flipped = Image(image.pixels[::-1, ::-1], image.pixels[::-1, ::-1, 0])
    assert torch.equal(to_tensor(flipped), to_tensor(image).flip(2, 3))
    locked = image.pixels.copy()
    locked.setflags(write=False)
    assert torch.equal(to_tensor(Image(locked)), to_tensor(image))


def test_the_image_is_not_changed_through_its_tensor():
    image = picture()
    before = image.pixels.copy()
    to_tensor(image).zero_()
    assert np.array_equal(image.pixels, before)


def test_rows_of_pictures_are_on_white():
    rows = [
        [torch.zeros(1, 3, 2, 2), torch.full((1, 3, 2, 3), 0.5)],
        [torch.zeros(1, 3, 1, 4, dtype=torch.bfloat16)],
    ]
    found = in_rows(rows)
    assert found.shape == (1, 3, 3, 5)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found[0, 0], torch.tensor([[0, 0, 0.5, 0.5, 0.5]] * 2 + [[0, 0, 0, 0, 1]]))
