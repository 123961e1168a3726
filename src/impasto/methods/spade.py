"""Pictures from label maps, normalised place by place (Park, Liu, Wang & Zhu 2019; arXiv:1903.07291).

How it works: what a normalisation layer takes away, a label map would lose first, since it is flat over wide areas.
So the map does not come in at the front; it says at every normalisation how to scale and shift each place,

    γ_c(m, y, x) · (h − μ_c) / σ_c + β_c(m, y, x)       (equation 1),

with γ and β made of the map m by two convolutions, at each resolution from the map resized to it. The generator
begins with the map at its smallest, or with a vector that an encoder draws around what it saw in a picture whose
look is wanted, and doubles its size six times. Discriminators at two scales judge map and picture side by side by
the hinge loss; features are matched as in Pix2PixHD, and the encoder's vectors are kept near N(0, 1).

**Deviations**: maps of any shape are painted; the features a vector begins with, which have the shape of a crop,
are resized to that of the map. γ is 1 + what the convolution gives, as in the authors' code. Statistics are those
of the batch at hand, in training as when the network is applied; those of the whole training can be chosen
(`statistics`), which the published networks were trained for.
"""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import batch_norm, interpolate, leaky_relu, relu
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from impasto._typing import Features, Picture
from impasto.errors import InputError, SettingError, check_choice, check_range, check_whole
from impasto.losses.adversarial import Adversarial
from impasto.nn.blocks import InstanceNorm
from impasto.nn.labelled import LabelSettings, discriminator_of
from impasto.nn.patchgan import MultiscaleDiscriminator
from impasto.nn.strips import (
    Convolved,
    Source,
    bordered_by,
    convolved,
    doubled,
    gathered,
    remembered,
    source_of,
    summed,
    thinned,
)
from impasto.nn.translate import Generator
from impasto.nn.winograd import Conv3x3
from impasto.weights.model import Card

HIDDEN = 128
"""Channels between a label map and its γ and β."""
WIDTHS = (16, 16, 16, 16, 8, 4, 2, 1)
"""Channels between the blocks, in multiples of the outermost layers'."""
Statistics = Literal["batch", "running"]
ENCODED_SIZE = 256
"""Pixels each way at which the encoder sees a picture."""


@dataclass(frozen=True)
class SpadeSettings(LabelSettings):
    """How the networks are built and trained; every value is checked at once."""

    adversarial: Adversarial = "hinge"
    """The adversarial loss."""
    num_ups: int = 6
    """How often the size is doubled: 6 from 4 pixels to 256; 5 for small crops."""
    style_guided: bool = False
    """Whether an encoder learns the look of pictures, so that a map can be painted like one, or at random."""
    statistics: Statistics = "batch"
    """What normalises when the network is applied: the batch at hand, or running means of the training."""
    style_channels: int = 256
    """Numbers that describe the look of a picture."""
    kl_weight: float = 0.05
    """How much the encoder's vectors are kept near N(0, 1)."""
    learning_rate: float = 1e-4
    """Of Adam, for the generator."""
    discriminator_rate: float = 4e-4
    """Of Adam, for the discriminators: they learn faster, with one step to each of the generator's."""
    betas: tuple[float, float] = (0.0, 0.9)
    """How long Adam remembers gradients and their squares."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("statistics", self.statistics, Statistics)
        check_whole("num_ups", self.num_ups, 5, 6)
        places = self.batch_size * (self.crop[0] >> self.num_ups) * (self.crop[1] >> self.num_ups)
        if places < 2:
            raise SettingError(
                f"crop_size is {self.crop_size}, of which num_ups {self.num_ups} leaves a single place without "
                f"statistics; give at least {2 << self.num_ups}"
            )
        check_whole("style_channels", self.style_channels, 1, 4096)
        check_range("kl_weight", self.kl_weight, 0, 1e9)
        check_range("discriminator_rate", self.discriminator_rate, 1e-9, 1)


class Spade(nn.Module):
    """Normalisation without parameters, scaled and shifted by what stands at each place of a label map."""

    def __init__(self, channels: int, label_channels: int, statistics: Statistics = "batch") -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False, track_running_stats=statistics == "running")
        self.shared = nn.Conv2d(label_channels, HIDDEN, 3, padding=1)
        self.scale, self.shift = (Conv3x3(HIDDEN, channels, padding=1) for _ in range(2))

    def forward(self, features: Features, labels: Float[Tensor, "b _l _h _w"]) -> Features:
        """Return features of the same shape.

        Args:
            features: What is normalised.
            labels: One channel a class, of any size; resized to that of the features, nearest.
        """
        hidden = relu(self.shared(interpolate(labels, size=features.shape[2:], mode="nearest")))
        normalised: Tensor = self.norm(features)
        styled: Tensor = normalised * (1 + self.scale(hidden)) + self.shift(hidden)
        return styled

    def in_strips(self, layer: Convolved, features: Source, labels: Source) -> Source:
        """Return features of the same shape, strip by strip.

        Args:
            layer: What has their statistics.
            features: What is normalised.
            labels: One channel a class, of the features' size.
        """
        if self.norm.running_mean is not None and self.norm.running_var is not None:
            mean, variance = self.norm.running_mean.float(), self.norm.running_var.float()
        else:
            mean, variance = layer.mean.flatten(), layer.variance.flatten()
        hidden = remembered(bordered_by(self.shared, labels).mapped(relu))
        scale, shift = bordered_by(self.scale, hidden), bordered_by(self.shift, hidden)

        def read(top: int, bottom: int) -> Tensor:
            normalised = batch_norm(features.read(top, bottom), mean, variance, eps=self.norm.eps)
            return normalised * (1 + scale.read(top, bottom)) + shift.read(top, bottom)

        return features._replace(read=read)


class SpadeBlock(nn.Module):
    """Two convolutions of 3 × 3, a `Spade` before each; what comes in is added, through a third one if it is wider.

    Reference: figure 4 of the paper, and its supplement.
    """

    def __init__(
        self, in_channels: int, out_channels: int, label_channels: int, statistics: Statistics = "batch"
    ) -> None:
        super().__init__()
        middle = min(in_channels, out_channels)
        self.first_norm = Spade(in_channels, label_channels, statistics)
        self.second_norm = Spade(middle, label_channels, statistics)
        self.first = spectral_norm(Conv3x3(in_channels, middle, padding=1))
        self.second = spectral_norm(Conv3x3(middle, out_channels, padding=1))
        self.widened, self.leaving = in_channels != out_channels, out_channels
        if self.widened:
            self.shortcut_norm = Spade(in_channels, label_channels, statistics)
            self.shortcut = spectral_norm(nn.Conv2d(in_channels, out_channels, 1, bias=False))

    def forward(self, features: Features, labels: Float[Tensor, "b _l _h _w"]) -> Float[Tensor, "b d h w"]:
        """Return features of the same size."""
        kept = self.shortcut(self.shortcut_norm(features, labels)) if self.widened else features
        inner = self.first(leaky_relu(self.first_norm(features, labels), 0.2))
        change: Tensor = self.second(leaky_relu(self.second_norm(inner, labels), 0.2))
        return kept + change

    def in_strips(self, layer: Convolved, features: Source, labels: Source) -> Convolved:
        """Return features of the same size, strip by strip.

        Args:
            layer: What has their statistics.
            features: What comes in.
            labels: One channel a class, of the features' size.
        """
        channels, dtype = self.leaving, self.first_norm.shared.weight.dtype
        kept = features
        if self.widened:
            plain = self.shortcut_norm.in_strips(layer, features, labels)
            kept = bordered_by(self.shortcut, plain)
        entered = self.first_norm.in_strips(layer, features, labels).mapped(_leaky)
        inner = convolved(self.first, entered, 1, "constant")
        left = self.second_norm.in_strips(inner, source_of(inner.plane), labels).mapped(_leaky)
        both = summed(bordered_by(self.second, left), kept)
        return gathered(both.read, channels, features.height, features.width, dtype)


def _leaky(features: Tensor) -> Tensor:
    return leaky_relu(features, 0.2)


class SpadeGenerator(Generator):
    """A label map in, a picture of the same size out, in [-1, 1].

    Example:
        >>> network = SpadeGenerator(36)
        >>> fake = network(torch.zeros(1, 36, 256, 512))
    """

    def __init__(
        self,
        label_channels: int,
        base_channels: int = 64,
        num_ups: int = 6,
        style_channels: int = 0,
        start: tuple[int, int] = (4, 4),
        statistics: Statistics = "batch",
    ) -> None:
        """Build.

        Args:
            label_channels: Of the map.
            base_channels: Channels of the last block; the paper's are 64.
            num_ups: How often the size is doubled.
            style_channels: Numbers of the vector that it begins with; 0 begins with the map.
            start: Height and width of the features that a vector becomes.
            statistics: What normalises when the network is applied.
        """
        super().__init__()
        self.stride = 2**num_ups
        self.smallest = 2 * self.stride  # of a single place there are no statistics
        self.num_ups, self.style_channels, self.start = num_ups, style_channels, start
        self.draws_looks = style_channels > 0
        widths = [base_channels * width for width in WIDTHS]
        self.begin: nn.Module
        if style_channels:
            self.begin = nn.Linear(style_channels, widths[0] * start[0] * start[1])
        else:
            self.begin = nn.Conv2d(label_channels, widths[0], 3, padding=1)
        self.blocks = nn.ModuleList(
            SpadeBlock(narrow, wide, label_channels, statistics) for narrow, wide in pairwise(widths)
        )
        self.leave = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, labels: Float[Tensor, "b _l h w"], style: Float[Tensor, "b z"] | None = None) -> Picture:
        """Return a picture of a label map.

        Args:
            labels: What `LabelSettings.encoded` gives; height and width multiples of `stride`.
            style: What the picture shall look like; drawn from N(0, 1) if not given, where looks are learnt.

        Raises:
            InputError: If the size does not fit.
        """
        height, width = labels.shape[-2:]
        if height % self.stride or width % self.stride:
            raise InputError(
                f"the label map is {width}×{height} pixels; each side must be a multiple of {self.stride}"
            )
        size = (height // self.stride, width // self.stride)
        if self.style_channels:
            drawn = labels.new_empty(len(labels), self.style_channels).normal_() if style is None else style
            begun = self.begin(drawn).unflatten(1, (-1, *self.start))
            features = interpolate(begun, size=size, mode="bilinear")  # changes nothing for a crop's shape
        else:
            features = self.begin(interpolate(labels, size=size, mode="nearest"))
        for index, block in enumerate(self.blocks):
            features = block(features, labels)
            if index < len(self.blocks) - 1 and index not in self.single:
                features = interpolate(features, scale_factor=2, mode="nearest")
        painted: Tensor = self.leave(leaky_relu(features, 0.2))
        return painted.tanh()

    def in_strips(self, picture: Source) -> Source:
        """Return what paints strips of a label map, with a look that is drawn where looks are learnt."""
        rows, columns = picture.height // self.stride, picture.width // self.stride
        if self.style_channels:
            drawn = picture.read(0, 1).new_empty(1, self.style_channels).normal_()
            begun = self.begin(drawn).unflatten(1, (-1, *self.start))
            whole = interpolate(begun, size=(rows, columns), mode="bilinear")
            source = Source(lambda top, bottom: whole[:, :, top:bottom], whole.shape[1], rows, columns)
        else:
            source = bordered_by(self.begin, thinned(picture, self.stride))
        layer = gathered(source.read, source.channels, rows, columns, self.leave.weight.dtype)
        features, reduced = source_of(layer.plane), self.stride
        for index, block in enumerate(self.blocks):
            assert isinstance(block, SpadeBlock)
            with parametrize.cached():
                layer = block.in_strips(layer, features, thinned(picture, reduced) if reduced > 1 else picture)
            features = source_of(layer.plane)
            if index < len(self.blocks) - 1 and index not in self.single:
                features, reduced = doubled(features), reduced // 2
        return bordered_by(self.leave, features.mapped(_leaky)).mapped(torch.tanh)

    @property
    def single(self) -> tuple[int, ...]:
        """Numbers of the blocks after which the size stays."""
        return () if self.num_ups == len(WIDTHS) - 2 else (1,)


class StyleEncoder(nn.Module):
    """What a picture looks like, as mean and logarithm of the variance of a vector (the supplement's figure)."""

    def __init__(self, style_channels: int = 256, base_channels: int = 64) -> None:
        super().__init__()
        widths = (3, *(base_channels * width for width in (1, 2, 4, 8, 8, 8)))
        self.convolutions = nn.ModuleList(
            spectral_norm(nn.Conv2d(narrow, wide, 3, 2, padding=1, bias=False)) for narrow, wide in pairwise(widths)
        )
        self.norms = nn.ModuleList(InstanceNorm(wide) for wide in widths[1:])
        places = (ENCODED_SIZE // 2 ** (len(widths) - 1)) ** 2
        self.mean, self.log_variance = (nn.Linear(widths[-1] * places, style_channels) for _ in range(2))

    def forward(self, picture: Picture) -> tuple[Float[Tensor, "b z"], Float[Tensor, "b z"]]:
        """Return means and logarithms of variances.

        Args:
            picture: In [-1, 1], of any size; seen at `ENCODED_SIZE`.
        """
        features: Tensor = interpolate(picture, size=(ENCODED_SIZE, ENCODED_SIZE), mode="bilinear")
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            features = leaky_relu(norm(convolution(features)), 0.2)
        flat = features.flatten(1)
        return self.mean(flat), self.log_variance(flat)


def generator_of(settings: SpadeSettings) -> SpadeGenerator:
    """Return the generator that settings describe, its first weights drawn."""
    network = SpadeGenerator(
        settings.label_channels,
        settings.base_channels,
        settings.num_ups,
        settings.style_channels if settings.style_guided else 0,
        (max(1, settings.crop[0] // 2**settings.num_ups), max(1, settings.crop[1] // 2**settings.num_ups)),
        settings.statistics,
    )
    if settings.style_guided:
        network.encoder = StyleEncoder(settings.style_channels, settings.base_channels)
    _draw(network)
    return network


def judge_of(settings: SpadeSettings) -> MultiscaleDiscriminator:
    """Return the discriminators that settings describe, their first weights drawn."""
    network = discriminator_of(settings, spectral=True)
    _draw(network)
    return network


def networks(settings: SpadeSettings) -> dict[str, nn.Module]:
    """Return the networks by name, without weights: on the meta device."""
    with torch.device("meta"):
        generator = generator_of(settings)
        encoder, generator.encoder = generator.encoder, None
        built: dict[str, nn.Module] = {"generator": generator, "discriminator": judge_of(settings)}
        return built if encoder is None else built | {"encoder": encoder}


def card_of(settings: SpadeSettings) -> Card:
    """Return what a model file says about a generator that settings describe."""
    return Card(
        method="spade",
        settings=asdict(settings),
        channels=(settings.label_channels, 3),
        value_range=(-1.0, 1.0),
        inference={
            "norm": "batch, of the picture at hand" if settings.statistics == "batch" else "batch, of the training",
            "dropout": "none",
        },
    )


@torch.no_grad()
def _draw(network: nn.Module) -> None:
    """Draw weights by Glorot & Bengio 2010, smaller by 0.02; biases are 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            kept: Any = getattr(module, "parametrizations", None)  # under a spectral norm it is another one
            nn.init.xavier_normal_(module.weight if kept is None else kept.weight.original, gain=0.02)
            if module.bias is not None:
                module.bias.zero_()
