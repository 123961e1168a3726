"""A folder painted by Ray's workers on this machine: the same bytes, even when one of them is killed."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import PIL.Image
import pytest

import impasto
from impasto.errors import SettingError
from impasto.verbs import ray_engine

WORKER = b"ray::MapWorker"


@pytest.fixture
def photos(folder: Path, two_styles: str) -> Path:
    """Thirty pictures, each of another width, and a broken one."""
    photos = folder / "photos"
    photos.mkdir()
    with PIL.Image.open("cat.png") as cat:
        for number in range(30):
            cat.resize((400 + number, 300)).save(photos / f"{number:02}.png")
    (photos / "broken.jpg").write_bytes(b"not a jpeg")
    return photos


def paint(output: str, **how: object) -> list[impasto.verbs.folder_painter.Outcome]:
    """Paint with a network named by a path from here, as a user does."""
    model = "model.safetensors"
    return list(impasto.stylize_folder("photos", "dusk", output, method="multistyle", model=model, **how))


def workers() -> list[int]:
    """Return the actors' processes, which descend from this one."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cmdline").read_bytes().startswith(WORKER) and ours(entry):
                found.append(int(entry.name))
        except OSError:
            continue  # gone in between
    return found


def ours(entry: Path) -> bool:
    pid = int(entry.name)
    while pid > 1 and pid != os.getpid():
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid == os.getpid()


def kill_one_once_painting(output: Path, killed: list[int]) -> None:
    """Kill a worker as soon as the first pictures are there, and tell how many there were then."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not killed:
        if len(list(output.glob("*.png"))) >= 2 and (found := workers()):
            os.kill(found[0], signal.SIGKILL)
            killed.append(len(list(output.glob("*.png"))))
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes in /proc")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_same_bytes_though_a_worker_is_killed(photos: Path):
    pytest.importorskip("ray.data")
    alone = paint("alone")
    killed: list[int] = []
    killer = threading.Thread(target=kill_one_once_painting, args=(Path("together"), killed))
    killer.start()
    together = paint("together", engine="ray", workers=2)
    killer.join()
    assert killed[0] < 30, "killed in the middle"
    assert len(together) == len(alone) == 31
    assert {each.content for each in together if each.status == "failed"} == {"broken.jpg"}
    assert {each.content: each.error for each in together} == {each.content: each.error for each in alone}
    pictures = sorted(path.name for path in Path("alone").glob("*.png"))
    assert sorted(path.name for path in Path("together").glob("*.png")) == pictures and len(pictures) == 30
    for name in pictures:
        assert Path("together", name).read_bytes() == Path("alone", name).read_bytes(), name
    assert len(Path("together/manifest.jsonl").read_bytes().splitlines()) == 31


def test_without_ray_one_line_says_how_to_get_it(photos: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # which makes it as good as not installed
    with pytest.raises(SettingError, match=r"Ray Data is not installed; run pip install 'impasto\[ray\]'"):
        paint("out", engine="ray")
    assert not Path("out").exists()


def test_a_picture_that_kills_workers_is_counted_and_one_that_is_finished_is_not():
    tries = ray_engine._Tries()
    assert [tries.begin("deadly.png") for _ in range(3)] == [0, 1, 2]
    assert tries.begin("harmless.png") == 0
    tries.end("harmless.png")
    assert tries.begin("harmless.png") == 0
    assert tries.begin("deadly.png") == ray_engine.TRIES
