"""Aligned pairs: found in both layouts, cut alike, each a function of its position, broken ones passed over."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from impasto.data.paired import PairedCrops, collate_pairs
from impasto.data.pairs import Pair, find_pairs
from impasto.errors import InputError, SettingError


def coordinates(height: int = 40, width: int = 60, invert: bool = False) -> PIL.Image.Image:
    """Return a picture whose pixels say where they are: red across, green down."""
    down, across = np.mgrid[:height, :width]
    pixels = np.stack([across * 4, down * 4, 0 * down], axis=2).astype(np.uint8)
    return PIL.Image.fromarray(255 - pixels if invert else pixels)


def beside(first: PIL.Image.Image, second: PIL.Image.Image) -> PIL.Image.Image:
    both = PIL.Image.new("RGB", (first.width + second.width, first.height))
    both.paste(first, (0, 0))
    both.paste(second, (first.width, 0))
    return both


@pytest.fixture
def together(tmp_path: Path) -> Path:
    (tmp_path / "train").mkdir()
    for name in ("a", "b", "c"):
        beside(coordinates(), coordinates(invert=True)).save(tmp_path / "train" / f"{name}.png")
    return tmp_path


@pytest.fixture
def apart(tmp_path: Path) -> Path:
    for side, names in (("trainA", ("a.png", "b.png", "lost.png")), ("trainB", ("a.bmp", "b.png", "other.png"))):
        (tmp_path / side).mkdir()
        for name in names:
            coordinates(invert=side == "trainB").save(tmp_path / side / name)
    return tmp_path


def test_side_by_side(together: Path):
    folder = find_pairs(together)
    assert [pair.name for pair in folder.pairs] == ["a", "b", "c"] and not folder.orphans
    source, target = folder.pairs[0].read()
    assert np.array_equal(source.pixels, np.asarray(coordinates()))
    assert np.array_equal(target.pixels, np.asarray(coordinates(invert=True)))
    back = find_pairs(together, direction="BtoA").pairs[0].read()
    assert np.array_equal(back[0].pixels, target.pixels) and np.array_equal(back[1].pixels, source.pixels)


def test_two_folders_are_matched_by_name(apart: Path):
    folder = find_pairs(apart)
    assert [(pair.source.name, pair.target.name) for pair in folder.pairs] == [
        ("a.png", "a.bmp"),
        ("b.png", "b.png"),
    ]
    assert [path.name for path in folder.orphans] == ["lost.png", "other.png"]
    assert [pair.source.name for pair in find_pairs(apart, direction="BtoA").pairs] == ["a.bmp", "b.png"]


def test_what_is_wrong_with_folders_is_told(tmp_path: Path, apart: Path):
    with pytest.raises(InputError, match="neither a folder val of pictures side by side nor valA and valB"):
        find_pairs(tmp_path, "val")
    with pytest.raises(SettingError, match="direction is 'AB'; choose one of AtoB, BtoA"):
        find_pairs(apart, direction="AB")
    coordinates().save(apart / "trainA" / "a.bmp")
    with pytest.raises(InputError, match="have the same name; rename one"):
        find_pairs(apart)
    for path in (apart / "trainB").iterdir():
        path.rename(path.with_name(f"x{path.name}"))
    (apart / "trainA" / "a.bmp").unlink()
    with pytest.raises(InputError, match="no file of trainA is called like one of trainB"):
        find_pairs(apart)


def test_what_is_wrong_with_a_pair_is_told(tmp_path: Path, together: Path):
    coordinates(width=61).save(tmp_path / "odd.png")
    with pytest.raises(InputError, match="61 pixels wide"):
        Pair(tmp_path / "odd.png", tmp_path / "odd.png").read()
    coordinates(width=50).save(tmp_path / "small.png")
    with pytest.raises(InputError, match="a pair must be of one size"):
        Pair(tmp_path / "odd.png", tmp_path / "small.png").read()


@pytest.mark.parametrize("load_size", [32, 37, 80])
def test_both_pictures_are_cut_alike(together: Path, load_size: int):
    crops = PairedCrops(find_pairs(together).pairs, (32, 32), 40, load_size=load_size)
    samples = [crops[position] for position in range(40)]
    for sample in samples:
        assert sample.source.shape == sample.target.shape == (3, 32, 32)
        assert float((sample.source + sample.target).abs().max()) < 0.01, "the one is the negative of the other"
    corners = {tuple((sample.source[:2, 0, 0] * 100).round().tolist()) for sample in samples}
    assert len(corners) > (8 if load_size > 32 else 5), "places are random"
    rising = [bool(sample.source[0, 0, -1] > sample.source[0, 0, 0]) for sample in samples]
    assert 8 < sum(rising) < 32, "half of them are mirrored"
    assert all(bool(sample.source[1, -1, 0] > sample.source[1, 0, 0]) for sample in samples), "none is upside down"


def test_crops_that_are_no_squares(together: Path):
    """Pictures that are not wide enough are enlarged until they are."""
    sample = PairedCrops(find_pairs(together).pairs, (32, 96), 1, load_size=32)[0]
    assert sample.source.shape == (3, 32, 96)
    across = (sample.source[0, 0, -1] - sample.source[0, 0, 0]).abs() / 96
    down = (sample.source[1, -1, 0] - sample.source[1, 0, 0]) / 32
    assert float(across / down) == pytest.approx(1, abs=0.02)
    with pytest.raises(SettingError, match="crop_width is 8"):
        PairedCrops(find_pairs(together).pairs, (32, 8), 1)


def test_pictures_keep_their_proportions(together: Path):
    sample = PairedCrops(find_pairs(together).pairs, (40, 40), 1, mirrored=0)[0]
    across = (sample.source[0, 0, -1] - sample.source[0, 0, 0]) / (sample.source[1, -1, 0] - sample.source[1, 0, 0])
    assert float(across) == pytest.approx(1, abs=0.01)


def test_a_sample_is_a_function_of_its_position(together: Path):
    pairs = find_pairs(together).pairs
    first, second = (PairedCrops(pairs, (32, 32), 30, load_size=36, seed=4) for _ in range(2))
    for position in (17, 3, 29):
        assert torch.equal(first[position].source, second[position].source)
        assert first[position].name == second[position].name
    assert sorted(first[position].name for position in range(9)) == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    names = ["".join(first[turn + place].name for place in range(3)) for turn in range(0, 30, 3)]
    assert len(set(names)) > 1, "the order changes"


def test_channels(tmp_path: Path):
    for side, mode in (("trainA", "L"), ("trainB", "RGBA")):
        (tmp_path / side).mkdir()
        coordinates().convert(mode).save(tmp_path / side / "a.png")
    sample = PairedCrops(find_pairs(tmp_path).pairs, (32, 32), 1, channels=(1, 4))[0]
    assert sample.source.shape == (1, 32, 32) and sample.target.shape == (4, 32, 32)
    assert (sample.target[3] == 1).all()


def test_sixteen_bits_are_not_clipped(tmp_path: Path):
    for side in ("trainA", "trainB"):
        (tmp_path / side).mkdir()
        PIL.Image.fromarray(np.full((32, 32), 32768, np.uint16)).save(tmp_path / side / "a.png")
    sample = PairedCrops(find_pairs(tmp_path).pairs, (32, 32), 1)[0]
    assert float(sample.source.abs().max()) < 0.001


def test_a_broken_pair_is_passed_over_and_named(together: Path):
    path = together / "train" / "b.png"
    path.write_bytes(path.read_bytes()[:60])
    crops = PairedCrops(find_pairs(together).pairs, (32, 32), 6)
    batch = collate_pairs([crops[position] for position in range(6)])
    assert batch.source.shape == (6, 3, 32, 32) and batch.positions.tolist() == list(range(6))
    assert [each.name for each in batch.broken] == ["b.png"]
    for name in ("a", "c"):
        (together / "train" / f"{name}.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="none of 3 pairs can be read"):
        PairedCrops(find_pairs(together).pairs, (32, 32), 6)[0]


def test_refusals(together: Path):
    pairs = find_pairs(together).pairs
    with pytest.raises(SettingError, match="load_size is 20, less than crop_size 32"):
        PairedCrops(pairs, (32, 32), 1, load_size=20)
    with pytest.raises(SettingError, match="channels is 2; choose one of 1, 3, 4"):
        PairedCrops(pairs, (32, 32), 1, channels=(3, 2))
    with pytest.raises(IndexError):
        PairedCrops(pairs, (32, 32), 1)[1]
