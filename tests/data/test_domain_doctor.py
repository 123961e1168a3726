"""The doctor of domains: every fault that was planted is found, by name; a healthy folder has none."""

from pathlib import Path

import pytest
from tests.data.test_domains import blots, celeba, folders

from impasto.data.doctor import check_data
from impasto.errors import InputError


def told(folder: Path, attributes: str = "") -> list[str]:
    return [str(each) for each in check_data(folder, "domains", crop_size=32, attributes=attributes).findings]


def planted(findings: list[str], *words: str) -> bool:
    return any(all(word in finding for word in words) for finding in findings)


@pytest.fixture
def skies(tmp_path: Path) -> Path:
    folders(tmp_path, {"rain": 22, "sun": 24})
    for index in range(3):
        for number, name in enumerate(("rain", "sun")):
            (tmp_path / "val" / name).mkdir(parents=True, exist_ok=True)
            blots(5000 + 100 * number + index).save(tmp_path / "val" / name / f"{index}.png")
    return tmp_path


def test_a_healthy_folder(skies: Path):
    found = check_data(skies, "domains", crop_size=32)
    assert not found.findings and found.counts == {"train": 46, "val": 6} and found.sizes == {"40x32": 52}


def test_what_is_wrong_with_domains(skies: Path):
    train = skies / "train"
    (train / "fog").mkdir()
    (train / "snow").mkdir()
    blots(777).save(train / "snow" / "one.png")
    blots(778).save(train / "loose.png")
    (train / "sun" / "sun03.png").write_bytes((train / "rain" / "rain01.png").read_bytes())
    (skies / "val" / "sun" / "leak.png").write_bytes((train / "rain" / "rain02.png").read_bytes())
    (train / "rain" / "rain05.png").write_bytes(b"nothing")
    (skies / "val" / "hail").mkdir()
    findings = told(skies)
    assert planted(findings, "error: train/fog:", "is a domain without a picture")
    assert planted(findings, "warning: train/snow:", "has 1 pictures")
    assert planted(findings, "train/sun, train/snow: are very unequal: 24 and 1 pictures")
    assert planted(findings, "warning: train/loose.png: belongs to no domain")
    assert planted(findings, "train/rain/rain01.png", "train/sun/sun03.png", "are the same picture in two domains")
    assert planted(findings, "train/rain/rain02.png", "val/sun/leak.png", "are the same picture in two splits")
    assert planted(findings, "error: train/rain/rain05.png: cannot be read")
    assert planted(findings, "warning: val/hail: is no domain of train")
    assert planted(findings, "note: train/fog, train/snow: has no picture in val")


def test_the_same_thing_in_two_domains_is_no_fault(tmp_path: Path):
    """Nearly the same thumbnails are what aligned domains are made of."""
    for number, name in enumerate(("light", "dark")):
        (tmp_path / "train" / name).mkdir(parents=True)
        for index in range(20):
            blots(index).point(lambda value, by=number: max(0, value - by)).save(
                tmp_path / "train" / name / f"{index}.png"
            )
    assert not planted(told(tmp_path), "same picture")


def test_what_is_wrong_with_attributes(tmp_path: Path):
    celeba(tmp_path, count=48)
    listed = tmp_path / "list_attr_celeba.txt"
    assert told(tmp_path) == ["note: there is neither val nor test; one of 20 examples is held out to judge by"]
    rows = listed.read_text().splitlines()
    (tmp_path / "images" / "000007.png").unlink()
    blots(999).save(tmp_path / "images" / "extra.png")
    listed.write_text("\n".join(rows[:-1]))
    findings = told(tmp_path)
    assert planted(findings, "list_attr_celeba.txt: says that it has 48 rows, and has 47")
    assert planted(findings, "list_attr_celeba.txt: has rows without a picture: 000007.png;")
    assert planted(findings, "warning: images/000047.png, images/extra.png: has no row in list_attr_celeba.txt")
    listed.write_text("\n".join([rows[0], *(row.replace("-1", "1") for row in rows[1:])]))
    assert planted(told(tmp_path, "Male"), "Male is what 47 of 47 pictures have")
    assert planted(told(tmp_path, "Bald"), "is 'Bald'; choose one of Smiling, Male, Young")
    listed.write_text(f"{rows[1]}\nx.png 3\n")
    assert planted(told(tmp_path), "error: list_attr_celeba.txt: line 2 of")


def test_several_data_sets(tmp_path: Path):
    celeba(tmp_path / "celeba", count=48)
    folders(tmp_path / "rafd", {"happy": 20, "Male": 20})
    found = check_data(tmp_path, "domains", crop_size=32)
    assert found.counts == {"train": 88}
    assert any("two data sets have Male; rename one" in str(finding) for finding in found.findings)


def test_another_layout_is_refused(tmp_path: Path):
    (tmp_path / "train").mkdir()
    with pytest.raises(InputError, match="holds neither train with a folder for each domain nor list_attr"):
        check_data(tmp_path, "domains")
