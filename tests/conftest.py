"""What all tests share: shapes checked at every call, real pictures small enough to paint, a network that sees."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Self, get_origin

import beartype
import jaxtyping
import numpy as np
import PIL.Image
import pytest
import torch
from torch import Tensor

ROOT = Path(__file__).parents[1]


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check shapes and types at every call, but for what beartype cannot or must not judge.

    Choices are left to the errors that users see, and a method alone does not know its `Self`.
    """
    hints = function.__annotations__
    for name, hint in hints.items():
        if hint is Self or get_origin(hint) is Literal:
            hints[name] = Any
    return beartype.beartype(function)


assert not [name for name in sys.modules if name.startswith("impasto.")], "shapes are checked from the import on"
# The hook takes a string to evaluate; this file's name depends on where pytest was started.
jaxtyping.install_import_hook(
    [
        "impasto.losses",
        "impasto.nn",
        *(f"impasto.image.{room}" for room in ("color", "regions", "resize", "tensors")),
    ],
    f"sys.modules[{__name__!r}].checked",
)


def small(path: Path, height: int, width: int) -> Tensor:
    """Open a picture at a size, `(1, 3, height, width)` in [0, 1], by Pillow alone."""
    with PIL.Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB").resize((width, height), PIL.Image.Resampling.LANCZOS))
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].contiguous() / 255


@pytest.fixture(scope="session")
def photo() -> Tensor:
    """A cup of coffee, 40×48."""
    return small(ROOT / "tests" / "data" / "coffee.jpg", 40, 48)


@pytest.fixture(scope="session")
def painting() -> Tensor:
    """The Starry Night, 36×48."""
    return small(ROOT / "examples" / "paintings" / "starry_night.jpg", 36, 48)


@pytest.fixture(scope="session")
def other_painting() -> Tensor:
    """Poppies, 48×40: another palette."""
    return small(ROOT / "examples" / "paintings" / "poppies.jpg", 48, 40)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Paint with one thread, so that tests running beside each other do not wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def photo_size() -> tuple[int, int]:
    """Width and height of the photo in `folder`."""
    return 64, 48


@pytest.fixture
def folder(tmp_path: Path, photo_size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a photo and two paintings."""
    monkeypatch.chdir(tmp_path)
    for name, source, size in (
        ("cat.png", "photos/cat.jpg", photo_size),
        ("wave.png", "paintings/great_wave.jpg", (48, 36)),
        ("poppies.png", "paintings/poppies.jpg", (40, 48)),
    ):
        with PIL.Image.open(ROOT / "examples" / source) as image:
            image.resize(size).save(tmp_path / name)
    return tmp_path


@pytest.fixture(scope="session")
def vgg() -> Any:
    """VGG-16 in fp32, frozen."""
    from impasto.nn.vgg import VGG

    return VGG.pretrained()


def write_two_styles(path: Path, seed: int = 0) -> str:
    """Write a quick network of two styles, `dawn` and `dusk`, untrained, and return its name."""
    from impasto.methods.multistyle import Multistyle, MultistyleSettings
    from impasto.weights.model import Card, write_model

    torch.manual_seed(seed)
    network = Multistyle(2, base_channels=4, num_blocks=1)
    with torch.no_grad():
        network.rows += 0.5 * torch.randn_like(network.rows)
    card = Card("multistyle", asdict(MultistyleSettings(base_channels=4, num_blocks=1)), styles=("dawn", "dusk"))
    write_model(path, network.state_dict(), card)
    return path.name


@pytest.fixture
def two_styles(folder: Path) -> str:
    """A model file in the current folder; see `write_two_styles`."""
    return write_two_styles(folder / "model.safetensors")


MakeClip = Callable[..., Path]


def moving(index: int, height: int = 48, width: int = 64, shot: int = 0) -> Any:
    """A frame of a soft pattern that moves 2 pixels to the right and 1 down each frame; every shot has its own."""
    pattern = np.random.default_rng(shot).integers(0, 256, (14, 18, 3), np.uint8)
    large = np.asarray(PIL.Image.fromarray(pattern).resize((288, 224), PIL.Image.Resampling.BICUBIC))
    top, left = 80 - index, 120 - 2 * index
    return np.ascontiguousarray(large[top : top + height, left : left + width])


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """Write a real video with a sine in AAC, and return where it lies."""
    import av
    from av.audio.frame import AudioFrame
    from av.video.frame import VideoFrame

    def make(
        name: str = "clip.mp4",
        frames: Any = None,
        pts: Any = None,
        matrix: bytes | None = None,
        sound: bool = True,
        codec: str = "libx264",
    ) -> Path:
        frames = [moving(index) for index in range(20)] if frames is None else frames
        with av.open(str(tmp_path / name), "w") as out:
            video: Any = out.add_stream(codec, rate=25, options={"crf": "10"} if codec == "libx264" else {})
            video.height, video.width = frames[0].shape[:2]
            video.pix_fmt = "yuv420p"
            # with B-frames the writer guesses the length of uneven ones wrongly
            video.codec_context.max_b_frames = 0 if pts else 2
            video.codec_context.time_base = Fraction(1, 12800)
            if matrix is not None:
                video.set_display_matrix(matrix)
            audio: Any = out.add_stream("aac", rate=44100) if sound else None
            for index, pixels in enumerate(frames):
                frame = VideoFrame.from_ndarray(pixels, "rgb24")
                frame.pts, frame.time_base = pts[index] if pts else 512 * index, Fraction(1, 12800)
                out.mux(video.encode(frame))
            out.mux(video.encode(None))
            for start in range(0, 1764 * len(frames), 1024) if sound else ():
                wave = (0.3 * np.sin(0.05 * np.arange(start, start + 1024))).astype(np.float32)
                tone = AudioFrame.from_ndarray(wave[np.newaxis], "fltp", "mono")
                tone.sample_rate, tone.pts = 44100, start
                out.mux(audio.encode(tone))
            if sound:
                out.mux(audio.encode(None))
        return tmp_path / name

    return make


@pytest.fixture
def small_model(tmp_path: Path) -> Path:
    """A multistyle network that nothing has trained, with styles a, b and c."""
    from dataclasses import asdict

    from impasto.methods.multistyle import Multistyle, MultistyleSettings
    from impasto.weights.model import Card, write_model

    torch.manual_seed(0)
    network = Multistyle(3, base_channels=4, num_blocks=1)
    with torch.no_grad():
        network.rows += 0.5 * torch.randn_like(network.rows)
    settings = asdict(MultistyleSettings(base_channels=4, num_blocks=1))
    path = tmp_path / "small.safetensors"
    write_model(path, network.state_dict(), Card("multistyle", settings, ("a", "b", "c")))
    return path
