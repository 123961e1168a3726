"""A video painted for a person: checked first, seen on the way, gone on with after Ctrl-C, reported at the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.cli.console import print_json, say
from impasto.cli.options import given
from impasto.cli.output import plan
from impasto.cli.progress import count_bar
from impasto.cli.words import STDIN
from impasto.errors import SettingError, one_line
from impasto.image import read_image
from impasto.image.clips import WRITABLE
from impasto.nn.compute import reused_memory
from impasto.result import duration
from impasto.verbs.one_pass import load_model
from impasto.verbs.stylize import styles_of
from impasto.verbs.video import FilmRun, Look, PaintedVideo, VideoRun

if TYPE_CHECKING:
    from impasto.cli.stylize_run import OnePassOptions


def paint_video(options: OnePassOptions) -> int:
    """Paint the one video among the options.

    Raises:
        ImpastoError: If something a user can mend is wrong.
        KeyboardInterrupt: If interrupted; what is painted waits for the same command.
    """
    if len(options.content) > 1:
        raise SettingError(f"there are {len(options.content)} contents; a video is painted alone, one a command")
    if options.preview is not None:
        raise SettingError("--preview shows pictures; a video's painted part lies in OUT.parts until it is whole")
    look, source = _look(options), options.content[0]
    names = list(options.style) or [style for style in look.styles if isinstance(style, str)]
    target = video_target(source, names, options.output)
    return run_video(VideoRun(Path(source), target, look), as_json=options.json)


def run_video(run: FilmRun, *, as_json: bool) -> int:
    """Paint a video, seen on the way.

    Args:
        run: What is to be painted, and where to.
        as_json: Whether to print one JSON object.

    Raises:
        ImpastoError: If something a user can mend is wrong.
        KeyboardInterrupt: If interrupted; what is painted waits for the same command.
    """
    painted = _painted(run, one_line(Path(run.clip.name).name))
    if as_json:
        print_json(_as_dict(painted))
    say(_report(painted))
    return 0


def _look(options: OnePassOptions) -> Look:
    model = load_model(options.method, options.settings)
    styles = styles_of(options.style, model)
    given(styles, "--style to paint after", "impasto stylize")  # type: ignore[arg-type]
    masks = [read_image(path) for path in options.masks]
    return Look(options.method, model, styles, masks, options.settings, options.video)


def video_target(source: str, names: Sequence[str], output: str | None) -> Path:
    """Return where a painted video goes: by default into the current folder, as the same kind of file.

    Args:
        source: The video.
        names: What the painted one is called after.
        output: Where it shall go.

    Raises:
        SettingError: If that is standard output.
    """
    if output == STDIN:
        raise SettingError(f"a video cannot go to standard output; give -o FILE with {', '.join(WRITABLE)}")
    target = Path(plan([source], names, output)[0].target)
    if output is not None and not Path(output).is_dir():
        return target
    suffix = Path(source).suffix.lower()
    return target.with_suffix(suffix if suffix in WRITABLE else WRITABLE[0])


def _painted(run: FilmRun, label: str) -> PaintedVideo:
    parts = _shown(run.parts.folder)
    if run.renewed:
        say(f"impasto: {parts} was painted by another recipe; starting anew")
    elif run.resumed:
        say(f"impasto: going on after frame {run.resumed} of {run.clip.frames}, which {parts} has")
    try:
        with count_bar(label, "frame") as show, reused_memory():
            return run.paint(show)
    except KeyboardInterrupt:
        say(f"impasto: interrupted; the same command goes on with what {parts} has")
        raise


def _shown(path: Path) -> str:
    """Write a path as seen from the current folder, if it lies in there."""
    here = Path.cwd()
    return one_line(str(path.relative_to(here) if path.is_relative_to(here) else path))


def _as_dict(painted: PaintedVideo) -> dict[str, Any]:
    return {
        "output": str(painted.path),
        "size": [painted.width, painted.height],
        "frames": painted.frames,
        "resumed": painted.resumed,
        "cuts": painted.cuts,
        **painted.recipe.get("video", {}),
        "flicker": {name: None if each is None else round(each, 3) for name, each in painted.flicker.items()},
        "seconds": round(painted.seconds, 3),
        "recipe": dict(painted.recipe),
    }


def _report(painted: PaintedVideo) -> str:
    """Word what was painted, on one line."""
    size, here = f"{painted.width}×{painted.height}", painted.frames - painted.resumed
    line = f"{one_line(str(painted.path))}: {size}, {painted.frames} frames"
    line += f" ({here} of them now)" if painted.resumed else ""
    line += f", {duration(painted.seconds)}"
    before, after, floor = (painted.flicker[name] for name in ("painted", "smoothed", "photo"))
    if before is None or after is None or floor is None:
        return line
    return f"{line}; flicker {after:.2f} levels, {before:.2f} without smoothing, {floor:.2f} in the video itself"
