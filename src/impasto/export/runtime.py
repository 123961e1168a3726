"""Exported networks in ONNX Runtime, on the CPU."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import onnxruntime
import torch
from jaxtyping import Float
from torch import Tensor

from impasto._typing import Picture
from impasto.errors import WeightsError
from impasto.export.graphs import transform_graph
from impasto.export.onnx_file import to_onnx
from impasto.methods.johnson import JohnsonPainter
from impasto.methods.multistyle import MultistylePainter
from impasto.methods.prediction import PredictionPainter
from impasto.nn.one_pass import WHOLE, Painter
from impasto.nn.transform import Painting, TransformNetwork
from impasto.weights.store import CACHE_VARIABLE
from impasto.writing import replace_file


class Session:
    """An ONNX file, ready to run with as many threads as PyTorch has.

    Example:
        >>> painted = Session(path.read_bytes())(content=photo)
    """

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.enable_mem_pattern = False  # remembers a plan for every size of picture
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def __call__(self, **inputs: Tensor) -> Tensor:
        """Return what the network gives for its inputs by name."""
        arrays = {name: tensor.detach().contiguous().numpy() for name, tensor in inputs.items()}
        return torch.from_numpy(self._session.run(None, arrays)[0])

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the file says about itself."""
        found: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        return found


class OnnxPainter:
    """A trained network that paints whole pictures in ONNX Runtime.

    Large pictures, and styles that change from place to place, are painted in PyTorch as ever.
    """

    def __init__(self, painter: Painter, file: Path) -> None:
        """Take a network to ONNX Runtime.

        Args:
            painter: In fp32 on the CPU; of a method with a transformation network.
            file: Where that lies exported; it is exported to there if it does not.

        Raises:
            WeightsError: If the file is damaged, or cannot be written.
        """
        assert isinstance(painter, JohnsonPainter | MultistylePainter | PredictionPainter)
        self._painter, self.styles = painter, painter.styles
        self._session = _session(painter.network.transform, file)

    def rows(self, styles: Sequence[Picture | str], scale: float = 1.0) -> Float[Tensor, "k n"]:
        """Return the row of each style.

        Raises:
            SettingError: If the network has no such style.
        """
        return self._painter.rows(styles, scale)

    def plain_row(self, content: Picture) -> Float[Tensor, "1 n"] | None:
        """Return the row that leaves a photo as it is, if there is one."""
        return self._painter.plain_row(content)

    def paint(self, content: Picture, painting: Painting) -> Picture:
        """Paint a photo of any size."""
        if content.shape[-2] * content.shape[-1] > WHOLE or painting.weights.shape[-1] > 1:
            return self._painter.paint(content, painting)
        return self._session(content=content, row=painting.weights[:, :, 0, 0] @ painting.rows)


def _session(network: TransformNetwork, file: Path) -> Session:
    if not file.is_file():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WeightsError(
                f"cannot make the folder {file.parent} ({error.strerror}); "
                f"set {CACHE_VARIABLE} to a folder that can be written"
            ) from None
        replace_file(file, to_onnx(transform_graph(network), {}))
    try:
        return Session(file.read_bytes())
    except Exception as error:  # ONNX Runtime has a class for each reason, none of them public
        raise WeightsError(f"{file} is damaged ({str(error).splitlines()[0]}); delete it") from None
