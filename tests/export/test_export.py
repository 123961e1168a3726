"""Exported networks: they paint what PyTorch paints at any size, say what they are, or are not written."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from impasto.cli import main
from impasto.errors import ImpastoError, InputError, SettingError
from impasto.export import graphs
from impasto.export.parity import LIMIT, SIZES, differences
from impasto.export.runtime import Session
from impasto.image.resize import fit, resize
from impasto.methods.adain import AdainSettings, Decoder, decoder_of
from impasto.methods.johnson import Johnson
from impasto.methods.multistyle import Multistyle
from impasto.methods.prediction import Prediction
from impasto.verbs import export
from impasto.verbs.export import export_model
from impasto.verbs.one_pass import open_model
from impasto.weights.model import Card, write_model

NARROW = {"base_channels": 4, "num_blocks": 1}
MAKERS: dict[str, Callable[[], tuple[torch.nn.Module, dict]]] = {
    "johnson": lambda: (Johnson(4, 1), NARROW),
    "multistyle": lambda: (Multistyle(2, 4, 1), NARROW),
    "prediction": lambda: (Prediction(4, 1, 8), NARROW | {"embedding_size": 8, "style_size": 64}),
    "adain": lambda: (
        lively(decoder_of(AdainSettings(base_channels=4, encoded_colors=True))),
        {"base_channels": 4, "style_size": 64, "encoded_colors": True},
    ),
}
STYLES = {"johnson": ("wave",), "multistyle": ("wave", "poppies")}


def lively(decoder: Decoder) -> Decoder:
    """Keep values as large as they come in, so that pictures are not all of one grey."""
    for convolution in decoder.convolutions:
        torch.nn.init.kaiming_normal_(convolution.weight)
    with torch.no_grad():
        decoder.convolutions[-1].weight.mul_(0.01)
        decoder.convolutions[-1].bias.fill_(0.5)
    return decoder


def written(method: str, folder: Path) -> Path:
    """Write a small untrained model."""
    torch.manual_seed(0)
    module, settings = MAKERS[method]()
    if isinstance(module, Multistyle):
        torch.nn.init.normal_(module.rows, mean=1, std=0.5)
    path = folder / f"{method}.safetensors"
    write_model(path, module.state_dict(), Card(method, settings, STYLES.get(method, ()), licence="CC0-1.0"))
    return path


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> export.Export:
    """A multistyle network, exported once for all tests."""
    folder = tmp_path_factory.mktemp("exported")
    return export_model(written("multistyle", folder), folder / "multistyle.onnx")


SLOW = [pytest.param(method, marks=pytest.mark.slow) for method in ("johnson", "prediction", "adain")]


@pytest.mark.parametrize("method", SLOW)
def test_every_method_paints_as_in_pytorch(method: str, tmp_path: Path):
    done = export_model(written(method, tmp_path), tmp_path / "out.onnx")
    assert [(found["height"], found["width"]) for found in done.parity] == list(SIZES)
    assert max(found["max"] for found in done.parity) < 1e-4
    session, (_, painter) = Session(done.path.read_bytes()), open_model(tmp_path / f"{method}.safetensors")
    for size in ((1, 1), (7, 30), (16, 9)):
        (found,) = differences(session, painter, [size])
        # in a picture of one pixel normalisation divides rounding by rounding, and predicted rows magnify it
        assert found.max < (1e-3 if (method, size) == ("prediction", (1, 1)) else 1e-4)
    inputs = {"johnson": ["content"]}.get(method, ["content", "style", "strength"])
    assert list(done.inputs) == [*inputs, "painted"]


def test_many_styles_paint_as_in_pytorch(exported: export.Export):
    assert exported.styles == ("wave", "poppies")
    assert max(found["max"] for found in exported.parity) < 1e-4
    assert all(0 <= found["mean"] <= found["max"] for found in exported.parity)
    assert exported.bytes == exported.path.stat().st_size


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 50), (8, 8), (65, 34)])
def test_out_comes_the_size_that_went_in(exported: export.Export, height: int, width: int):
    session = Session(exported.path.read_bytes())
    painted = session(content=noise(1, 3, height, width), shares=torch.tensor([0.0, 1.0, 1.0]))
    assert painted.shape == (1, 3, height, width)
    assert painted.min() >= 0 and painted.max() <= 1


def test_the_file_says_what_it_is_and_nothing_of_this_machine(exported: export.Export):
    data = exported.path.read_bytes()
    metadata = Session(data).metadata
    card = json.loads(metadata["impasto-model"])
    assert (card["method"], card["styles"], card["licence"]) == ("multistyle", ["wave", "poppies"], "CC0-1.0")
    assert metadata["method"] == "multistyle" and json.loads(metadata["styles"]) == ["wave", "poppies"]
    assert "RGB in [0, 1]" in metadata["content"] and "photo's own first" in metadata["shares"]
    assert b"site-packages" not in data and b".py" not in data


def test_a_network_that_paints_something_else_is_not_written(tmp_path: Path, exported: export.Export):
    session = Session(exported.path.read_bytes())
    torch.manual_seed(5)
    other = Multistyle(2, 4, 1)
    write_model(
        tmp_path / "other.safetensors", other.state_dict(), Card("multistyle", NARROW, STYLES["multistyle"])
    )
    _, painter = open_model(tmp_path / "other.safetensors")
    found = [each._asdict() for each in differences(session, painter, SIZES[:1])]
    assert found[0]["max"] > LIMIT
    with pytest.raises(ImpastoError, match=r"at 256×256 pixels .* allowed are 0.001; nothing was written"):
        export._check_parity(found)
    with pytest.raises(ImpastoError, match="nothing was written"):
        export._check_parity([found[0] | {"max": float("nan")}])


@pytest.mark.parametrize(("height", "width"), [(40, 60), (300, 130), (33, 200), (1, 5), (64, 64)])
def test_a_painting_is_resized_in_the_graph_as_outside_of_it(height: int, width: int):
    painting = noise(1, 3, height, width)
    rows, columns = (max(16, side) for side in fit(height, width, 64))
    expected = resize(painting, rows, columns)
    torch.testing.assert_close(graphs._fitted(painting, 64, 16), expected, rtol=0, atol=1e-5)


def test_what_cannot_be_exported_is_refused_before_work_is_done(tmp_path: Path):
    model = written("johnson", tmp_path)
    with pytest.raises(SettingError, match=r"must end in \.onnx"):
        export_model(model, tmp_path / "out.pt")
    with pytest.raises(InputError, match="no folder"):
        export_model(model, tmp_path / "nowhere" / "out.onnx")
    with pytest.raises(InputError, match="no model"):
        export_model(tmp_path / "none.safetensors", tmp_path / "out.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["johnson.safetensors"]


def test_without_the_libraries_one_line_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("impasto.export.installed.find_spec", lambda library: None)
    with pytest.raises(ImpastoError, match=r"ONNX needs onnx, .* pip install 'impasto\[export\]'"):
        export_model(written("johnson", tmp_path), tmp_path / "out.onnx")


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    model, out = written("johnson", tmp_path), tmp_path / "out.onnx"
    assert main(["export", str(model), str(out), "--json"]) == 0
    captured = capsys.readouterr()
    answer = json.loads(captured.out)
    assert captured.err == ""
    assert answer["path"] == str(out) and answer["bytes"] == out.stat().st_size
    assert max(found["max"] for found in answer["parity"]) < 1e-4
    assert main(["export", str(model)]) == 2
    assert "there is no OUT.onnx to write" in capsys.readouterr().err


def test_help_and_plain_painting_import_no_onnx():
    program = (
        "import sys; import impasto.verbs.stylize, impasto.verbs.export; from impasto.cli import main\n"
        "try: main(['export', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'onnx', 'onnxruntime', 'onnxscript'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL, check=True)
