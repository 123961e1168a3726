"""What `impasto translate` does once torch is needed."""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from impasto.cli.console import print_json, say
from impasto.cli.folder_following import follow
from impasto.cli.options import Json, Output, Settings, given, parse
from impasto.cli.output import Job, check_target, make_folder, plan, plan_folder, read_stdin, write_result
from impasto.cli.progress import folder_bar
from impasto.cli.words import STDIN
from impasto.errors import ImpastoError, SettingError, WeightsError, check_whole, one_line
from impasto.image.clips import VideoSettings, check_libraries, is_video
from impasto.nn.compute import reused_memory
from impasto.result import duration
from impasto.verbs.folder import Engine, translate_folder
from impasto.verbs.translate import TranslateSettings, load_translator, model_name, translate

COMMAND = "impasto translate"
DESCRIPTION = (
    "Turn pictures into others with a trained network. One picture becomes SOURCE-MODEL.png "
    "in the current folder unless -o says where; those of a folder go to FOLDER-MODEL. No source is ever replaced."
)
MOST_SAMPLES = 1000


@dataclass(frozen=True)
class TranslateOptions:
    """Everything `impasto translate` can be told."""

    model: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL", help_behavior_hint="(needed)")] = ""
    """The network: the model.safetensors of a run, or the run's folder."""
    source: Annotated[
        tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE …", help_behavior_hint="(needed)")
    ] = ()
    """What to translate: pictures, folders (every picture that lies in them), - for stdin, or one video."""
    output: Output = None
    """The picture, .png .jpg .webp .tif (of a video .mp4 .mkv .webm), replacing what was there; a folder for
    several; - is stdout."""
    instances: Annotated[str | None, tyro.conf.arg(metavar="MAP", help_behavior_hint="")] = None
    """Which object each pixel of a label map belongs to, for one SOURCE; by default each area of a class is one."""
    style: Annotated[str | None, tyro.conf.arg(aliases=["-s"], metavar="PICTURE", help_behavior_hint="")] = None
    """A picture to paint label maps like, for a network that was trained to know looks."""
    samples: int = 1
    """How many different pictures to make of each, with seeds from --seed on; each has its number in its name."""
    nested: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Translate what lies in folders within a folder as well, into folders of the same names."""
    engine: Engine = "local"
    """Who translates a folder: this process, or workers of Ray (impasto[ray]), here or on a cluster."""
    workers: int | None = None
    """Most processes that --engine ray translates with; by default as many as there is room for."""
    json: Json = False
    """Print one JSON object on standard output."""
    settings: Annotated[TranslateSettings, Settings] = field(default_factory=TranslateSettings)
    video: Annotated[VideoSettings, Settings] = field(default_factory=VideoSettings)


def main(words: list[str]) -> int:
    """Run the command; see `impasto.cli.translate`."""
    options = parse(TranslateOptions, words, command=COMMAND, description=DESCRIPTION)
    given(options.model, "MODEL; name the model.safetensors of a run", COMMAND)
    given(options.source, "SOURCE; name a picture after the model", COMMAND)
    check_whole("samples", options.samples, 1, MOST_SAMPLES)
    model = model_file(options.model)
    load_translator(model, options.settings)
    if len(options.source) == 1 and Path(options.source[0]).is_dir():
        return _translate_folder(model, options)
    if any(is_video(Path(path)) for path in options.source if path != STDIN):
        return _translate_video(model, options)
    if options.nested or options.engine != "local":
        raise SettingError("--nested and --engine ray are for one folder; give that, or leave them out")
    jobs = plan(options.source, [model_name(model, options.settings.to)], options.output)
    if options.instances is not None and len(jobs) > 1:
        raise SettingError(f"--instances is of one map, but there are {len(jobs)} sources; give one")
    began, told, failures = time.perf_counter(), list[dict[str, Any]](), list[dict[str, str]]()
    single = len(options.source) == 1
    if not single:
        make_folder(Path(jobs[0].target).parent)
    with folder_bar(one_line(model_name(model))) as show, reused_memory():
        for number, job in enumerate(jobs, 1):
            try:
                told += _translate(job, model, options)
            except WeightsError:
                raise
            except ImpastoError as error:
                if single:
                    raise
                failures.append({"source": job.content, "error": str(error)})
                say(f"impasto: {error}")
            show(number, len(jobs))
    if options.json:
        both = {"pictures": told, "failures": failures}
        print_json((told[0] if len(told) == 1 and single else both) | {"seconds": _seconds(began)})
    if failures:
        raise ImpastoError(f"{len(failures)} of {len(jobs)} pictures could not be translated; they are named above")
    return 0


def _translate_folder(model: Path, options: TranslateOptions) -> int:
    """Translate a folder of any size."""
    if options.instances is not None:
        raise SettingError("--instances is of one map, but a folder is to be translated; give one map")
    (folder,) = options.source
    output = plan_folder(folder, [model_name(model, options.settings.to)], options.output)
    outcomes = translate_folder(
        model,
        folder,
        output,
        style=options.style,
        samples=options.samples,
        settings=options.settings,
        nested=options.nested,
        engine=options.engine,
        workers=options.workers,
    )
    return follow(outcomes, output, as_json=options.json)


def _translate_video(model: Path, options: TranslateOptions) -> int:
    """Translate the one video among the sources."""
    if len(options.source) > 1:
        raise SettingError(f"there are {len(options.source)} sources; a video is translated alone, one a command")
    if options.instances is not None or options.style is not None or options.samples > 1:
        raise SettingError("--instances, --style and --samples are for pictures, not for a video; leave them out")
    check_libraries()
    from impasto.cli.video_run import run_video, video_target
    from impasto.verbs.video import VideoRun
    from impasto.verbs.video_translator import TranslatedLook

    (source,) = options.source
    target = video_target(source, [model_name(model, options.settings.to)], options.output)
    look = TranslatedLook(model, options.settings, options.video)
    return run_video(VideoRun(Path(source), target, look), as_json=options.json)


def _translate(job: Job, model: Path, options: TranslateOptions) -> list[dict[str, Any]]:
    """Translate one picture, as often as asked; return what `--json` tells of each."""
    if options.samples > 1 and job.target == STDIN:
        raise SettingError(f"--samples is {options.samples}, but standard output takes one picture; give -o FILE")
    targets = [_numbered(job.target, number, options.samples) for number in range(options.samples)]
    for target in targets:
        inputs = [job.content, str(model), *filter(None, (options.instances, options.style))]
        check_target(target, inputs, as_json=options.json)
    # a file stays one, since a label map is read otherwise than a picture
    source = read_stdin() if job.content == STDIN else job.content
    told = []
    for number, target in enumerate(targets):
        settings = replace(options.settings, seed=options.settings.seed + number)
        result = translate(model, source, instances=options.instances, style=options.style, settings=settings)
        write_result(result.image, target)
        image, name = result.image, "standard output" if target == STDIN else one_line(target)
        say(f"{name}: {image.width}×{image.height}, {duration(result.seconds)}")
        told.append(
            {"output": target, "size": [image.width, image.height], "recipe": dict(result.recipe)}
            | {"seconds": round(result.seconds, 3)}
        )
    return told


def model_file(name: str) -> Path:
    """Return the model file; of a run's folder the one in it."""
    path = Path(name)
    return path / "model.safetensors" if path.is_dir() else path


def _numbered(target: str, number: int, of: int) -> str:
    if of == 1:
        return target
    path = Path(target)
    return str(path.with_name(f"{path.stem}-{number + 1:0{len(str(of))}}{path.suffix}"))


def _seconds(began: float) -> float:
    return round(time.perf_counter() - began, 3)
