"""What `impasto stylize` and its sisters refuse: one line, nothing on standard output, nothing painted."""

import sys
from pathlib import Path

import pytest

CAT, STYLE = "cat.png", ("--style", "wave.png")

BAD: list[tuple[str, tuple[str, ...], str]] = [
    ("unknown flag", (CAT, *STYLE, "--sise", "64"), "there is no --sise; did you mean --size"),
    ("flag of nothing like it", (CAT, *STYLE, "--qqq"), "there is no --qqq; all flags: impasto stylize --help"),
    ("wrong choice", (CAT, *STYLE, "--pooling", "median"), "--pooling is 'median'; choose one of max, average"),
    ("not a number", (CAT, *STYLE, "--size", "big"), "--size is 'big'; allowed are whole numbers"),
    ("not whole", (CAT, *STYLE, "--seed", "1.5"), "--seed is '1.5'; allowed are whole numbers"),
    ("not numbers", (CAT, *STYLE, "--style-blend", "1", "x"), "--style-blend is '1 x'; allowed are numbers"),
    ("no value", (CAT, *STYLE, "--size"), "--size has no value"),
    ("negative size", (CAT, *STYLE, "--size", "-5"), "size is -5; allowed are whole numbers from 16"),
    ("wrong layer", (CAT, *STYLE, "--style-layers", "relu9_9"), "style_layers is 'relu9_9'; choose one of relu1_1"),
    ("not a weight", (CAT, *STYLE, "--content-weight", "nan"), "content_weight is nan; allowed are values from 0"),
    ("unknown method", (CAT, *STYLE, "--method", "magic"), "method is 'magic'; choose one of gatys"),
    ("no style", (CAT,), "there is no --style to paint after; see impasto stylize --help"),
    ("no content", STYLE, "there is no picture to paint"),
    ("content after styles", (*STYLE, CAT), "there is no picture to paint; write it before --style"),
    ("one word too many", (CAT, *STYLE, "--size", "32", "late.png"), "'late.png' is one word too many"),
    ("unknown suffix", (CAT, *STYLE, "-o", "out.psd"), "out.psd: its name must end in .png"),
    ("no suffix", (CAT, *STYLE, "-o", "out"), "out: its name must end in .png"),
    ("missing folder", (CAT, *STYLE, "-o", "no/out.png"), "the folder no does not exist"),
    ("output is the content", (CAT, *STYLE, "-o", CAT), "is one of the pictures painted from"),
    ("output is a link to the style", (CAT, *STYLE, "-o", "link.png"), "is one of the pictures painted from"),
    ("preview is the content", (CAT, *STYLE, "--preview", CAT), "is one of the pictures painted from"),
    ("preview without folder", (CAT, *STYLE, "--preview", "no/p.png"), "the folder no does not exist"),
    ("too many masks", (CAT, *STYLE, "--masks", CAT, CAT), "there are 2 masks for 1 styles"),
    ("black mask", (CAT, *STYLE, "--masks", "black.png"), "black.png is black everywhere"),
    ("too many blend weights", (CAT, *STYLE, "--style-blend", "1", "2"), "style_blend has 2 values for 1 styles"),
    ("no such start", (CAT, *STYLE, "--init", "nope.png"), "nope.png does not exist"),
    ("damaged style", (CAT, "--style", "cut.png"), "cut.png is damaged"),
    ("json and picture", (CAT, *STYLE, "--json", "-o", "-"), "cannot both go to standard output"),
    ("one file for two", (CAT, "poppies.png", *STYLE, "-o", "new.png"), "names one picture, but 2"),
    ("a file as folder", (CAT, "poppies.png", *STYLE, "-o", "text.txt"), "text.txt is a file"),
    ("stdin among others", (CAT, "-", *STYLE), "- stands for one picture, but there are 2"),
    ("empty folder", ("nothing", *STYLE), "nothing holds no picture"),
    ("picture too small", (CAT, *STYLE, "--size", "16"), "needs at least 16"),
]


@pytest.mark.parametrize(("words", "wanted"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_stylize_refuses(words: tuple[str, ...], wanted: str, folder: Path, refused):
    from PIL import Image

    Path("link.png").symlink_to("wave.png")
    Path("text.txt").write_text("keep me")
    Path("nothing").mkdir()
    Path("cut.png").write_bytes(Path("wave.png").read_bytes()[:1500])
    Image.new("L", (8, 8)).save("black.png")
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert wanted in refused("stylize", *words)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.skipif(sys.platform == "win32", reason="permissions")
def test_a_folder_that_may_not_be_written(folder: Path, refused):
    import os

    closed = folder / "closed"
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):
        pytest.skip("this user may write everywhere")
    assert "you may not write there" in refused("stylize", CAT, *STYLE, "-o", "closed/out.png")
    assert "cannot make the folder" in refused("stylize", CAT, CAT, *STYLE, "-o", "closed/new")


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("sheet", CAT), "there is no --style"),
        (("sheet", CAT, *STYLE, "--size", "64", "--sizes", "32"), "--size and --sizes"),
        (("sheet", CAT, *STYLE, "--strengths", "-1"), "strength is -1.0; allowed are values from 0"),
        (("sheet", CAT, *STYLE, "--strengths"), "at least one style and one strength"),
        (("sheet", CAT, *STYLE, "--sizes", "8"), "size is 8; allowed are whole numbers from 16"),
        (("sheet", CAT, *STYLE, "-o", "x.gif"), "must end in .png"),
        (("layers",), "there is no experiment; choose one of content, style"),
        (("layers", "both", CAT), "the experiment is 'both'; choose one of content, style"),
        (("layers", "style"), "there is no picture to look at"),
        (("layers", "style", CAT, "--layers", "relu1"), "layer is 'relu1'; choose one of relu1_1"),
        (("layers", "style", CAT, "--steps", "0"), "steps is 0"),
        (("reproduce",), "there is no picture to paint again"),
        (("reproduce", CAT), "cat.png has no recipe"),
        (("demo", "-o", "out.xyz"), "must end in .png"),
        (("demo", "--size", "-1"), "size is -1"),
        (("methods", "gatsy"), "the method is 'gatsy'; choose one of gatys"),
        (("methods", "gatys", "--poling", "max"), "did you mean --pooling"),
        (("weights", "fetch"), "there is no name; choose one of vgg16,"),
        (("weights", "fetch", "vgg99"), "no weights named 'vgg99'"),
        (("weights", "list", "--jsn"), "did you mean --json"),
    ],
)
def test_others_refuse(words: tuple[str, ...], wanted: str, refused):
    assert wanted in refused(*words)
