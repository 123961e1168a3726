"""Pictures of two kinds: found, paired at random in every round, cut by themselves, broken ones passed over."""

from collections import Counter
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from impasto.data.unpaired import UnpairedCrops, collate_unpaired, find_unpaired
from impasto.errors import InputError, SettingError

COUNTS = {"A": 5, "B": 8}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A's pictures have a red of 10 times their number, B's a green; blue says where a pixel is."""
    for side, count in COUNTS.items():
        (tmp_path / f"train{side}").mkdir()
        for number in range(count):
            pixels = np.zeros((24, 40, 3), np.uint8)
            pixels[:, :, "AB".index(side)] = 10 * number + 5
            pixels[:, :, 2] = 6 * np.arange(40)
            PIL.Image.fromarray(pixels).save(tmp_path / f"train{side}" / f"{number}.png")
    return tmp_path


def crops(folder: Path, length: int = 400, **settings: object) -> UnpairedCrops:
    found = find_unpaired(folder)
    return UnpairedCrops(found.a, found.b, (16, 16), length, load_size=24, **settings)


def numbers(samples: UnpairedCrops) -> list[tuple[int, int]]:
    """Return which pictures each sample has."""
    levels = [((each.a[0, 0, 0] + 1) * 127.5, (each.b[1, 0, 0] + 1) * 127.5) for each in samples]
    return [(round((float(a) - 5) / 10), round((float(b) - 5) / 10)) for a, b in levels]


def test_every_round_has_each_picture_once_beside_others(folder: Path):
    found = numbers(crops(folder))
    for side, count in enumerate(COUNTS.values()):
        for start in range(0, 400 - count, count):
            assert sorted(pair[side] for pair in found[start : start + count]) == list(range(count))
    together = Counter(found)
    assert len(together) == 40, "any picture comes with any"
    assert max(together.values()) < 25  # 10 on average


def test_a_sample_is_a_function_of_its_position(folder: Path):
    samples, again = crops(folder), crops(folder)
    for position in (399, 3, 77):
        one, other = samples[position], again[position]
        assert torch.equal(one.a, other.a) and torch.equal(one.b, other.b)
        assert one.name == other.name == str(numbers([one])[0][0])
    assert numbers(crops(folder, seed=1)) != numbers(samples)
    batch = collate_unpaired([samples[0], samples[1]])
    assert batch.a.shape == batch.b.shape == (2, 3, 16, 16) and batch.positions.tolist() == [0, 1]


def test_places_and_mirroring_are_each_picture_s_own(folder: Path):
    samples = crops(folder)
    blue = [[((crop[2, 0] + 1) * 127.5).tolist() for crop in (each.a, each.b)] for each in samples]
    turned = [[line[0] > line[-1] for line in both] for both in blue]
    for side in (0, 1):
        assert 150 < sum(each[side] for each in turned) < 250
    assert 150 < sum(a == b for a, b in turned) < 250
    lefts = [[round(min(line) / 6) for line in both] for both in blue]
    assert {left for both in lefts for left in both} == set(range(25))
    assert abs(float(np.corrcoef(np.array(lefts).T)[0, 1])) < 0.2
    straight = crops(folder, 50, mirrored=0)
    assert all(bool(crop[2, 0, 0] < crop[2, 0, -1]) for each in straight for crop in (each.a, each.b))


def test_crops_are_cut_larger_and_reduced(folder: Path):
    """A crop of 16 pixels then shows up to 24 columns, as many as the picture's 24 rows allow."""
    widths = []
    for each in crops(folder, 100, zoom=3.0, mirrored=0):
        assert each.a.shape == each.b.shape == (3, 16, 16)
        blue = (each.a[2, 0] + 1) * 127.5 / 6
        widths.append(float(blue[-1] - blue[0]) * 16 / 15)
    assert 15.5 < min(widths) < 17.5 and 22 < max(widths) < 24.5
    assert 18 < sum(widths) / len(widths) < 22


def test_broken_pictures_are_passed_over_and_named(folder: Path):
    (folder / "trainB" / "3.png").write_bytes(b"no picture")
    samples = crops(folder, 80)
    found = numbers(samples)
    assert all(b != 3 for _, b in found) and {b for _, b in found} == {0, 1, 2, 4, 5, 6, 7}
    named = {path.name for each in samples for path in each.broken}
    assert named == {"3.png"}
    for path in (folder / "trainA").iterdir():
        path.write_bytes(b"none")
    with pytest.raises(InputError, match="none of 5 pictures of A can be read; the first: "):
        crops(folder)[0]


def test_channels_are_each_kind_s_own(folder: Path):
    sample = crops(folder, channels=(1, 4))[0]
    assert sample.a.shape[0] == 1 and sample.b.shape[0] == 4 and float(sample.b[3].min()) == 1


def test_what_is_wrong_is_told(folder: Path):
    with pytest.raises(InputError, match="does not hold both valA and valB"):
        find_unpaired(folder, "val")
    with pytest.raises(SettingError, match="load_size is 8, less than crop_size 16"):
        UnpairedCrops([], [], (16, 16), 1, load_size=8)
    with pytest.raises(IndexError):
        crops(folder)[400]
