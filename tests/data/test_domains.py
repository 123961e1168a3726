"""Pictures of domains: labels written out by hand, layouts, what is held out, what samples are made of."""

from collections import Counter
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from impasto.data.domain_crops import DomainCrops, collate_domains, whole
from impasto.data.domains import find_domains, read_attributes, split_by_name, twins
from impasto.data.label_sets import LabelSet, LabelSets
from impasto.errors import InputError, SettingError

FACES = ("Black_Hair,Blond_Hair,Male", "happy|sad")


def blots(seed: int, mode: str = "RGB", size: tuple[int, int] = (40, 32)) -> PIL.Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (4, 5, len(mode))).astype(np.uint8)
    return PIL.Image.fromarray(small, mode).resize(size, PIL.Image.Resampling.BICUBIC)


def folders(place: Path, counts: dict[str, int], split: str = "train") -> Path:
    """Write pictures of domains, each with a name of its own."""
    for number, (name, count) in enumerate(counts.items()):
        (place / split / name).mkdir(parents=True)
        for index in range(count):
            blots(1000 * number + index).save(place / split / name / f"{name}{index:02}.png")
    return place


def celeba(place: Path, count: int = 6, names: str = "Smiling Male Young") -> Path:
    (place / "images").mkdir(parents=True)
    rows = []
    for index in range(count):
        blots(index).save(place / "images" / f"{index:06}.png")
        values = " ".join("1" if index >> bit & 1 else "-1" for bit in range(len(names.split())))
        rows.append(f"{index:06}.png  {values}")
    (place / "list_attr_celeba.txt").write_text("\n".join([str(count), names, *rows]) + "\n")
    return place


def test_labels_by_hand():
    labels = LabelSets.read(FACES)
    assert labels.names == ("Black_Hair", "Blond_Hair", "Male", "happy", "sad") and labels.channels == 7
    assert labels.groups == [(3, False), (2, True)] and labels.owner("sad") == 1 and labels.first(1) == 3
    assert labels.label(["Black_Hair", "Male"]).tolist() == [[1, 0, 1, 0, 0, 1, 0]]
    assert labels.label(["sad"]).tolist() == [[0, 0, 0, 0, 1, 0, 1]]
    known = torch.tensor([[1.0, 0, 1, 0, 0], [0, 0, 0, 1, 0]])
    assert labels.masked(known, torch.tensor([0, 1])).tolist() == [[1, 0, 1, 0, 0, 1, 0], [0, 0, 0, 1, 0, 0, 1]]
    alone = LabelSets.read(["a|b"])
    assert alone.channels == 2 and alone.label(["b"]).tolist() == [[0, 1]], "one data set needs no mask"
    assert [str(LabelSet.read(text)) for text in FACES] == [*FACES]


def test_what_is_asked_for():
    labels = LabelSets.read(FACES)
    assert {name: label.tolist() for name, label in labels.chosen("Male, Blond_Hair").items()} == {
        "Male, Blond_Hair": [[0, 1, 1, 0, 0, 1, 0]]
    }
    assert [*labels.chosen("all")] == [*labels.names]
    assert labels.chosen("all")["happy"].tolist() == [[0, 0, 0, 1, 0, 0, 1]]
    for text, why in (
        (None, "to is not given; choose of Black_Hair, Blond_Hair, Male, happy, sad, or all"),
        ("Old", "the domain to translate to is 'Old'; choose one of Black_Hair, Blond_Hair, Male, happy, sad"),
        ("happy,sad", "happy and sad exclude each other; name one of them"),
        ("Black_Hair,Blond_Hair", "Black_Hair and Blond_Hair exclude each other"),
        ("sad,Male", "Male and sad are of two data sets; name those of one"),
    ):
        with pytest.raises(SettingError, match=why):
            labels.chosen(text)


def test_what_excludes_a_name_is_lost_with_it():
    labels = LabelSets.read(FACES)
    assert labels.changed(["Black_Hair", "Male"], "Blond_Hair") == ["Male", "Blond_Hair"]
    assert labels.changed(["Black_Hair"], "Male") == ["Black_Hair", "Male"]
    assert labels.changed(["happy"], "sad") == ["sad"]


@pytest.mark.parametrize("text", ["", "a||b", "a|a", "all|b", "a|b,c", "a, "])
def test_what_is_no_name(text: str):
    with pytest.raises(SettingError, match="allowed are names"):
        LabelSet.read(text)
    with pytest.raises(SettingError, match="two data sets have a; rename one"):
        LabelSets.read(["a|b", "a,c"])


def test_folders(tmp_path: Path):
    folders(tmp_path, {"sun": 3, "rain": 2})
    folders(tmp_path, {"rain": 1, "fog": 1}, "val")
    found = find_domains(tmp_path)
    assert found.labels.sets == (LabelSet(("rain", "sun"), exclusive=True),)
    assert Counter(member.present for member in found.members) == {("sun",): 3, ("rain",): 2}
    held_out = find_domains(tmp_path, "val")
    assert held_out.labels == found.labels and [member.present for member in held_out.members] == [("rain",)]
    with pytest.raises(InputError, match="holds no picture of test"):
        find_domains(tmp_path, "test")


def test_an_attribute_file(tmp_path: Path):
    celeba(tmp_path)
    (tmp_path / "images" / "no_row.png").write_bytes((tmp_path / "images" / "000000.png").read_bytes())
    found = find_domains(tmp_path)
    assert found.labels.sets == (LabelSet(("Smiling", "Male", "Young"), exclusive=False),)
    assert [member.present for member in found.members] == [
        (), ("Smiling",), ("Male",), ("Smiling", "Male"), ("Young",), ("Smiling", "Young"),
    ]  # fmt: skip
    chosen = find_domains(tmp_path, attributes="Young, Smiling")
    assert chosen.labels.names == ("Young", "Smiling") and chosen.members[5].present == ("Young", "Smiling")
    with pytest.raises(SettingError, match=r"an attribute of list_attr_celeba\.txt is 'Bald'; choose one of Sm"):
        find_domains(tmp_path, attributes="Bald")


def test_the_papers_attributes_are_taken_where_they_are(tmp_path: Path):
    celeba(tmp_path, names="Bald Young Male Brown_Hair Blond_Hair Black_Hair")
    assert find_domains(tmp_path).labels.names == ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")


def test_several_data_sets(tmp_path: Path):
    celeba(tmp_path / "celeba", count=4)
    folders(tmp_path / "rafd", {"happy": 2, "sad": 3})
    found = find_domains(tmp_path)
    assert [str(each) for each in found.labels.sets] == ["Smiling,Male,Young", "happy|sad"]
    assert Counter(member.owner for member in found.members) == {0: 4, 1: 5}


def test_refusals(tmp_path: Path):
    with pytest.raises(InputError, match="holds neither train with a folder for each domain nor list_attr"):
        find_domains(tmp_path)
    folders(tmp_path / "one", {"sun": 2})
    with pytest.raises(InputError, match="holds one domain alone, sun; two are needed"):
        find_domains(tmp_path / "one")
    folders(tmp_path / "odd", {"sun": 1, "rain,fog": 1})
    with pytest.raises(InputError, match="a domain is called 'rain,fog'; allowed are names without"):
        find_domains(tmp_path / "odd")
    for text, why in (
        ("2\nA B\nx.png 1\n", "line 3 of .* is not a file and 2 times 1 or -1"),
        ("A\nx.png 2\n", "line 2 of .* is not a file"),
        ("3\nA A\n", "no line of names, each once"),
        ("", "no line of names"),
    ):
        (tmp_path / "list_attr.txt").write_text(text)
        with pytest.raises(InputError, match=why):
            read_attributes(tmp_path / "list_attr.txt")


def test_one_of_so_many_of_each_domain_is_held_out(tmp_path: Path):
    trained, held_out = split_by_name(find_domains(folders(tmp_path, {"sun": 40, "rain": 20})).members, 20, 50)
    assert Counter(member.present for member in held_out) == {("sun",): 2, ("rain",): 1}
    assert len(trained) == 57 and not {*trained} & {*held_out}


def drawings(place: Path, alike: bool) -> Path:
    """Write pictures of the same names in two domains: tinted ones of the same, or of other things."""
    for number, name in enumerate(("blue", "red")):
        (place / "train" / name).mkdir(parents=True)
        for index in range(24):
            picture = blots(index if alike else 100 * number + index)
            pixels = np.asarray(picture).copy()
            pixels[..., number] //= 2
            PIL.Image.fromarray(pixels).save(place / "train" / name / f"{index:03}.png")
    return place


def test_what_is_of_one_name_is_held_out_together(tmp_path: Path):
    trained, held_out = split_by_name(find_domains(drawings(tmp_path, alike=True)).members, 12, 50)
    assert Counter(member.path.stem for member in held_out) == {"006": 2, "018": 2}
    assert not {member.path.stem for member in trained} & {"006", "018"}


def test_the_truth_is_known_where_pictures_of_one_name_are_alike(tmp_path: Path):
    """Files that are only numbered alike are no truth."""
    known = twins(find_domains(drawings(tmp_path / "alike", alike=True)))
    assert len(known) == 24 and {name for each in known.values() for name in each} == {"blue", "red"}
    assert all(each["red"].path.stem == each["blue"].path.stem for each in known.values())
    assert twins(find_domains(drawings(tmp_path / "numbered", alike=False))) == {}
    assert twins(find_domains(folders(tmp_path / "others", {"a": 3, "b": 3}))) == {}


def test_samples_follow_from_seed_and_position(tmp_path: Path):
    celeba(tmp_path / "celeba", count=4)
    folders(tmp_path / "rafd", {"happy": 2, "sad": 6})
    found = find_domains(tmp_path)
    crops = DomainCrops(found, (16, 16), 4000, load_size=20, seed=1)
    again = DomainCrops(found, (16, 16), 4000, load_size=20, seed=1)
    assert all(torch.equal(crops[7][part], again[7][part]) for part in range(3))
    batch = collate_domains([crops[position] for position in range(8)])
    assert batch.pictures.shape == (8, 3, 16, 16) and batch.owners.tolist() == [0, 1] * 4, "they take turns"
    assert float(batch.pictures.min()) >= -1 and float(batch.pictures.max()) <= 1
    assert not bool(batch.labels[0::2, 3:].any()) and not bool(batch.labels[1::2, :3].any())
    assert not bool(batch.targets[0::2, 3:].any()) and not bool(batch.targets[1::2, :3].any())
    assert bool((batch.labels[1::2].sum(dim=1) == 1).all())
    drawn = [crops[position].target[3:].tolist() for position in range(1, 4000, 2)]
    assert drawn.count([0, 1]) / len(drawn) == pytest.approx(0.75, abs=0.03), "as often as they are in the data"


def test_every_picture_comes_once_a_round(tmp_path: Path):
    found = find_domains(folders(tmp_path, {"sun": 3, "rain": 4}))
    seen: list[bytes] = []
    crops = DomainCrops(found, (32, 40), 7, load_size=32)
    for position in range(7):
        sample = crops[position]
        seen.append(min(sample.picture.numpy().tobytes(), sample.picture.flip(-1).numpy().tobytes()))
    assert len({*seen}) == 7


def test_drawings_lie_on_white(tmp_path: Path):
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:4] = (255, 0, 0, 255)
    pixels[4, 0] = (0, 0, 0, 51)
    PIL.Image.fromarray(pixels).save(tmp_path / "x.png")
    picture = whole(tmp_path / "x.png", 8)[0]
    assert picture[:, 0, 0].tolist() == [1, 0, 0] and picture[:, 7, 7].tolist() == [1, 1, 1]
    assert picture[:, 4, 0].tolist() == pytest.approx([0.8] * 3, abs=1e-3)


def test_one_broken_file_is_passed_over(tmp_path: Path):
    folders(tmp_path, {"sun": 2, "rain": 1})
    (tmp_path / "train" / "sun" / "sun00.png").write_bytes(b"nothing")
    crops = DomainCrops(find_domains(tmp_path), (16, 16), 6, load_size=16)
    broken = {path.name for position in range(6) for path in crops[position].broken}
    assert broken == {"sun00.png"}
