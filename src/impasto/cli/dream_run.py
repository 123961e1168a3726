"""What `impasto dream` does once torch is needed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from impasto.cli.console import print_json
from impasto.cli.options import Contents, Json, Output, Settings, given, parse
from impasto.cli.output import Job, check_target, plan, preview_path, read_stdin
from impasto.cli.painting import Errand, fetch_network, paint, paint_many
from impasto.cli.words import STDIN
from impasto.errors import SettingError, one_line
from impasto.image import Image, read_image
from impasto.image.clips import WRITABLE, VideoSettings, ZoomSettings, check_libraries, is_video
from impasto.image.regions import mask_of
from impasto.methods import deepdream
from impasto.methods.deepdream import DeepDreamSettings
from impasto.nn.backbones import backbone_dtype
from impasto.nn.compute import choose_device
from impasto.verbs.tasks import DreamTask

COMMAND = "impasto dream"
DESCRIPTION = (
    "Paint into pictures what a network sees in them. One picture becomes CONTENT-dream.png in the "
    "current folder unless -o says where; a folder's go into FOLDER-dream. With --zoom, --rotate, --frames or an "
    "OUT that is a video, a picture becomes a film into the dream. No picture dreamt on is ever replaced. Ctrl-C "
    "keeps what there is."
)
DREAM = "dream"
"""What dreams are called after their photo."""


@dataclass(frozen=True)
class DreamOptions:
    """Everything `impasto dream` can be told."""

    content: Contents = ()
    """What to dream on: pictures, folders (every picture that lies in them), - for standard input, or one video."""
    output: Output = None
    """The dream: .png .jpg .webp .tif (of a film or video .mp4 .mkv .webm), replacing what was there; a folder for
    several; - is stdout."""
    guide: Annotated[str | None, tyro.conf.arg(metavar="PICTURE", help_behavior_hint="")] = None
    """A picture whose features are dreamt of."""
    mask: Annotated[str | None, tyro.conf.arg(metavar="PICTURE", help_behavior_hint="")] = None
    """White where to dream; where it is black, every pixel stays."""
    grey: bool = True
    """Whether a grey photo stays grey."""
    preview: Annotated[str | None, tyro.conf.arg(metavar="[PATH]", help_behavior_hint="")] = None
    """Show the picture as it stands in a file; without PATH beside OUT as .preview.png, removed at the end."""
    json: Json = False
    """Print one JSON object on standard output."""
    settings: Annotated[DeepDreamSettings, Settings] = field(default_factory=DeepDreamSettings)
    film: Annotated[ZoomSettings, Settings] = field(default_factory=ZoomSettings)
    video: Annotated[VideoSettings, Settings] = field(default_factory=VideoSettings)

    @property
    def is_film(self) -> bool:
        """Whether a film into the dream is asked for."""
        to_video = self.output is not None and self.output.lower().endswith(WRITABLE)
        return self.film != ZoomSettings() or to_video


def main(words: list[str]) -> int:
    """Run the command; see `impasto.cli.dream`."""
    options = parse(DreamOptions, words, command=COMMAND, description=DESCRIPTION)
    given(options.content, "picture to dream on", COMMAND)
    dreaming = _Dreaming(options)
    if any(is_video(Path(path)) for path in options.content if path != STDIN):
        return _dream_on_video(options, dreaming)
    if options.is_film:
        return _dream_film(options, dreaming)
    jobs = plan(options.content, [DREAM], options.output)
    if len(options.content) > 1 or Path(options.content[0]).is_dir():
        return paint_many(jobs, dreaming.errand, as_json=options.json)
    dreamt = paint(dreaming.errand(jobs[0]))
    if options.json:
        print_json(dreamt.as_dict())
    if dreamt.stop:
        raise dreamt.stop
    return 0


class _Dreaming:
    """What all pictures of a run share, read and checked once."""

    def __init__(self, options: DreamOptions) -> None:
        self.options, settings = options, options.settings
        backbone_dtype(settings.backbone, settings.precision, choose_device(settings.device))
        if options.guide is not None and settings.dream_of:
            raise SettingError("--guide and --dream-of are both given; choose what to dream of")
        self.guide, self.mask = (
            None if path is None else read_image(path) for path in (options.guide, options.mask)
        )
        if self.mask is not None:
            mask_of(self.mask)

    @property
    def inputs(self) -> list[str]:
        """Paths of what is dreamt from, which must stay."""
        return [*self.options.content, *(path for path in (self.options.guide, self.options.mask) if path)]

    def errand(self, job: Job, label: str = "") -> Errand:
        """Read the content once its files are known to be good; the rest is here."""
        check_target(job.target, [*self.inputs, job.content], as_json=self.options.json)
        preview = preview_path(self.options.preview, job)
        if preview is not None:
            check_target(str(preview), [*self.inputs, job.content])
        fetch_network(self.options.settings)
        photo = read_stdin() if job.content == STDIN else read_image(job.content)
        return Errand(
            DreamTask(photo, self.options.settings, self.guide, self.mask, self.options.grey),
            job.target,
            label or one_line(photo.name),
            preview,
            keep_preview=bool(self.options.preview),
            remark=_remark(photo, self.options.settings),
        )


def _remark(photo: Image, settings: DeepDreamSettings) -> str:
    """Return how a large picture has finer dreams."""
    longest = max(photo.width, photo.height)
    if settings.size is not None or longest <= deepdream.DEFAULT_SIZE:
        return ""
    return f"; dreamt at {deepdream.DEFAULT_SIZE} px and enlarged; --size {longest} dreams of smaller forms"


def _dream_on_video(options: DreamOptions, dreaming: _Dreaming) -> int:
    _check_film(options, "a video is dreamt on alone, one a command")
    if options.film != ZoomSettings():
        raise SettingError("--zoom, --rotate, --frames and --rate make a film of a picture; leave them out")
    from impasto.cli.video_run import run_video, video_target
    from impasto.verbs.video import VideoRun
    from impasto.verbs.video_dream import DreamLook

    fetch_network(options.settings)
    look = DreamLook(options.settings, dreaming.guide, dreaming.mask, options.video)
    source = options.content[0]
    target = video_target(source, [DREAM], options.output)
    return run_video(VideoRun(Path(source), target, look), as_json=options.json)


def _dream_film(options: DreamOptions, dreaming: _Dreaming) -> int:
    _check_film(options, "a film is made of one picture")
    if options.mask is not None:
        raise SettingError("--mask keeps a part of a picture, but in a film everything moves; leave it out")
    (content,) = options.content
    if content != STDIN and Path(content).is_dir():
        raise SettingError("a film is made of one picture, but a folder is given; name a picture in it")
    from impasto.cli.video_run import run_video
    from impasto.verbs.zoom import ZoomRun

    target = Path(options.output or f"{Path(content).stem if content != STDIN else 'stdin'}-{DREAM}{WRITABLE[0]}")
    if target.suffix.lower() not in WRITABLE:
        raise SettingError(f"-o is {options.output}, but a film is made; give a FILE with {', '.join(WRITABLE)}")
    fetch_network(options.settings)
    photo = read_stdin() if content == STDIN else read_image(content)
    return run_video(ZoomRun(photo, target, options.settings, options.film, dreaming.guide), as_json=options.json)


def _check_film(options: DreamOptions, why: str) -> None:
    if len(options.content) > 1:
        raise SettingError(f"there are {len(options.content)} contents; {why}")
    if options.preview is not None:
        raise SettingError("--preview shows pictures; a video's painted part lies in OUT.parts until it is whole")
    check_libraries()
