"""The store against a real server that cuts, lies, refuses and forgets."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from impasto.errors import WeightsError
from impasto.weights import store, transfer
from impasto.weights.store import Entry, fetch

CONTENT = bytes(i * i % 251 for i in range(100_000))


@dataclass
class Behaviour:
    """What the server does, and what it saw."""

    content: bytes = CONTENT
    status: int = 0
    knows_ranges: bool = True
    sends_length: bool = True
    cuts: list[int] = field(default_factory=list)  # bytes after which each of the next connections breaks
    pause: float = 0.0
    ranges_seen: list[str | None] = field(default_factory=list)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    behaviour: Behaviour

    def do_GET(self):
        asked = self.headers.get("Range")
        self.behaviour.ranges_seen.append(asked)
        if self.behaviour.status:
            self.send_error(self.behaviour.status)
            return
        content, start = self.behaviour.content, 0
        if asked and self.behaviour.knows_ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        if self.behaviour.sends_length:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        with suppress(ConnectionError):
            self._send(content[start:])

    def _send(self, content: bytes):
        cut = self.behaviour.cuts.pop(0) if self.behaviour.cuts else len(content)
        for position in range(0, cut, 10_000):
            self.wfile.write(content[position : min(position + 10_000, cut)])
            time.sleep(self.behaviour.pause)
        self.close_connection = True

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server() -> Iterator[Behaviour]:
    behaviour = Behaviour()
    handler = type("OneHandler", (Handler,), {"behaviour": behaviour})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        behaviour.url = f"http://127.0.0.1:{running.server_port}/tiny.pth"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield behaviour
        running.shutdown()
        thread.join()


@pytest.fixture
def entry(server: Behaviour) -> Entry:
    digest = hashlib.sha256(CONTENT).hexdigest()
    return Entry("tiny", "a test", digest, len(CONTENT), "CC0", "here", "us", url=server.url)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transfer, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 1_000)
    monkeypatch.setenv("no_proxy", "*")


def part_of(folder: Path) -> Path:
    return folder / "tiny.pth.part"


def test_fetches_the_file_and_leaves_no_part(entry: Entry, tmp_path: Path, server: Behaviour):
    path = fetch(entry, tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "tiny.pth"
    assert path.read_bytes() == CONTENT
    assert not part_of(path.parent).exists()
    assert server.ranges_seen == [None]


def test_a_file_already_there_is_not_fetched_again(entry: Entry, tmp_path: Path, server: Behaviour):
    fetch(entry, tmp_path)
    fetch(entry, tmp_path)
    assert len(server.ranges_seen) == 1


def test_a_cut_connection_resumes_where_it_stopped(entry: Entry, tmp_path: Path, server: Behaviour):
    server.cuts = [30_000, 25_000]
    assert fetch(entry, tmp_path).read_bytes() == CONTENT
    assert server.ranges_seen == [None, "bytes=30000-", "bytes=55000-"]


def test_many_cuts_are_survived_while_each_connection_brings_news(entry: Entry, tmp_path: Path, server: Behaviour):
    server.cuts = [9_000] * 11
    assert len(server.cuts) > 2 * transfer.ATTEMPTS
    assert fetch(entry, tmp_path).read_bytes() == CONTENT


def test_a_server_that_stops_sending_is_given_up(entry: Entry, tmp_path: Path, server: Behaviour):
    server.cuts = [30_000] + [0] * 20
    with pytest.raises(WeightsError, match=r"ended after 30,000 of 100,000 bytes"):
        fetch(entry, tmp_path)
    assert len(server.ranges_seen) == transfer.ATTEMPTS
    assert part_of(tmp_path).stat().st_size == 30_000
    assert not (tmp_path / "tiny.pth").exists()


def test_a_server_without_ranges_starts_over(entry: Entry, tmp_path: Path, server: Behaviour):
    server.knows_ranges = False
    server.cuts = [30_000]
    assert fetch(entry, tmp_path).read_bytes() == CONTENT
    assert server.ranges_seen == [None, "bytes=30000-"]


def test_an_interrupted_fetch_is_not_taken_for_a_file_and_goes_on_later(
    entry: Entry, tmp_path: Path, server: Behaviour
):
    def interrupt(done: int, total: int):
        if done >= total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(entry, tmp_path, interrupt)
    assert not (tmp_path / "tiny.pth").exists()
    assert part_of(tmp_path).stat().st_size == 50_000
    assert fetch(entry, tmp_path).read_bytes() == CONTENT
    assert server.ranges_seen == [None, "bytes=50000-"]


@pytest.mark.parametrize("garbage", [b"garbage", b"x" * len(CONTENT), b"x" * (len(CONTENT) + 7)])
def test_garbage_left_as_part_is_thrown_away(entry: Entry, tmp_path: Path, garbage: bytes):
    part_of(tmp_path).write_bytes(garbage)
    assert fetch(entry, tmp_path).read_bytes() == CONTENT


def test_a_wrong_file_is_removed_and_both_digests_named(entry: Entry, tmp_path: Path, server: Behaviour):
    server.content = bytes(reversed(CONTENT))
    with pytest.raises(WeightsError) as caught:
        fetch(entry, tmp_path)
    assert entry.sha256 in str(caught.value)
    assert hashlib.sha256(server.content).hexdigest() in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.pth.lock"]


def test_a_file_too_long_is_refused_without_reading_all_of_it(entry: Entry, tmp_path: Path, server: Behaviour):
    server.sends_length = False
    server.content = CONTENT * 50
    reported = []
    with pytest.raises(WeightsError, match="sha256"):
        fetch(entry, tmp_path, lambda done, total: reported.append(done))
    assert max(reported) == len(CONTENT)
    assert len(reported) == len(CONTENT) // transfer.CHUNK_BYTES + 1


@pytest.mark.parametrize("leftover", [0, 60_000])
def test_a_file_cut_short_on_the_server_is_refused(entry: Entry, tmp_path: Path, server: Behaviour, leftover: int):
    part_of(tmp_path).write_bytes(CONTENT[:leftover])
    server.content = CONTENT[:50_000]
    with pytest.raises(WeightsError, match=r"the server offers 50,000 bytes, not 100,000"):
        fetch(entry, tmp_path)
    assert not (tmp_path / "tiny.pth").exists()


def test_a_login_page_does_not_cost_what_is_already_here(entry: Entry, tmp_path: Path, server: Behaviour):
    part_of(tmp_path).write_bytes(CONTENT[:60_000])
    server.content, server.knows_ranges = b"<html>please log in</html>", False
    with pytest.raises(WeightsError, match="the server offers 26 bytes"):
        fetch(entry, tmp_path)
    server.content, server.knows_ranges = CONTENT, True
    fetch(entry, tmp_path)
    assert server.ranges_seen[-1] == "bytes=60000-"


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (503, transfer.ATTEMPTS)])
def test_an_error_status_is_named(entry: Entry, tmp_path: Path, server: Behaviour, status: int, requests: int):
    server.status = status
    with pytest.raises(WeightsError, match=f"the server answered {status}"):
        fetch(entry, tmp_path)
    assert len(server.ranges_seen) == requests


def test_without_a_network_the_error_says_which_file_to_put_where(tmp_path: Path, entry: Entry):
    unreachable = replace(entry, url="http://127.0.0.1:1/tiny.pth")
    with pytest.raises(WeightsError) as caught:
        fetch(unreachable, tmp_path)
    message = str(caught.value)
    assert unreachable.url in message
    assert str(tmp_path / "tiny.pth") in message
    assert "\n" not in message


def test_progress_never_goes_back_and_reaches_the_total(entry: Entry, tmp_path: Path, server: Behaviour):
    server.knows_ranges = False
    server.cuts = [30_000, 20_000, 70_000]
    reports = []
    fetch(entry, tmp_path, lambda done, total: reports.append((done, total)))
    done = [report[0] for report in reports]
    assert done == sorted(set(done))
    assert reports[-1] == (len(CONTENT), len(CONTENT))


def test_a_folder_that_cannot_be_made_names_the_variable(entry: Entry, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WeightsError, match=r"cannot write .*Not a directory.*IMPASTO_CACHE"):
        fetch(entry, tmp_path / "file" / "impasto")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Give up root's rights for a while: permissions do not stop root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such permission there")
def test_a_read_only_folder_names_the_variable(entry: Entry, tmp_path: Path):
    tmp_path.chmod(0o500)
    try:
        with (
            as_nobody(),
            pytest.raises(WeightsError, match=r"cannot write .*Permission denied.*IMPASTO_CACHE"),
        ):
            fetch(entry, tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_a_full_disk_is_noticed_before_the_first_byte(
    entry: Entry, tmp_path: Path, server: Behaviour, monkeypatch: pytest.MonkeyPatch
):
    usage = shutil.disk_usage(tmp_path)._replace(free=len(CONTENT) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(WeightsError, match=r"tiny needs .* MB free"):
        fetch(entry, tmp_path)
    assert server.ranges_seen == []
    part_of(tmp_path).write_bytes(CONTENT[:1])
    fetch(entry, tmp_path)


def test_two_processes_fetch_once(entry: Entry, tmp_path: Path, server: Behaviour):
    server.pause = 0.02
    program = (
        "import sys; from pathlib import Path; from impasto.weights.store import Entry, fetch\n"
        f"print(fetch({entry!r}, Path(sys.argv[1])))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    answers = [(process.communicate()[0].strip(), process.returncode) for process in processes]
    assert answers == [(str(tmp_path / "tiny.pth"), 0)] * 2
    assert (tmp_path / "tiny.pth").read_bytes() == CONTENT
    assert server.ranges_seen == [None]


@pytest.fixture
def cached(entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))
    monkeypatch.setattr(store, "catalog", lambda: {"tiny": entry})
    return tmp_path / "tiny.pth"


def test_find_fetches_once(cached: Path, server: Behaviour):
    assert store.find("tiny") == store.find("tiny") == cached
    assert len(server.ranges_seen) == 1


def test_find_replaces_a_file_that_is_too_short(cached: Path):
    cached.write_bytes(CONTENT[:1000])
    assert store.find("tiny").read_bytes() == CONTENT


def test_verify_tells_whole_damaged_and_missing_apart(cached: Path):
    with pytest.raises(WeightsError, match="run: impasto weights fetch tiny"):
        store.verify("tiny")
    store.find("tiny")
    assert store.verify("tiny") == cached
    cached.write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(WeightsError, match="is damaged: its sha256 is") as caught:
        store.verify("tiny")
    assert hashlib.sha256(CONTENT).hexdigest() in str(caught.value)
    assert cached.exists()


def test_an_unknown_name_lists_the_names():
    with pytest.raises(WeightsError, match=r"'vgg99'.*vgg16, vgg16-hed, efficientnet-lite0, vgg16-imagenet"):
        store.find("vgg99")


def test_a_damaged_bundled_file_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    entry = store.entry_named("efficientnet-lite0")
    bundled = tmp_path / "bundled" / entry.file
    bundled.parent.mkdir()
    whole = entry.path.read_bytes()
    monkeypatch.setattr(store, "HERE", tmp_path)
    bundled.write_bytes(whole[:-1])
    with pytest.raises(WeightsError, match=r"bundled file .* is damaged: .*reinstall impasto"):
        store.find("efficientnet-lite0")
    bundled.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(WeightsError, match=r"is damaged: its sha256 .*reinstall impasto"):
        store.verify("efficientnet-lite0")


def test_every_entry_is_complete_and_every_bundled_file_is_the_catalogues():
    for name, entry in store.catalog().items():
        assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
        assert all((entry.what, entry.licence, entry.source, entry.made_by))
        if entry.file:
            assert store.verify(name).stat().st_size == entry.bytes < 40e6
        else:
            # torchvision names its files by the first digits of their digest
            assert entry.url.startswith("https://")
            assert entry.sha256[:8] in entry.file_name


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"IMPASTO_CACHE": "/big/disk", "XDG_CACHE_HOME": "/xdg"}, "/big/disk"),
        ("linux", {"XDG_CACHE_HOME": "/xdg"}, "/xdg/impasto"),
        ("linux", {}, "/home/ann/.cache/impasto"),
        ("linux", {"IMPASTO_CACHE": "~/weights"}, "/home/ann/weights"),
        ("darwin", {"XDG_CACHE_HOME": "/xdg"}, "/home/ann/Library/Caches/impasto"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/impasto"),
        ("win32", {}, "/home/ann/AppData/Local/impasto"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the paths are written the other way there")
def test_cache_folder(platform: str, variables: dict, expected: str, monkeypatch: pytest.MonkeyPatch):
    for name in ("IMPASTO_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"HOME": "/home/ann"} | variables).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert store.cache_folder() == Path(expected)
