"""Any style in one pass, by style prediction (Ghiasi, Lee, Kudlur, Dumoulin & Shlens 2017; arXiv:1705.06830).

How it works: in the network of `multistyle` a style is a row of numbers γ, β. Here a second network P looks at a
painting it has never seen and predicts that row:

    painted = T(content, P(style)).

P takes features of the painting, averages them over space, narrows them to a vector of 100 numbers, the *style
embedding*, and maps that linearly to all γ, β. Embeddings mix: between two of them lie the styles between, and
between the photo's own embedding and the painting's lies the strength. T and P are trained together on crops of
photos and of many paintings, with the perceptual loss of Johnson et al. 2016.

**Deviations** from the paper: the features are means and deviations of the channels of a VGG (`encoder`),
where the paper takes a classifier's (Inception-v3 Mixed-6e) means: those of EfficientNet-Lite0 predict worse rows
(`benchmarks/style_features.py`); what is narrowed is their square root, since a few strong channels would rule
otherwise; the inputs of both linear maps are divided by the root of their number, so
that a step of Adam moves the output as far as in a convolution; some crops are painted between the photo's own row
and the painting's, after Gram matrices that lie between; and those of `nn.transform` and `nn.perceptual`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from impasto._typing import Picture
from impasto.errors import SettingError, check_range, check_whole
from impasto.image.resize import fit, resize
from impasto.losses.style import EPSILON, moments
from impasto.nn.compute import frozen_for_speed
from impasto.nn.one_pass import paint_any_size
from impasto.nn.perceptual import PerceptualSettings
from impasto.nn.strips import Statistics
from impasto.nn.transform import Painting, TransformNetwork
from impasto.nn.vgg import VGG, WIDTHS, check_encoder

LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
"""Layers of VGG-16 whose channels describe a painting."""
STATISTICS = 2 * sum(WIDTHS[:4])
"""How many numbers that are: a mean and a deviation for each channel."""


@dataclass(frozen=True)
class PredictionSettings(PerceptualSettings):
    """How the networks are built and trained; every value is checked at once."""

    embedding_size: int = 100
    """Numbers in a style embedding; the paper's are 100."""
    encoder: str = "vgg16"
    """Network whose statistics describe a painting: `vgg16`, `vgg16-imagenet` or `vgg19-imagenet`."""
    turned_hues: float = 0.5
    """Share of the paintings whose hues are turned, so that a few paintings show many palettes."""
    looks: int | None = None
    """How many crops of paintings are drawn, whose statistics are computed once and kept; by default 8 for each
    painting, from 1,000 to 10,000."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_encoder(self.encoder)
        check_whole("embedding_size", self.embedding_size, 1, 100_000)
        check_range("turned_hues", self.turned_hues, 0, 1)
        check_whole("looks", 1 if self.looks is None else self.looks, 1, 1_000_000)


class Prediction(nn.Module):
    """A transformation network and a network that predicts its row from statistics of a painting.

    Example:
        >>> network = Prediction()
        >>> embedding = network.embed(style_statistics(vgg, painting))
        >>> painted = network(picture, embedding)
    """

    center: Tensor
    spread: Tensor

    def __init__(self, base_channels: int = 32, num_blocks: int = 5, embedding_size: int = 100) -> None:
        super().__init__()
        self.transform = TransformNetwork(base_channels, num_blocks)
        self.narrow = nn.Linear(STATISTICS, embedding_size)
        self.widen = nn.Linear(embedding_size, self.transform.row_length)
        self.register_buffer("center", torch.zeros(STATISTICS))
        self.register_buffer("spread", torch.ones(STATISTICS))
        nn.init.normal_(self.narrow.weight)
        nn.init.normal_(self.widen.weight, std=0.2)
        self.widen.bias = nn.Parameter(self.transform.plain_rows(1)[0])

    def embed(self, statistics: Float[Tensor, "b n"]) -> Float[Tensor, "b m"]:
        """Return style embeddings of paintings.

        Args:
            statistics: What `style_statistics` returns for them.
        """
        standardised = (statistics.sqrt() - self.center) / self.spread
        embedding: Tensor = self.narrow(standardised / math.sqrt(STATISTICS))
        return embedding

    def rows(self, embedding: Float[Tensor, "b m"]) -> Float[Tensor, "b n"]:
        """Return the row of the transformation network for each embedding."""
        rows: Tensor = self.widen(embedding / math.sqrt(self.widen.in_features))
        return rows

    def forward(self, picture: Picture, embedding: Float[Tensor, "b m"]) -> Picture:
        """Paint each picture of a batch after its own style.

        Args:
            picture: RGB in [0, 1]; height and width multiples of `nn.transform.STRIDE`.
            embedding: One for each picture.
        """
        return self.paint(picture, self.rows(embedding))

    def paint(self, picture: Picture, rows: Float[Tensor, "b n"]) -> Picture:
        """Paint each picture of a batch with its own row."""
        painted: Tensor = self.transform(picture, Painting.plain(rows))
        return painted

    @torch.no_grad()
    def standardise(self, statistics: Float[Tensor, "k n"]) -> None:
        """Learn how statistics are spread over paintings, before training, so that each counts alike."""
        roots = statistics.sqrt()
        self.center.copy_(roots.mean(dim=0))
        # a channel that hardly ever changes would be all noise
        self.spread.copy_(roots.std(dim=0).clamp_min(0.1 * float(roots.std(dim=0).mean())))


@torch.inference_mode()
def style_statistics(vgg: VGG, painting: Picture) -> Float[Tensor, "1 n"]:
    """Return mean and deviation of the channels of VGG's layers, which describe a painting.

    Args:
        vgg: VGG-16.
        painting: `(1, 3, height, width)`, RGB in [0, 1], at least 16 pixels each way.
    """
    numbers = []
    for _, features in vgg.walk(painting, LAYERS):
        statistics = Statistics()
        statistics.add(features)
        numbers += [statistics.mean, (statistics.variance(1) + EPSILON).sqrt()]
    return torch.cat([number.flatten(1) for number in numbers], dim=1)


def statistics_of(features: Mapping[str, Tensor]) -> Float[Tensor, "b n"]:
    """Return what `style_statistics` returns, from features of `LAYERS` that are already there."""
    return torch.cat([number.flatten(1) for name in LAYERS for number in moments(features[name])], dim=1)


class PredictionPainter:
    """A trained network and the VGG that looks at paintings for it."""

    styles: Sequence[str] = ()

    def __init__(self, network: Prediction, vgg: VGG, style_size: int) -> None:
        self.network, self.vgg, self.style_size = network, vgg, style_size

    @torch.inference_mode()
    def rows(self, styles: Sequence[Picture | str], scale: float = 1.0) -> Float[Tensor, "k n"]:
        """Return the predicted row of each painting.

        Raises:
            SettingError: If a style is a name.
        """
        return torch.cat([self._row(style, scale) for style in styles])

    def plain_row(self, content: Picture) -> Float[Tensor, "1 n"]:
        """Return the row predicted for the photo itself."""
        return self.rows([content])

    def paint(self, content: Picture, painting: Painting) -> Picture:
        """Paint a photo of any size."""
        return paint_any_size(self.network.transform, content, painting)

    @torch.inference_mode()
    def embedding(self, painting: Picture, scale: float = 1.0) -> Float[Tensor, "1 m"]:
        """Return the style embedding of a painting of any size, looked at as large as in training times `scale`."""
        height, width = fit(painting.shape[-2], painting.shape[-1], max(16, round(self.style_size * scale)))
        resized = resize(painting, max(16, height), max(16, width)).to(self.network.center.device)
        return self.network.embed(style_statistics(self.vgg, resized))

    def _row(self, style: Picture | str, scale: float) -> Tensor:
        if isinstance(style, str):
            raise SettingError(f"prediction paints after pictures, and {style!r} is a name; give a painting's file")
        return self.network.rows(self.embedding(style, scale)).cpu()


def network_of(settings: PredictionSettings) -> Prediction:
    """Return the network that settings describe, untrained."""
    return Prediction(settings.base_channels, settings.num_blocks, settings.embedding_size)


def networks(settings: PredictionSettings) -> dict[str, nn.Module]:
    """Return the networks by name, without weights: on the meta device."""
    with torch.device("meta"):
        network = network_of(settings)
    return {"transfer": network.transform, "prediction": nn.ModuleList([network.narrow, network.widen])}


def painter(
    settings: PredictionSettings,
    tensors: Mapping[str, Tensor],
    styles: Sequence[str],
    device: torch.device,
    dtype: torch.dtype,
) -> PredictionPainter:
    """Return a trained network, ready to paint.

    Args:
        settings: How it was built.
        tensors: Its weights by name.
        styles: Names of what it knows: none.
        device: Where it computes.
        dtype: In what.
    """
    network = network_of(settings)
    network.load_state_dict(dict(tensors))
    network.to(device)
    network.transform.to(dtype)
    frozen_for_speed(network)
    vgg = VGG.pretrained(check_encoder(settings.encoder), device=device, dtype=dtype)
    return PredictionPainter(network, vgg, settings.style_size)
