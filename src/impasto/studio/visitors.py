"""What each visitor of the studio has: a folder that nobody else is served from, and a job."""

import shutil
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from impasto.errors import InputError, one_line
from impasto.image.io import Image, read_image
from impasto.studio.jobs import Job, Line

KEEP_SECONDS = 6 * 3600
"""How long pictures are kept for a page from which nothing more is heard."""
MOST_NAME, MOST_SUFFIX = 100, 16
"""Most characters that are kept of a file's name, and of its ending."""


@dataclass(frozen=True)
class Upload:
    """A picture that a visitor gave.

    Attributes:
        path: Where it lies, in the visitor's folder.
        name: What the visitor called it.
        shown: What is shown of it, as a URL that holds it.
    """

    path: Path
    name: str
    shown: str = ""

    def read(self) -> Image:
        """Read it.

        Raises:
            InputError: If it is no picture, or damaged or too large.
        """
        try:
            return replace(read_image(self.path), name=self.name)
        except InputError as error:
            raise InputError(str(error).replace(one_line(str(self.path)), self.name)) from None


@dataclass
class Visitor:
    """One page that is open.

    Attributes:
        folder: Where its pictures lie.
        pictures: What it gave, by what it serves as.
        several: Pictures of which it gave several, likewise.
        models: Model files it gave, by name.
        own: Paintings of its own, by card.
        cards: The cards of those.
        jobs: What is being painted for it, by tab.
        seen: When it last asked for something, in seconds.
    """

    folder: Path
    pictures: dict[str, Upload] = field(default_factory=dict)
    several: dict[str, list[Upload]] = field(default_factory=dict)
    models: dict[str, Path] = field(default_factory=dict)
    own: dict[str, Upload] = field(default_factory=dict)
    cards: list[dict[str, str]] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    seen: float = field(default_factory=time.monotonic)
    _count: int = 0

    def keep(self, path: str, name: str) -> tuple[Upload, Image]:
        """Copy an uploaded picture into the visitor's folder, under a name of ours, and read it.

        Args:
            path: Where it was uploaded to.
            name: What the visitor called it.

        Raises:
            InputError: If it is no picture, or damaged or too large; it is not kept then.
        """
        upload = Upload(self.fresh("upload"), plain_name(name))
        shutil.copyfile(path, upload.path)
        try:
            return upload, upload.read()
        except InputError:
            upload.path.unlink()
            raise

    def fresh(self, name: str) -> Path:
        """Return where a new file may be written, called as asked in a folder of its own."""
        self._count += 1
        folder = self.folder / str(self._count)
        folder.mkdir(mode=0o700)
        return folder / plain_name(name)


def plain_name(name: str) -> str:
    """Return the last part of a file's name, however it was spelt, on one line."""
    last = one_line(name.replace("\\", "/").rpartition("/")[2]).lstrip(".")
    stem, dot, suffix = last.rpartition(".")
    return (f"{stem[:MOST_NAME]}.{suffix[:MOST_SUFFIX]}" if dot else last[:MOST_NAME]) or "picture"


class Visitors:
    """All pages that are open, and the line they share.

    Args:
        folder: Private and empty.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.line = folder, Line()
        self._known: dict[str, Visitor] = {}
        self._lock = threading.Lock()

    def of(self, session: str | None) -> Visitor:
        """Return the visitor of a session; a new one has an empty folder."""
        key, now = session or "", time.monotonic()
        with self._lock:
            gone = [each for each, visitor in self._known.items() if now - visitor.seen > KEEP_SECONDS]
        for each in gone:
            self.forget(each)
        with self._lock:
            if key not in self._known:
                self._known[key] = Visitor(Path(tempfile.mkdtemp(prefix="visitor-", dir=self.folder)))
            self._known[key].seen = now
            return self._known[key]

    def forget(self, session: str | None) -> None:
        """Stop what is painted for a page that was closed, and take its pictures away."""
        with self._lock:
            visitor = self._known.pop(session or "", None)
        if visitor is not None:
            for job in visitor.jobs.values():
                self.line.leave(job)
            shutil.rmtree(visitor.folder, ignore_errors=True)

    def close(self) -> None:
        """Stop everything that is painted."""
        self.line.close()
