"""Label maps in folders: both layouts, ids and colours, crops that are the same of map and picture."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from impasto.data.labelled import LabelledCrops, collate_labelled, find_labelled, read_labelled
from impasto.errors import InputError, SettingError
from impasto.image.labels import read_label_map


def street(folder: Path, name: str, layout: tuple[str, str], size: tuple[int, int] = (40, 48)) -> None:
    """Write a map of four ids and a picture whose grey value says the id."""
    ids = np.random.default_rng(len(name)).integers(0, 4, (size[0] // 8, size[1] // 8)).repeat(8, 0).repeat(8, 1)
    for place in layout:
        (folder / place).mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(ids.astype(np.uint8)).save(folder / layout[0] / f"{name}.png")
    PIL.Image.fromarray((ids * 60).astype(np.uint8)).convert("RGB").save(folder / layout[1] / f"{name}.png")


@pytest.mark.parametrize("layout", [("train_label", "train_img"), ("trainannot", "train")])
def test_crops_of_map_and_picture_are_the_same(layout: tuple[str, str], tmp_path: Path):
    for name in ("a", "bb", "ccc"):
        street(tmp_path, name, layout)
    found = find_labelled(tmp_path)
    assert [item.name for item in found.items] == ["a", "bb", "ccc"] and not found.orphans
    crops = LabelledCrops(found.items, (32, 32), 12, load_size=40, seed=3)
    for sample in crops:
        assert sample.labels.shape == (1, 32, 32) and sample.picture.shape == (3, 32, 32)
        grey = (sample.picture[0] + 1) * 127.5
        assert float((grey - sample.labels[0] * 60).abs().max()) < 1
    batch = collate_labelled([crops[0], crops[1]])
    assert batch.labels.shape == (2, 1, 32, 32) and batch.positions.tolist() == [0, 1]
    assert torch.equal(crops[5].labels, LabelledCrops(found.items, (32, 32), 12, load_size=40, seed=3)[5].labels)
    larger = LabelledCrops(found.items, (32, 32), 12, load_size=60)[0]
    assert set(larger.labels.unique().tolist()) <= {0, 1, 2, 3}, "ids are resized to the nearest"


def test_instances_and_orphans(tmp_path: Path):
    for name in ("a", "b"):
        street(tmp_path, name, ("train_label", "train_img"))
    street(tmp_path, "x_gtFine_labelIds", ("train_label", "other"))
    street(tmp_path, "x_leftImg8bit", ("other", "train_img"))
    (tmp_path / "train_inst").mkdir()
    wide = np.arange(40 * 48, dtype=np.uint16).reshape(40, 48) + 26_000
    PIL.Image.fromarray(wide).save(tmp_path / "train_inst" / "a.png")
    PIL.Image.fromarray(wide).save(tmp_path / "train_inst" / "x_gtFine_instanceIds.png")
    found = find_labelled(tmp_path)
    assert [item.labels.stem for item in found.items] == ["a", "x_gtFine_labelIds"]
    assert {path.name for path in found.orphans} == {"b.png"}
    _, instances, _ = read_labelled(found.items[0])
    assert torch.equal(instances[0, 0], torch.from_numpy(wide.astype(np.int64))), "16 bits are kept"


def test_ids_indexed_colours_and_palettes_give_the_same_map(tmp_path: Path):
    ids = np.array([[0, 1], [2, 1]], np.uint8)
    PIL.Image.fromarray(ids).save(tmp_path / "grey.png")
    indexed = PIL.Image.fromarray(ids, mode="P")
    indexed.putpalette([128, 64, 128, 0, 0, 142, 220, 20, 60])
    indexed.save(tmp_path / "indexed.png")
    indexed.convert("RGB").save(tmp_path / "colours.png")
    PIL.Image.fromarray(ids).convert("RGB").save(tmp_path / "grey in three channels.png")
    palette = {(128, 64, 128): 0, (0, 0, 142): 1, (220, 20, 60): 2}
    for name in ("grey", "indexed", "grey in three channels"):
        assert read_label_map(tmp_path / f"{name}.png").tolist() == ids.tolist(), name
    for name in ("indexed", "colours"):
        assert read_label_map(tmp_path / f"{name}.png", palette).tolist() == ids.tolist(), name
    with pytest.raises(InputError, match=r"in colours, and there is no palette; add classes\.csv"):
        read_label_map(tmp_path / "colours.png")
    with pytest.raises(InputError, match=r"the colour \(0, 0, 142\) in 2 pixels, which classes\.csv does not name"):
        read_label_map(tmp_path / "colours.png", {(128, 64, 128): 0, (220, 20, 60): 1})


def test_classes_have_names_and_colours(tmp_path: Path):
    street(tmp_path, "a", ("trainannot", "train"))
    (tmp_path / "classes.csv").write_text("name, r, g, b\nroad, 128, 64, 128\ncar, 0, 0, 142\n")
    found = find_labelled(tmp_path)
    assert found.names == ["road", "car"] and found.palette == {(128, 64, 128): 0, (0, 0, 142): 1}
    (tmp_path / "classes.csv").write_text("name\nroad\ncar\n")
    assert find_labelled(tmp_path).palette is None
    (tmp_path / "classes.csv").write_text("class;r\nroad;1\n")
    with pytest.raises(InputError, match=r"classes\.csv cannot be read .*; it needs the columns name, r, g, b"):
        find_labelled(tmp_path)


def test_one_broken_picture_is_passed_over_and_named(tmp_path: Path):
    for name in ("a", "bb"):
        street(tmp_path, name, ("trainannot", "train"))
    street(tmp_path, "ccc", ("trainannot", "train"))
    PIL.Image.new("L", (9, 9)).save(tmp_path / "trainannot" / "ccc.png")
    samples = list(LabelledCrops(find_labelled(tmp_path).items, (32, 32), 6, load_size=40))
    broken = {path.name: reason for sample in samples for path, reason in sample.broken.items()}
    assert "ccc.png is 9×9 pixels and ccc.png 48×40; map and picture must be of one size" in broken["ccc.png"]


def test_refusals(tmp_path: Path):
    with pytest.raises(InputError, match="holds neither train_label and train_img nor trainannot and train"):
        find_labelled(tmp_path)
    street(tmp_path, "a", ("trainannot", "other"))
    street(tmp_path, "b", ("other", "train"))
    with pytest.raises(InputError, match="no file of trainannot is called like one of train, such as a"):
        find_labelled(tmp_path)
    with pytest.raises(SettingError, match="load_size is 16, less than crop_size 32"):
        LabelledCrops([], (32, 32), 1, load_size=16)
