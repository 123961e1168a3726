"""What the studio gives away and takes: its own pages, its visitors' own pictures, and nothing else."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.studio.conftest import Start, drop, part
from tests.studio.hostility import Stranger

HERE = str(Path(__file__))
NOTHING = ("/etc/passwd", "../../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "/proc/self/environ", HERE)
NAMES = ("../../escape.png", "..\\escape.png", "/tmp/escape.png", "a\nb.png", "x" * 300 + ".png")


@pytest.fixture(scope="module")
def stranger(studio: str) -> Iterator[Stranger]:
    with Stranger(studio) as stranger:
        yield stranger


@pytest.mark.parametrize("path", NOTHING)
def test_no_file_outside_is_served(stranger: Stranger, path: str) -> None:
    for spelt in (path, quote(path, safe=""), f"//{path}"):
        assert stranger.http.get(f"/gradio_api/file={spelt}").status_code in (403, 404)


@pytest.mark.parametrize("path", NOTHING)
def test_no_file_outside_is_taken_for_an_upload(stranger: Stranger, path: str) -> None:
    assert stranger.give(path, "cat.png") == "refused"


@pytest.mark.parametrize("path", NOTHING)
def test_it_is_said_in_one_line_and_so_it_is_of_several(stranger: Stranger, path: str) -> None:
    named = {"path": path, "orig_name": "cat.png", "meta": {"_type": "gradio.FileData"}}
    answer = stranger.send(stranger.listener("upload", "file"), [[named]])
    assert not answer["success"]
    assert answer["output"]["error"] == "that is no file that was dropped here; drop it again"


def test_nothing_is_fetched_for_anyone(stranger: Stranger, studio: str) -> None:
    # its own address would be reached without any network
    address = f"{studio}config"
    assert stranger.http.get(f"/gradio_api/file={address}").status_code == 404
    assert stranger.http.get(f"/gradio_api/file={quote(address, safe='')}").status_code == 404
    assert stranger.http.get(f"/gradio_api/proxy={address}").status_code == 404
    assert stranger.give(address, "cat.png") == "refused"


def test_browsers_are_told_to_load_from_the_studio_alone(stranger: Stranger) -> None:
    page = stranger.http.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "http" not in page.headers["content-security-policy"]
    assert not stranger.config.get("analytics_enabled")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_leads_nowhere(stranger: Stranger, folder: Path, name: str) -> None:
    said = stranger.give(stranger.upload(name, (folder / "cat.png").read_bytes()), name)
    assert "64 × 48 pixels" in said
    assert "/" not in said.replace("</p>", "")
    assert not list(Path("/tmp").glob("escape*"))


@pytest.mark.parametrize("data", [b"", b"a cat", b"\x89PNG\r\n\x1a\n", b"GIF89a" + b"\0" * 20, b"%PDF-1.7"])
def test_what_is_no_picture_is_refused_in_one_line(stranger: Stranger, data: bytes) -> None:
    said = stranger.give(stranger.upload("cat.png", data), "cat.png")
    assert 'role="alert"' in said and said.count("\n") == 0 and "cat.png" in said
    assert "Traceback" not in said and "/" not in said.replace("</p>", "")


def test_without_the_password_there_is_nothing(start: Start) -> None:
    _, address = start("--auth", "painter:secret")
    with httpx.Client(base_url=address) as http:
        assert "Gradio" in http.get("/").text or http.get("/").status_code == 200
        assert http.get("/config").status_code == 401
        assert http.post("/gradio_api/upload", files={"files": ("a.png", b"a")}).status_code == 401
        assert http.post("/login", data={"username": "painter", "password": "wrong"}).status_code == 400
        assert http.post("/login", data={"username": "painter", "password": "secret"}).status_code == 200
        assert http.get("/config").status_code == 200


def test_all_pictures_are_gone_in_the_end(start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(folder))
    process, address = start(cwd=folder)
    with Stranger(address) as stranger:
        path = Path(stranger.upload("cat.png", (folder / "cat.png").read_bytes()))
        assert "64 × 48" in stranger.give(str(path), "cat.png")
    (private,) = folder.glob("impasto-studio-*")
    assert private in path.parents and private.stat().st_mode & 0o077 == 0
    assert len(list(private.rglob("cat.png"))) >= 1 and len(list((private / "visitors").rglob("upload"))) == 1
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    assert not private.exists()


def test_answers_can_come_as_long_as_a_page_is_open(visit: Callable[..., Any], folder: Path) -> None:
    ended = list[str]()
    page = visit()
    for event in ("requestfinished", "requestfailed"):
        page.on(event, lambda request: ended.append(request.url))
    panel = part(page, "Style")
    drop(panel, folder / "cat.png")
    panel.get_by_text("cat.png, 64 × 48 pixels").wait_for()
    page.wait_for_timeout(1000)
    assert any("queue/join" in url for url in ended) and not any("queue/data" in url for url in ended)
