"""What an exported network computes, for each method: pictures of any size in, the painted picture out.

What `stylize` does around the network is in the graph: the photo is padded to the network's stride and the picture
cropped back, a painting is resized to the size at which the network was trained to look at paintings. Height and
width stay open, so sizes here are symbols: no Python `if` or `max` may look at them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from impasto._typing import Picture
from impasto.errors import SettingError
from impasto.losses.style import moments
from impasto.methods import adain
from impasto.methods.adain import AdainPainter
from impasto.methods.johnson import JohnsonPainter
from impasto.methods.multistyle import MultistylePainter
from impasto.methods.prediction import LAYERS, PredictionPainter, statistics_of
from impasto.nn import transform
from impasto.nn.one_pass import Painter
from impasto.nn.transform import Painting, TransformNetwork

EXAMPLE = (40, 52)
"""Height and width of the pictures a network is traced with; any other would do."""


@dataclass(frozen=True)
class Graph:
    """A network to export.

    Attributes:
        module: Computes it.
        inputs: An example of each input by name, in order; pictures have four dimensions.
        about: One line on each input.
    """

    module: nn.Module
    inputs: Mapping[str, Tensor]
    about: Mapping[str, str]


def graph_of(painter: Painter) -> Graph:
    """Return what is exported of a trained network in fp32 on the CPU.

    Raises:
        SettingError: If it is of a kind that cannot be exported.
    """
    content = {"content": torch.rand(1, 3, *EXAMPLE, generator=torch.Generator().manual_seed(0))}
    style, strength = {"style": content["content"].mT.contiguous()}, {"strength": torch.ones(1)}
    match painter:
        case JohnsonPainter():
            return _graph(_Johnson(painter), content)
        case MultistylePainter():
            return _graph(_Multistyle(painter), content | {"shares": torch.ones(1 + len(painter.styles))})
        case PredictionPainter():
            return _graph(_Prediction(painter), content | style | strength)
        case AdainPainter():
            return _graph(_Adain(painter), content | style | strength)
    raise SettingError(
        f"{type(painter).__name__} cannot be exported; johnson, multistyle, prediction and adain can"
    )


def transform_graph(network: TransformNetwork) -> Graph:
    """Return the transformation network alone, for a style that is given as a row of numbers."""
    picture = torch.rand(1, 3, *EXAMPLE, generator=torch.Generator().manual_seed(0))
    return _graph(_Transform(network), {"content": picture, "row": network.plain_rows(1)})


ABOUT = {
    "content": "the photo, float32 RGB in [0, 1], (1, 3, height, width), any height and width",
    "style": "the painting, float32 RGB in [0, 1], (1, 3, height, width), any height and width",
    "strength": "how much is painted, (1,), in [0, 1]: 0 is the photo as the network sees it, 1 the whole style",
    "shares": "how much of each style, (1 + styles,), in any unit: the photo's own first, then as in `styles`",
    "row": "the style, (1, n): scales of all normalised channels and then shifts",
    "painted": "the picture, float32 RGB in [0, 1], of the photo's size",
}
"""One line on each input, and on what comes out."""


def _graph(module: nn.Module, inputs: Mapping[str, Tensor]) -> Graph:
    return Graph(module.eval(), inputs, {name: ABOUT[name] for name in (*inputs, "painted")})


class _Transform(nn.Module):
    def __init__(self, network: TransformNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, content: Picture, row: Float[Tensor, "1 n"]) -> Picture:
        padded = _padded(content, transform.STRIDE, transform.SMALLEST)
        painted: Tensor = self.network(padded, Painting(row, row.new_ones(1, 1, 1, 1)))
        return _cropped(painted, content)


class _Johnson(nn.Module):
    def __init__(self, painter: JohnsonPainter) -> None:
        super().__init__()
        self.transform, self.row = _Transform(painter.network.transform), painter.network.row

    def forward(self, content: Picture) -> Picture:
        painted: Tensor = self.transform(content, self.row)
        return painted


class _Multistyle(nn.Module):
    def __init__(self, painter: MultistylePainter) -> None:
        super().__init__()
        self.transform, self.rows = _Transform(painter.network.transform), painter.network.rows

    def forward(self, content: Picture, shares: Float[Tensor, " k"]) -> Picture:
        painted: Tensor = self.transform(content, (shares / shares.sum())[None] @ self.rows)
        return painted


class _Prediction(nn.Module):
    def __init__(self, painter: PredictionPainter) -> None:
        super().__init__()
        self.network, self.vgg, self.style_size = painter.network, painter.vgg, painter.style_size
        self.transform = _Transform(painter.network.transform)

    def forward(self, content: Picture, style: Picture, strength: Float[Tensor, "1"]) -> Picture:
        row = torch.lerp(self.row(content), self.row(style), strength)
        painted: Tensor = self.transform(content, row)
        return painted

    def row(self, picture: Picture) -> Float[Tensor, "1 n"]:
        """Return the row predicted for a picture."""
        looked_at = _fitted(picture, self.style_size, 16)
        return self.network.rows(self.network.embed(statistics_of(self.vgg(looked_at, LAYERS))))


class _Adain(nn.Module):
    def __init__(self, painter: AdainPainter) -> None:
        super().__init__()
        self.decoder, self.vgg, self.style_size = painter.decoder, painter.vgg, painter.style_size
        self.encoded_colors, self.margin = painter.encoded_colors, painter.margin

    def forward(self, content: Picture, style: Picture, strength: Float[Tensor, "1"]) -> Picture:
        features = self.encoded(_padded(content, adain.STRIDE, adain.SMALLEST, self.margin))
        wanted = adain.style_row(self.encoded(_fitted(style, self.style_size, adain.SMALLEST)))
        (top, bottom), (left, right) = (
            adain.inner_places(side, adain.STRIDE * places, self.margin)
            for side, places in zip(content.shape[2:], features.shape[2:], strict=True)
        )
        mean, deviation = moments(features[:, :, top:bottom, left:right])
        row = torch.lerp(torch.cat([deviation, mean], dim=1).flatten(1), wanted, strength)
        new_deviation, new_mean = (half[:, :, None, None] for half in row.chunk(2, dim=1))
        painted = self.decoder((features - mean) / deviation * new_deviation + new_mean).clamp(0, 1)
        return _cropped(painted, content, self.margin)

    def encoded(self, picture: Picture) -> Tensor:
        """Return what the encoder sees in a picture."""
        features: Tensor = adain.encode(self.vgg, picture, self.encoded_colors)
        return features


def _padded(picture: Picture, stride: int, smallest: int, margin: int = 0) -> Picture:
    """Repeat outer rows and columns: by a margin, and until both sides are multiples of the stride."""
    for dimension in (2, 3):
        side = picture.shape[dimension]
        wanted = torch.sym_max(smallest, (side + 2 * margin + stride - 1) // stride * stride)
        places = (torch.arange(wanted) - margin).clamp(min=0)
        picture = picture.index_select(dimension, places.clamp(max=side - 1))
    return picture


def _cropped(painted: Picture, content: Picture, margin: int = 0) -> Picture:
    height, width = content.shape[-2:]
    return painted[:, :, margin : margin + height, margin : margin + width]


def _fitted(picture: Picture, longest: int, smallest: int) -> Picture:
    """Resize so that the longer side has a length, as `image.resize` does: a matrix for each direction."""
    height, width = picture.shape[-2:]
    longer = torch.sym_max(height, width)
    rows, columns = (
        _fresh(torch.sym_max(smallest, (2 * side * longest + longer) // (2 * longer)), smallest)
        for side in (height, width)
    )
    return (_filter(rows, height) @ picture @ _filter(columns, width).mT).clamp(0, 1)


def _fresh(size: int, smallest: int) -> int:
    """Give a size a symbol of its own: carried on through every layer, its formula would cost minutes to export."""
    symbol: int = torch.scalar_tensor(size, dtype=torch.int64).item()  # type: ignore[assignment]
    torch._check(symbol >= smallest)
    return symbol


def _filter(wanted: int, given: int) -> Float[Tensor, "wanted given"]:
    """Return the antialiased bicubic filter (Keys 1981, a = −0.5) as a matrix."""
    scale = torch.tensor(given, dtype=torch.float32) / wanted
    places = torch.arange(given, dtype=torch.float32) + 0.5
    centres = (torch.arange(wanted, dtype=torch.float32) + 0.5) * scale
    far = (places[None] - centres[:, None]).abs() / scale.clamp_min(1)
    near_part = (1.5 * far - 2.5) * far * far + 1
    far_part = ((-0.5 * far + 2.5) * far - 4) * far + 2
    weights = torch.where(far < 1, near_part, torch.where(far < 2, far_part, torch.zeros_like(far)))
    return weights / weights.sum(dim=1, keepdim=True)
