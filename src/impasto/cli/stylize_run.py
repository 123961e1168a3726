"""What `impasto stylize` does once torch is needed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from impasto.cli.console import print_json
from impasto.cli.folder_following import follow
from impasto.cli.options import Contents, Json, Masks, Output, Settings, Styles, given, parse
from impasto.cli.output import Job, check_target, plan, plan_folder, preview_path, read_stdin
from impasto.cli.painting import Errand, fetch_network, paint, paint_many
from impasto.cli.words import DEFAULT_METHOD, STDIN, method_in
from impasto.errors import SettingError, one_line
from impasto.image import Image, read_image
from impasto.image.clips import VideoSettings, check_libraries, is_video
from impasto.methods import METHODS, gatys
from impasto.methods.gatys import GatysSettings
from impasto.nn.compute import choose_device
from impasto.nn.one_pass import OnePassSettings
from impasto.verbs.folder import Engine, stylize_folder
from impasto.verbs.one_pass import load_model
from impasto.verbs.stylize import settings_kind, styles_of
from impasto.verbs.tasks import StylizeTask

COMMAND = "impasto stylize"
DESCRIPTION = (
    "Paint pictures after paintings. One picture becomes CONTENT-STYLE.png in the current folder unless -o says "
    "where; a folder's go into FOLDER-STYLE. No picture painted from is ever replaced. Ctrl-C keeps what there is."
)


@dataclass(frozen=True)
class StylizeOptions:
    """Everything `impasto stylize` can be told."""

    content: Contents = ()
    """What to paint: pictures, folders (every picture that lies in them), - for standard input, or one video."""
    style: Styles = ()
    """Paintings to paint after."""
    output: Output = None
    """The painted picture: .png .jpg .webp .tif (of a video .mp4 .mkv .webm), replacing what was there; a folder
    for several; - is stdout."""
    method: str = DEFAULT_METHOD
    """How; see impasto methods. Each has settings of its own."""
    masks: Masks = ()
    """One picture per style, white where the style applies."""
    grey: bool = True
    """Whether a grey photo stays grey."""
    preview: Annotated[str | None, tyro.conf.arg(metavar="[PATH]", help_behavior_hint="")] = None
    """Show the picture as it stands in a file; without PATH beside OUT as .preview.png, removed at the end."""
    json: Json = False
    """Print one JSON object on standard output."""


@dataclass(frozen=True)
class GatysOptions(StylizeOptions):
    """Everything for a method that optimises."""

    settings: Annotated[GatysSettings, Settings] = field(default_factory=GatysSettings)


@dataclass(frozen=True)
class OnePassOptions(StylizeOptions):
    """Everything for a method whose trained network paints in one pass."""

    nested: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Paint what lies in folders within a folder as well, into folders of the same names."""
    engine: Engine = "local"
    """Who paints a folder: this process, or workers of Ray (impasto[ray]), here or on a cluster; the same bytes."""
    workers: int | None = None
    """Most processes that --engine ray paints with; by default as many as there is room for."""
    settings: Annotated[OnePassSettings, Settings] = field(default_factory=OnePassSettings)
    video: Annotated[VideoSettings, Settings] = field(default_factory=VideoSettings)


Options = GatysOptions | OnePassOptions


def main(words: list[str]) -> int:
    """Run the command; see `impasto.cli.stylize`."""
    one_pass = settings_kind(method_in(words)) is OnePassSettings
    kind: type[Options] = OnePassOptions if one_pass else GatysOptions
    options = parse(kind, words, command=COMMAND, description=DESCRIPTION)
    given(options.content, "picture to paint; write it before --style", COMMAND)
    if any(is_video(Path(path)) for path in options.content if path != STDIN):
        return _paint_video(options)
    tasks = _Tasks(options)
    is_folder = len(options.content) == 1 and Path(options.content[0]).is_dir()
    if isinstance(options, OnePassOptions):
        if is_folder:
            return _paint_folder(options, tasks)
        if options.nested or options.engine != "local":
            raise SettingError("--nested and --engine ray are for one folder; give that, or leave them out")
    jobs = plan(options.content, tasks.style_names, options.output)
    if len(options.content) == 1 and not is_folder:
        painted = paint(tasks.errand(jobs[0]))
        if options.json:
            print_json(painted.as_dict())
        if painted.stop:
            raise painted.stop
        return 0
    return paint_many(jobs, tasks.errand, as_json=options.json)


def _paint_video(options: Options) -> int:
    if isinstance(options, GatysOptions):
        raise SettingError(f"{options.method} takes minutes a frame; choose --method {' or '.join(_ONE_PASS)}")
    check_libraries()
    from impasto.cli.video_run import paint_video

    return paint_video(options)


_ONE_PASS = [name for name, row in METHODS.items() if row.one_pass]


class _Tasks:
    """What all pictures of a run share, read and checked once."""

    def __init__(self, options: Options) -> None:
        self.options, settings = options, options.settings
        choose_device(settings.device)
        self.start, self.styles = None, list[Image | str]()
        if isinstance(settings, OnePassSettings):
            self.styles = styles_of(options.style, load_model(options.method, settings))
        if not self.styles:
            given(options.style, "--style to paint after", COMMAND)
            self.styles = [read_image(path) for path in options.style]
        settings.blend_shares(len(self.styles))
        self.masks = [read_image(path) for path in options.masks]
        if self.masks and len(self.masks) != len(self.styles):
            raise SettingError(
                f"there are {len(self.masks)} masks for {len(self.styles)} styles; give one mask per style"
            )
        if isinstance(settings, GatysSettings) and settings.init not in gatys.STARTS:
            self.start = read_image(settings.init)

    @property
    def style_names(self) -> list[str]:
        """What the styles are called in a painted picture's name."""
        return list(self.options.style) or [style for style in self.styles if isinstance(style, str)]

    def check(self, job: Job) -> None:
        """Raise unless the job's files can be written without harm."""
        inputs = [*self.options.content, job.content, *self.options.style, *self.options.masks]
        if self.start is not None and isinstance(self.options.settings, GatysSettings):
            inputs.append(self.options.settings.init)
        check_target(job.target, inputs, as_json=self.options.json)
        if preview := self._preview(job):
            check_target(str(preview), inputs)
        if isinstance(self.options.settings, GatysSettings):
            fetch_network(self.options.settings)

    def errand(self, job: Job, label: str = "") -> Errand:
        """Read the content once its files are known to be good; the rest is here."""
        self.check(job)
        photo = read_stdin() if job.content == STDIN else read_image(job.content)
        settings, method, grey = self.options.settings, self.options.method, self.options.grey
        task = StylizeTask(photo, self.styles, settings, method, self.masks, grey, self.start)
        return Errand(
            task,
            job.target,
            label or one_line(photo.name),
            self._preview(job),
            keep_preview=bool(self.options.preview),
            remark=_remark(photo, settings),
        )

    def _preview(self, job: Job) -> Path | None:
        return preview_path(self.options.preview, job)


def _remark(photo: Image, settings: GatysSettings | OnePassSettings) -> str:
    """Return how a large picture is painted finer."""
    longest = max(photo.width, photo.height)
    if isinstance(settings, OnePassSettings) or settings.size is not None or longest <= gatys.DEFAULT_SIZE:
        return ""
    return f"; painted at {gatys.DEFAULT_SIZE} px and enlarged; --size {longest} paints finer"


def _paint_folder(options: OnePassOptions, tasks: "_Tasks") -> int:
    """Paint a folder of any size."""
    if options.preview is not None:
        raise SettingError("--preview shows one picture as it stands, but a folder is to be painted; leave it out")
    (folder,) = options.content
    output = plan_folder(folder, tasks.style_names, options.output)
    outcomes = stylize_folder(
        folder,
        options.style,
        output,
        method=options.method,
        settings=options.settings,
        masks=options.masks,
        grey=options.grey,
        nested=options.nested,
        engine=options.engine,
        workers=options.workers,
    )
    return follow(outcomes, output, as_json=options.json)
