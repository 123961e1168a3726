"""Visitors who mean harm, by the studio's own protocol, without a browser."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx

API = "gradio_api"
TIMEOUT = httpx.Timeout(300)


class Stranger:
    """A visitor that talks to the studio directly.

    Args:
        address: Of the studio.
    """

    def __init__(self, address: str) -> None:
        self.http = httpx.Client(base_url=address, timeout=TIMEOUT)
        self.session = secrets.token_hex(6)
        self.config = self.http.get("/config").json()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def upload(self, name: str, data: bytes) -> str:
        """Upload a file and return where the studio put it."""
        answer = self.http.post(f"/{API}/upload", files={"files": (name, data)})
        answer.raise_for_status()
        (path,) = answer.json()
        return str(path)

    def listener(self, event: str, kind: str = "image", index: int = 0) -> int:
        """Return the number of what listens to an event of the first component of a kind."""
        ids = [each["id"] for each in self.config["components"] if each["type"] == kind]
        return next(
            each["id"] for each in self.config["dependencies"] if [ids[index], event] in map(list, each["targets"])
        )

    def send(self, listener: int, data: list[Any]) -> Mapping[str, Any]:
        """Send values to a listener and return its last word."""
        body = {"data": data, "fn_index": listener, "session_hash": self.session, "trigger_id": None}
        self.http.post(f"/{API}/queue/join", json=body).raise_for_status()
        with self.http.stream("GET", f"/{API}/queue/data", params={"session_hash": self.session}) as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    message: Mapping[str, Any] = json.loads(line.removeprefix("data: "))
                    if message["msg"] in ("process_completed", "unexpected_error"):
                        return message
        raise AssertionError("the studio said nothing")

    def give(self, path: str, name: str) -> str:
        """Give the Style tab a photo, and return what is said of it."""
        photo = {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        answer = self.send(self.listener("upload"), [photo])
        if not answer["success"]:
            assert "Traceback" not in str(answer["output"])
            return "refused"
        shown, said = answer["output"]["data"]
        assert (shown is None) == ("alert" in said)
        return str(said)


def memory(process: int) -> float:
    """Return what a process holds, in megabytes."""
    (line,) = [row for row in Path(f"/proc/{process}/status").read_text().splitlines() if row.startswith("VmRSS")]
    return int(line.split()[1]) / 1024
