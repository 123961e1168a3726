"""Two hundred hostile uploads and paths against a running studio, with a normal visitor in between."""

import struct
import subprocess
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from tests.studio.conftest import Start
from tests.studio.hostility import Stranger, memory

from impasto.image.io import Image, encode_image

SIGNATURES = (
    b"",
    b"a cat",
    b"%PDF-1.7",
    b"PK\3\4",
    b"\x7fELF",
    b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    b"MZ",
)
NAMES = (
    "../../../escape.png",
    "..\\..\\escape.png",
    "/etc/cron.d/escape",
    ".bashrc",
    "con.png",
    "a" * 400,
    "\0.png",
)
PATHS = (
    "/etc/passwd",
    "/proc/self/mem",
    "../../etc/shadow",
    "http://127.0.0.1:1/",
    "file:///etc/passwd",
    "~/.ssh/id",
)


ZEROS = zlib.compress(bytes(50 * 2**20), 9)


def bomb(side: int) -> bytes:
    """Return a PNG that says it has `side` × `side` pixels and unpacks to fifty megabytes of zeros."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", ZEROS) + chunk(b"IEND", b"")


def attacks() -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes of uploads, 160 of them."""
    good = encode_image(Image(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)), "png")
    random = np.random.default_rng(1)
    large = bomb(16000), bomb(60000), bomb(2**31 - 1)
    for number in range(160):
        name = NAMES[number % len(NAMES)] if number % 2 else f"cat {number}.png"
        match number % 8:
            case 0:
                yield name, large[number // 8 % 3]
            case 1:
                yield name, good[: random.integers(1, len(good))]
            case 2:
                yield name, SIGNATURES[number // 8 % len(SIGNATURES)]
            case 3:
                damaged = bytearray(good)
                for place in random.integers(0, len(good), 20):
                    damaged[place] ^= 0xFF
                yield name, bytes(damaged)
            case 4:
                yield name, random.bytes(int(random.integers(1, 100_000)))
            case 5:
                yield name, good
            case 6:
                yield name, b"\x89PNG\r\n\x1a\n" + random.bytes(1000)
            case _:
                yield name, b"GIF89a" + random.bytes(2000)


@pytest.mark.slow
def test_two_hundred_attacks_change_nothing(start: Start, folder: Path) -> None:
    process, address = start(cwd=folder)
    with Stranger(address) as guest:
        besiege(process, address, guest, folder)


def besiege(process: subprocess.Popen[str], address: str, guest: Stranger, folder: Path) -> None:
    cat = (folder / "cat.png").read_bytes()
    listing = sorted(folder.rglob("*")), sorted(Path("/tmp").glob("escape*"))
    assert "64 × 48 pixels" in guest.give(guest.upload("cat.png", cat), "cat.png")
    before = memory(process.pid)

    def attack(job: tuple[int, tuple[str, bytes]]) -> str:
        number, (name, data) = job
        with Stranger(address) as stranger:
            try:
                return stranger.give(stranger.upload(name, data), name)
            except httpx.HTTPStatusError as refusal:
                assert refusal.response.status_code < 500 or number % 2
                return "refused"

    def misname(number: int) -> str:
        path = PATHS[number % len(PATHS)]
        with Stranger(address) as stranger:
            assert stranger.http.get(f"/gradio_api/file={path}").status_code >= 400
            return stranger.give(path, "cat.png")

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(attack, enumerate(attacks())))
        assert "64 × 48 pixels" in guest.give(guest.upload("cat.png", cat), "cat.png")
        refused = list(pool.map(misname, range(40)))
    assert process.poll() is None
    assert set(refused) == {"refused"}
    assert all("64 × 64 pixels" in each or "alert" in each or each == "refused" for each in said)
    assert sum("64 × 64 pixels" in each for each in said) >= 20
    assert not any("Traceback" in each or str(folder) in each for each in said)
    assert "64 × 48 pixels" in guest.give(guest.upload("cat.png", cat), "cat.png")
    assert (sorted(folder.rglob("*")), sorted(Path("/tmp").glob("escape*"))) == listing
    assert memory(process.pid) < before + 300
