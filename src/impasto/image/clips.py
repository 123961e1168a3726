"""Videos, as far as they are known without the libraries that open them: which files are some, and settings."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from impasto.errors import ImpastoError, check_range, check_whole

SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts"),
    *(".wmv", ".flv", ".3gp", ".ogv"),
)
"""What videos are called."""

WRITABLE = (".mp4", ".mkv", ".webm")
"""What is written."""

_PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"crx ")
_HEAD_BYTES = 12


@dataclass(frozen=True)
class VideoSettings:
    """What can be chosen for a video beside how its frames are painted."""

    smooth: float = 0.7
    """For a video: how much of each frame is the one before, moved along with the picture; 0 is off."""

    def __post_init__(self) -> None:
        check_range("smooth", self.smooth, 0, 1)


@dataclass(frozen=True)
class ZoomSettings:
    """What can be chosen for a film into a dream."""

    zoom: float = 1.05
    """For a film: how much larger each frame is than the one before; below 1 goes outwards."""
    rotate: float = 0.0
    """For a film: by how many degrees each frame is turned to the left."""
    frames: int = 240
    """For a film: how many frames."""
    rate: int = 25
    """For a film: frames a second."""

    def __post_init__(self) -> None:
        check_range("zoom", self.zoom, 0.5, 2)
        check_range("rotate", self.rotate, -180, 180)
        check_whole("frames", self.frames, 1, 1_000_000)
        check_whole("rate", self.rate, 1, 240)


def is_video(path: Path) -> bool:
    """Tell whether a file is a video, by its name or else by its first bytes; what is not there may be one."""
    if path.suffix.lower() in SUFFIXES:
        return True
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    is_mp4 = head[4:8] == b"ftyp" and head[8:12] not in _PICTURE_BRANDS
    is_avi = head[:4] == b"RIFF" and head[8:12] == b"AVI "
    return is_mp4 or is_avi or head[:4] == b"\x1aE\xdf\xa3"  # Matroska and WebM


def check_libraries() -> None:
    """Raise unless what only videos need is installed.

    Raises:
        ImpastoError: Naming what is missing.
    """
    for module, package in (("av", "PyAV"), ("cv2", "OpenCV")):
        try:
            import_module(module)
        except ImportError:
            raise ImpastoError(
                f"videos need {package}, which is not installed; run pip install 'impasto[video]'"
            ) from None
