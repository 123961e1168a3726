"""Receive one file over HTTP, through as many connections as it takes."""

import os
import time
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from impasto._version import __version__

CHUNK_BYTES = 1 << 18
TIMEOUT_SECONDS = 30.0
ATTEMPTS = 4
PAUSE_SECONDS = 0.5

OnProgress = Callable[[int, int], None]
"""Called with the bytes here so far and the bytes of the whole file; never goes backwards."""


class TransferError(Exception):
    """A connection gave less than the file.

    Attributes:
        final: Trying again at once would end the same way.
    """

    def __init__(self, reason: str, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


def receive(url: str, path: Path, total: int, on_progress: OnProgress | None = None) -> None:
    """Fill a file up to its size, going on after the bytes it already has.

    A dropped connection is taken up again where it stopped, as long as each one brings news; a server that
    was never reached is not tried again. What was received stays in the file whatever happens.

    Args:
        url: Where the file is.
        path: The file to fill; it need not exist.
        total: Size of the whole file in bytes.
        on_progress: Called after every piece; an exception raised in it stops the transfer.

    Raises:
        TransferError: Saying why the file could not be received.
        OSError: If the file cannot be written.
    """
    furthest, reached, attempts_left = size(path), False, ATTEMPTS
    while size(path) < total:
        try:
            for done in _pieces(url, path, total):
                reached = True
                if done > furthest:
                    furthest, attempts_left = done, ATTEMPTS
                    if on_progress:
                        on_progress(min(done, total), total)
        except TransferError as error:
            attempts_left -= 1
            if attempts_left == 0 or (error.final and not reached):
                raise
            time.sleep(PAUSE_SECONDS * (ATTEMPTS - attempts_left))


def size(path: Path) -> int:
    """Return the size of a file in bytes, 0 if it cannot be reached."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _pieces(url: str, path: Path, total: int) -> Iterator[int]:
    """Append one connection's worth, yielding the size of the file after every piece.

    No ETag is kept: the caller checks a digest, which a beginning taken from another version cannot pass.
    """
    offset = size(path)
    with _connect(url, offset) as response:
        resumes = response.getheader("Content-Range", "").startswith(f"bytes {offset}-")
        if not resumes and response.length not in (None, total):
            # a login page, say: not worth the bytes that are already here
            raise TransferError(f"the server offers {response.length:,} bytes, not {total:,}", final=True)
        done = offset if resumes else 0
        with path.open("ab" if resumes else "wb") as file:
            while done <= total and (piece := _read(response)):
                file.write(piece)
                done += len(piece)
                yield done
            file.flush()
            os.fsync(file.fileno())
    if done < total:
        raise TransferError(f"the connection ended after {done:,} of {total:,} bytes")


def _connect(url: str, offset: int) -> HTTPResponse:
    headers = {"User-Agent": f"impasto/{__version__}"} | ({"Range": f"bytes={offset}-"} if offset else {})
    request = Request(url, headers=headers)  # noqa: S310 -- urls come from our catalogue, not from users
    try:
        response: HTTPResponse = urlopen(request, timeout=TIMEOUT_SECONDS)  # noqa: S310
        return response
    except HTTPError as error:
        error.close()
        if error.code == 416 and offset:
            # it has no such byte, or no ranges: ask for the whole file, whose length will tell
            return _connect(url, 0)
        passing = error.code in (408, 429) or error.code >= 500
        raise TransferError(f"the server answered {error.code} {error.reason}", not passing) from error
    except URLError as error:
        passing = isinstance(error.reason, TimeoutError)
        raise TransferError(f"no connection ({error.reason})", not passing) from error
    except (OSError, HTTPException) as error:
        raise TransferError(f"no answer ({error or type(error).__name__})") from error


def _read(response: HTTPResponse) -> bytes:
    try:
        return response.read(CHUNK_BYTES)
    except (OSError, HTTPException) as error:
        raise TransferError(f"the connection broke ({error or type(error).__name__})") from error
