"""Crops: a function of their position, fair to every picture, undeterred by a broken one."""

import pickle
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from impasto.data.crops import Crops, collate
from impasto.errors import InputError, SettingError
from impasto.image.files import pictures_in

COLORS = {"red": (200, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 200), "grey": (90, 90, 90)}


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    for index, (name, color) in enumerate(COLORS.items()):
        PIL.Image.new("RGB", (40 + 10 * index, 64), color).save(tmp_path / f"{name}.png")
    return pictures_in(tmp_path)


def test_a_crop_depends_on_its_position_alone(tmp_path: Path):
    noise = np.random.default_rng(0).integers(0, 255, (50, 70, 3), dtype=np.uint8)
    PIL.Image.fromarray(noise).save(tmp_path / "noise.png")
    one, other = (Crops(pictures_in(tmp_path), 16, 100, seed=3) for _ in range(2))
    in_order = [one[position].picture for position in range(20)]
    for position in (19, 3, 7):
        assert torch.equal(other[position].picture, in_order[position])
    elsewhere = pickle.loads(pickle.dumps(one))  # as worker processes get it
    assert torch.equal(elsewhere[7].picture, in_order[7])
    assert not torch.equal(in_order[0], in_order[1])
    assert not torch.equal(Crops(pictures_in(tmp_path), 16, 100, seed=4)[0].picture, in_order[0])


def test_every_picture_comes_once_a_round_in_changing_order(photos: list[Path]):
    crops = Crops(photos, 16, 400)
    rounds = [[crops[4 * turn + place].path.stem for place in range(4)] for turn in range(6)]
    assert all(sorted(names) == sorted(COLORS) for names in rounds)
    assert len({tuple(names) for names in rounds}) > 1


def test_a_crop_shows_a_part_of_the_picture_upright(tmp_path: Path):
    """Rows get brighter downwards: so they do in every crop, which spans at most one shorter side."""
    ramp = np.repeat(np.linspace(0, 255, 96).astype(np.uint8)[:, None], 144, axis=1)
    PIL.Image.fromarray(ramp).save(tmp_path / "ramp.png")
    crops = Crops(pictures_in(tmp_path), 24, 50, zoom=2)
    heights = []
    for position in range(50):
        picture = crops[position].picture
        assert picture.shape == (3, 24, 24)
        assert picture.min() >= 0 and picture.max() <= 1
        rows = picture.mean(dim=(0, 2))
        assert (rows.diff() > 0).all()
        heights.append(float(rows[-1] - rows[0]))
    assert 0.4 < min(heights) < 0.6
    assert 0.85 < max(heights) <= 1


def test_half_of_the_crops_are_mirrored(tmp_path: Path):
    ramp = np.repeat(np.linspace(0, 255, 96).astype(np.uint8)[None], 64, axis=0)
    PIL.Image.fromarray(ramp).save(tmp_path / "ramp.png")
    crops = Crops(pictures_in(tmp_path), 16, 200)
    mirrored = sum(
        bool(crops[position].picture[0, 0, 0] > crops[position].picture[0, 0, -1]) for position in range(200)
    )
    assert 70 < mirrored < 130


def test_a_broken_picture_is_passed_over_and_named(photos: list[Path]):
    photos[1].write_bytes(photos[1].read_bytes()[:30])
    crops = Crops(photos, 16, 8)
    batch = collate([crops[position] for position in range(8)])
    assert batch.pictures.shape == (8, 3, 16, 16)
    assert batch.positions.tolist() == [*range(8)]
    assert list(batch.broken) == [photos[1]]
    assert photos[1].name in batch.broken[photos[1]]


def test_nothing_but_broken_pictures(photos: list[Path]):
    for path in photos:
        path.write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"none of 4 pictures can be read; the first: .*png"):
        Crops(photos, 16, 8)[0]


def test_sizes_are_checked(photos: list[Path]):
    with pytest.raises(SettingError, match="crop size"):
        Crops(photos, 3, 8)
