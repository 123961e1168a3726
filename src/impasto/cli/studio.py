"""`impasto studio`: the verbs as a page in the browser."""

import ipaddress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from impasto.cli.console import print_json, say
from impasto.cli.options import Json, parse
from impasto.errors import ImpastoError, InputError, SettingError, check_whole, one_line

COMMAND = "impasto studio"
DESCRIPTION = (
    "Paint in the browser: a page on this machine, which fetches nothing from any other. It runs until Ctrl-C; "
    "pictures that were dropped or painted in it are then gone, but for those that were downloaded."
)


@dataclass(frozen=True)
class StudioOptions:
    """Everything `impasto studio` can be told."""

    host: str = "127.0.0.1"
    """Where to listen; other machines reach the page only at another address than this, which needs --auth."""
    port: int = 7860
    """Likewise; 0 takes any that is free."""
    folder: tuple[str, ...] = (".",)
    """Folders whose data sets, runs and models the page may use; new ones are kept in the first. Nothing outside
    them can be read or written by the page."""
    auth: str | None = None
    """USER:PASSWORD that the page asks for."""
    open: bool = False
    """Open the page in the browser."""
    json: Json = False
    """Print one JSON object with the address on standard output."""


def main(words: list[str]) -> int:
    """Run `impasto studio` and return its exit code.

    Raises:
        ImpastoError: If something a user can mend is wrong.
    """
    options = parse(StudioOptions, words, command=COMMAND, description=DESCRIPTION)
    check_whole("port", options.port, 0, 65535)
    auth = _auth(options)
    folders = [_folder(each) for each in options.folder or (".",)]
    if find_spec("gradio") is None:
        raise ImpastoError("the studio needs gradio, which is not installed; run pip install 'impasto[studio]'")
    from impasto.studio.places import Places
    from impasto.studio.server import Studio  # gradio and torch come with it

    def ready(address: str) -> None:
        if options.json:
            print_json({"address": address})
        else:
            print(address, flush=True)
        say("impasto: Ctrl-C ends the studio")
        if options.open:
            import webbrowser

            webbrowser.open(address)

    with Studio(options.host, options.port, Places(folders), auth) as studio:
        try:
            studio.serve(ready)
        except OSError as error:
            where = f"{options.host}:{options.port}"
            raise ImpastoError(f"cannot listen at {where} ({error.strerror}); choose another --port") from None
    return 0


def _folder(name: str) -> Path:
    """Return where a folder really lies.

    Raises:
        InputError: If there is none.
    """
    path = Path(name)
    if not path.is_dir():
        raise InputError(f"there is no folder {one_line(name)}; give one that is there to --folder")
    return path.resolve()


def _auth(options: StudioOptions) -> tuple[str, str] | None:
    """Return user and password.

    Raises:
        SettingError: If they are not both there, or needed and not given.
    """
    if options.auth is None:
        if not _is_loopback(options.host):
            raise SettingError(
                f"--host {options.host} lets other machines in, but there is no password; add --auth USER:PASSWORD"
            )
        return None
    user, _, password = options.auth.partition(":")
    if not user or not password:
        raise SettingError("--auth has no user or no password; write --auth USER:PASSWORD")
    return user, password


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
