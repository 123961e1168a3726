"""The doctor: every fault that was planted is found, by name; a healthy folder has none."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from impasto.data.doctor import Diagnosis, check_data
from impasto.errors import InputError


def picture(seed: int, height: int = 64, width: int = 64) -> PIL.Image.Image:
    """Return blots of colour, another picture for every seed."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 5, 3)).astype(np.uint8)
    return PIL.Image.fromarray(small).resize((width, height), PIL.Image.Resampling.BICUBIC)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    for split, count in (("train", 24), ("val", 3)):
        for side in "AB":
            (tmp_path / f"{split}{side}").mkdir()
            for number in range(count):
                seed = 1000 * (split == "val") + 100 * (side == "B") + number
                picture(seed).save(tmp_path / f"{split}{side}" / f"{number:02}.png")
    return tmp_path


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    for folder in ("train_label", "train_inst", "train_img", "val_label", "val_inst", "val_img"):
        (tmp_path / folder).mkdir()
        for number in range(24 if "train" in folder else 3):
            seed = number if "train" in folder else 100 + number
            ids = np.random.default_rng(seed).integers(0, 3, (4, 4)).repeat(16, 0).repeat(16, 1).astype(np.uint8)
            made = picture(seed) if folder.endswith("img") else PIL.Image.fromarray(ids)
            made.save(tmp_path / folder / f"{number:02}.png")
    (tmp_path / "classes.csv").write_text("name\nroad\ncar\nsky\n")
    return tmp_path


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def plain(path: Path) -> None:
    PIL.Image.new("RGB", (64, 64), "white").save(path)


def changed(path: Path, **how: object) -> None:
    with PIL.Image.open(path) as image:
        image.load()
    if "mode" in how:
        image = image.convert(str(how["mode"]))
    if "size" in how:
        image = image.resize(how["size"])
    image.save(path)


def deep(path: Path) -> None:
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 65535, (64, 64)).astype(np.uint16)).save(path)


PLANTED_IN_PAIRS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "no B": (lambda d: (d / "trainB/03.png").unlink(), "trainA/03.png", "has no file of its name in trainB"),
    "no A": (lambda d: (d / "trainA/04.png").unlink(), "trainB/04.png", "has no file of its name in trainA"),
    "cut short": (lambda d: cut(d / "trainA/05.png"), "trainA/05.png", "cannot be read"),
    "empty": (lambda d: (d / "trainB/06.png").write_bytes(b""), "trainB/06.png", "cannot be read"),
    "text": (lambda d: (d / "trainA/07.png").write_text("a cat"), "trainA/07.png", "cannot be read"),
    "sizes": (lambda d: changed(d / "trainB/08.png", size=(64, 80)), "trainB/08.png", "are of different sizes"),
    "grey": (
        lambda d: changed(d / "trainA/09.png", mode="L"),
        "trainA/09.png",
        "is grey, 8 bits, the others are RGB",
    ),
    "alpha": (lambda d: changed(d / "trainA/10.png", mode="RGBA"), "trainA/10.png", "is RGB with alpha"),
    "16 bits": (lambda d: deep(d / "trainA/11.png"), "trainA/11.png", "is grey, 16 bits"),
    "small": (
        lambda d: changed(d / "trainA/12.png", size=(20, 20)),
        "trainA/12.png",
        "smaller than the crops of 64",
    ),
    "twice": (
        lambda d: shutil.copy(d / "trainA/13.png", d / "trainA/14.png"),
        "trainA/14.png",
        "are the same picture",
    ),
    "nearly": (
        lambda d: changed(shutil.copy(d / "trainA/13.png", d / "trainA/15.png"), size=(72, 72)),
        "trainA/15.png",
        "are nearly the same picture",
    ),
    "leak": (lambda d: shutil.copy(d / "trainA/16.png", d / "valA/01.png"), "valA/01.png", "in two splits"),
    "same name": (
        lambda d: shutil.copy(d / "trainA/17.png", d / "trainA/17.bmp"),
        "trainA/17.bmp",
        "the same name",
    ),
    "format": (
        lambda d: picture(1).save(d / "trainA/18.png", "JPEG"),
        "trainA/18.png",
        "another format than its name",
    ),
    "other": (
        lambda d: (d / "trainA/notes.txt").write_text("x"),
        "trainA/notes.txt",
        "is not called like a picture",
    ),
    "folder": (lambda d: (d / "trainA/more").mkdir(), "trainA/more", "is a folder in a folder"),
    "plain": (lambda d: plain(d / "trainA/19.png"), "trainA/19.png", "has one colour all over"),
    "long": (
        lambda d: changed(d / "trainA/20.png", size=(640, 64)),
        "trainA/20.png",
        "more than four times as long",
    ),
}
PLANTED_IN_STREETS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "id": (
        lambda d: PIL.Image.fromarray(np.full((64, 64), 9, np.uint8)).save(d / "train_label/01.png"),
        "train_label/01.png",
        "has id 9, and there are 3 classes",
    ),
    "jpeg": (
        lambda d: PIL.Image.open(d / "train_label/02.png").save(d / "train_label/02.png", "JPEG"),
        "train_label/02.png",
        "is a label map saved as JPEG",
    ),
    "colours": (
        lambda d: picture(3).save(d / "train_label/03.png"),
        "train_label/03.png",
        "is a label map in colours, and there is no palette",
    ),
    "no instances": (lambda d: (d / "train_inst/04.png").unlink(), "train_img/04.png", "no file of its name in"),
    "size": (lambda d: changed(d / "train_img/05.png", size=(64, 96)), "train_img/05.png", "different sizes"),
    "classes": (lambda d: (d / "classes.csv").write_text("x;y\n1;2\n"), "classes.csv", "cannot be read"),
}


def found(diagnosis: Diagnosis, file: str, words: str) -> bool:
    return any(file in finding.files and words in finding.what for finding in diagnosis.findings)


def test_a_healthy_folder_has_no_findings(pairs: Path):
    told: list[tuple[int, int]] = []
    diagnosis = check_data(pairs, "pairs", crop_size=64, on_file=lambda *numbers: told.append(numbers))
    assert not diagnosis.findings
    assert diagnosis.counts == {"train": 24, "val": 3} and diagnosis.sizes == {"64x64": 54}
    assert diagnosis.modes == {"RGB, 8 bits": 54} and told[-1] == (54, 54)


def test_healthy_streets_have_no_findings(streets: Path):
    diagnosis = check_data(streets, "labels", crop_size=64)
    assert not diagnosis.findings and diagnosis.counts == {"train": 24, "val": 3}


@pytest.mark.parametrize("fault", PLANTED_IN_PAIRS)
def test_a_fault_in_pairs_is_found_by_name(fault: str, pairs: Path):
    plant, file, words = PLANTED_IN_PAIRS[fault]
    plant(pairs)
    assert found(check_data(pairs, "pairs", crop_size=64), file, words)


def test_all_faults_in_pairs_are_found_together(pairs: Path):
    for plant, _, _ in PLANTED_IN_PAIRS.values():
        plant(pairs)
    diagnosis = check_data(pairs, "pairs", crop_size=64)
    missed = [name for name, (_, file, words) in PLANTED_IN_PAIRS.items() if not found(diagnosis, file, words)]
    assert not missed and len(PLANTED_IN_PAIRS) + len(PLANTED_IN_STREETS) >= 20
    severities = [finding.severity for finding in diagnosis.findings]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert all("\n" not in str(finding) and finding.remedy for finding in diagnosis.findings)


@pytest.mark.parametrize("fault", PLANTED_IN_STREETS)
def test_a_fault_in_label_maps_is_found_by_name(fault: str, streets: Path):
    plant, file, words = PLANTED_IN_STREETS[fault]
    plant(streets)
    assert found(check_data(streets, "labels", crop_size=64), file, words)


def test_pairs_side_by_side(tmp_path: Path):
    (tmp_path / "train").mkdir()
    picture(0, 64, 129).save(tmp_path / "train" / "odd.png")
    diagnosis = check_data(tmp_path, "pairs", crop_size=64)
    assert found(diagnosis, "train/odd.png", "has an odd width")
    said = [str(finding) for finding in diagnosis.findings]
    assert any("there are 1 examples to train on" in line for line in said)
    assert any("neither val nor test" in line for line in said)


def test_classes_that_never_come_are_named(streets: Path):
    (streets / "classes.csv").write_text("name\nroad\ncar\nsky\nunicorn\n")
    assert any("unicorn" in finding.what for finding in check_data(streets, "labels", crop_size=64).findings)


@pytest.fixture
def kinds(tmp_path: Path) -> Path:
    """Two kinds of pictures, of other numbers, sizes and names."""
    for place, count, first in (("trainA", 12, 0), ("trainB", 14, 100), ("testA", 2, 200), ("testB", 3, 300)):
        (tmp_path / place).mkdir()
        for number in range(first, first + count):
            picture(number, 64, 64 + number % 3).save(tmp_path / place / f"{number % 100:02}.png")
    return tmp_path


PLANTED_IN_KINDS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "leak": (lambda d: shutil.copy(d / "trainA/03.png", d / "testA/01.png"), "testA/01.png", "in two splits"),
    "leak across kinds": (
        lambda d: shutil.copy(d / "trainA/04.png", d / "testB/02.png"), "testB/02.png", "in two splits",
    ),
    "both kinds": (
        lambda d: shutil.copy(d / "trainA/05.png", d / "trainB/x.png"), "trainB/x.png", "the same picture in both",
    ),
    "twice": (lambda d: shutil.copy(d / "trainB/06.png", d / "trainB/y.png"), "trainB/y.png", "the same picture"),
    "cut short": (lambda d: cut(d / "trainB/07.png"), "trainB/07.png", "cannot be read"),
    "grey": (lambda d: changed(d / "trainA/08.png", mode="L"), "trainA/08.png", "is grey, 8 bits, the others are"),
}  # fmt: skip


@pytest.mark.parametrize("fault", PLANTED_IN_KINDS)
def test_a_fault_in_pictures_without_pairs_is_found_by_name(fault: str, kinds: Path):
    plant, file, words = PLANTED_IN_KINDS[fault]
    plant(kinds)
    assert found(check_data(kinds, "unpaired", crop_size=64), file, words)


def test_pictures_without_pairs_need_no_names_in_common(kinds: Path):
    shutil.move(kinds / "trainA/00.png", kinds / "trainA/another.png")
    picture(1000).save(kinds / "trainA/another.bmp")
    diagnosis = check_data(kinds, "unpaired", crop_size=64)
    assert diagnosis.counts == {"trainA": 13, "trainB": 14, "testA": 2, "testB": 3}
    (advice,) = diagnosis.findings
    assert str(advice) == (
        "note: there are 13 pictures in trainA and 14 pictures in trainB; the discriminators will learn them by "
        "heart; set diff_augment"
    )


def test_few_pictures_of_a_kind_are_advised_on(kinds: Path):
    for path in [*(kinds / "trainB").iterdir()][:9]:
        path.unlink()
    for place in ("testA", "testB"):
        shutil.rmtree(kinds / place)
    said = [str(finding) for finding in check_data(kinds, "unpaired", crop_size=64).findings]
    assert said == [
        "warning: there are 12 pictures in trainA and 5 pictures in trainB; sincut learns from one large picture "
        "of each kind; other methods want hundreds",
        "note: there is neither val nor test; one of 20 of each kind is held out to judge by",
    ]
    shutil.rmtree(kinds / "trainB")
    with pytest.raises(InputError, match="holds no trainA with trainB"):
        check_data(kinds, "unpaired")


def test_refusals(tmp_path: Path):
    with pytest.raises(InputError, match="there is no folder"):
        check_data(tmp_path / "nowhere", "pairs")
    with pytest.raises(InputError, match="holds no train of pictures side by side, nor trainA and trainB"):
        check_data(tmp_path, "pairs")
