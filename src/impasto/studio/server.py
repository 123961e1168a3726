"""The studio served: on this machine alone unless asked otherwise, with nothing from any other."""

import os
import socket
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import gradio as gr
import uvicorn
from fastapi import FastAPI
from gradio import processing_utils

from impasto.errors import InputError
from impasto.image.formats import MAX_FILE_BYTES
from impasto.studio.look import CSS, theme
from impasto.studio.page import page
from impasto.studio.places import Places
from impasto.studio.visitors import Visitors

POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'"
)
"""What the page may load: from the studio alone. Gradio's own code needs what is called unsafe."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Studio:
    """The studio, with a private folder for as long as it is open.

    Args:
        host: Where it listens.
        port: Likewise; 0 takes a free one.
        places: The folders whose data sets, runs and models it uses.
        auth: User and password, if the page asks for them.
    """

    def __init__(self, host: str, port: int, places: Places, auth: tuple[str, str] | None = None) -> None:
        self.host, self.port, self.places, self.auth = host, port, places, auth
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self.folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="impasto-studio-")))
        _fetch_nothing()
        passing = self.folder / "passing"
        os.environ |= {"GRADIO_TEMP_DIR": str(passing)}
        _take_what_was_dropped(passing)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def serve(self, on_ready: Callable[[str], None]) -> None:
        """Serve until interrupted.

        Args:
            on_ready: Called with the address once the page can be opened.

        Raises:
            OSError: If the port is taken.
        """
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = self._open.enter_context(socket.socket(family, socket.SOCK_STREAM))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.host, self.port))
        port = listener.getsockname()[1]
        host = f"[{self.host}]" if ":" in self.host else self.host

        class Server(uvicorn.Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                on_ready(f"http://{host}:{port}/")

        config = uvicorn.Config(self.app(), log_level="error", timeout_graceful_shutdown=2, lifespan="on")
        Server(config).run([listener])

    def app(self) -> Any:
        """Return the whole application."""
        kept = self.folder / "visitors"
        kept.mkdir(mode=0o700)
        visitors = Visitors(kept)
        self._open.callback(visitors.close)
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        gr.mount_gradio_app(
            app,
            page(visitors, self.places),
            path="/",
            auth=self.auth,
            ssr_mode=False,
            footer_links=[],
            show_error=False,
            max_file_size=MAX_FILE_BYTES,
            theme=theme(),
            css=CSS,
            enable_monitoring=False,
        )
        return _Guard(app)


def _take_what_was_dropped(passing: Path) -> None:
    """Have Gradio refuse, in whatever a page sends, a file that was not uploaded.

    Of a page that is mounted in another application, as this one is, it would take any file of the machine.
    """

    def check(path: str | Path, from_page: bool) -> None:
        try:
            known = not from_page or Path(path).resolve().is_relative_to(passing.resolve())
        except (OSError, ValueError):
            known = False
        if not known:
            raise gr.Error("that is no file that was dropped here; drop it again", print_exception=False)

    processing_utils._check_allowed = check


def _fetch_nothing() -> None:
    """Have Gradio refuse addresses where it takes files: the studio fetches nothing on a visitor's behalf."""

    async def refuse(url: str, cache_dir: str) -> str:
        raise InputError("an address is not a picture; save the picture and drop the file")

    def refuse_at_once(url: str, cache_dir: str) -> str:
        raise InputError("an address is not a picture; save the picture and drop the file")

    processing_utils.async_ssrf_protected_download = refuse
    processing_utils.ssrf_protected_download = refuse_at_once
    processing_utils.save_url_to_cache = refuse_at_once
    processing_utils.unsafe_download = refuse_at_once


class _Guard:
    """Refuses what Gradio would fetch from elsewhere on a visitor's behalf, and tells browsers to do likewise."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"].lower()
        if "://" in path or ":/" in path or "/proxy=" in path:
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return

        async def guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = [
                    (b"content-security-policy", POLICY.encode()),
                    (b"referrer-policy", b"no-referrer"),
                    (b"x-content-type-options", b"nosniff"),
                ]
                message = {**message, "headers": [*message.get("headers", []), *headers]}
            await send(message)

        await self.app(scope, receive, guarded)
