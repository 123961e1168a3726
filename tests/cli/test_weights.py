"""`impasto weights`: what it prints, and that it needs no torch to do so."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from impasto.cli.weights import main
from impasto.errors import WeightsError
from impasto.weights import store

BUNDLED = {"vgg16", "vgg16-hed", "efficientnet-lite0", "prediction", "multistyle", "adain"}
FETCHED = {"inception-v3-fid", "vgg16-imagenet", "vgg19-imagenet"}


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str]) -> dict:
    captured = capsys.readouterr()
    assert captured.err == ""
    return json.loads(captured.out)


def test_list_names_all_weights(capsys: pytest.CaptureFixture[str]):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, entry in store.catalog().items():
        (line,) = [line for line in lines if line.split()[:1] == [name]]
        assert ("bundled" if name in BUNDLED else "not fetched") in line
        assert entry.licence.split()[0] in line


def test_list_json(capsys: pytest.CaptureFixture[str], empty_cache: Path):
    assert main(["list", "--json"]) == 0
    weights = {each["name"]: each for each in answer(capsys)["weights"]}
    assert set(weights) == BUNDLED | FETCHED
    assert {name for name, each in weights.items() if each["here"]} == BUNDLED
    assert weights["vgg19-imagenet"]["path"] == str(empty_cache / "vgg19-dcbb9e9d.pth")
    assert weights["vgg19-imagenet"]["bytes"] == 574_673_361


def test_fetch_of_what_is_here_prints_its_path(capsys: pytest.CaptureFixture[str]):
    assert main(["fetch", "vgg16"]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path.name == "vgg16.safetensors"
    assert path.exists()
    assert main(["fetch", "vgg16", "--json"]) == 0
    assert answer(capsys)["path"] == str(path)


@pytest.mark.parametrize("command", ["fetch", "verify"])
def test_an_unknown_name(command: str):
    with pytest.raises(WeightsError, match=r"no weights named 'vgg99'; choose one of vgg16"):
        main([command, "vgg99"])


def test_verify_all(capsys: pytest.CaptureFixture[str]):
    assert main(["verify", "--json"]) == 0
    assert answer(capsys)["weights"] == dict.fromkeys(BUNDLED, "ok") | dict.fromkeys(FETCHED, "not fetched")


def test_verify_all_prints_its_object_and_raises_for_a_damaged_file(
    capsys: pytest.CaptureFixture[str], empty_cache: Path
):
    (empty_cache / "vgg16-397923af.pth").write_bytes(b"half a file")
    with pytest.raises(WeightsError, match=r"vgg16-397923af\.pth is damaged"):
        main(["verify", "--json"])
    assert answer(capsys)["weights"]["vgg16-imagenet"] == "damaged"
    with pytest.raises(WeightsError, match="damaged"):
        main(["verify"])
    assert "vgg16: ok\n" in capsys.readouterr().out


def test_verify_one(capsys: pytest.CaptureFixture[str]):
    assert main(["verify", "efficientnet-lite0"]) == 0
    assert capsys.readouterr().out == "efficientnet-lite0: ok\n"
    with pytest.raises(WeightsError, match="run: impasto weights fetch vgg16-imagenet"):
        main(["verify", "vgg16-imagenet"])


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(command in text for command in ("impasto weights", "list", "fetch", "verify"))


def test_no_torch_is_imported():
    program = (
        "import sys; from impasto.cli.weights import main; main(['verify', '--json']); main(['list']); "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL, check=True)
