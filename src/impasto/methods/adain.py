"""Any style in one pass, by adaptive instance normalisation (Huang & Belongie 2017; arXiv:1703.06868).

How it works: a VGG that stays as it is encodes photo and painting down to relu4_1. The photo's features get the
mean and the deviation that each channel has over the painting,

    AdaIN(x, y) = σ(y) · (x − μ(x)) / σ(x) + μ(y)       (equation 8),

and a decoder, the one part that is trained, turns features back into a picture. Its loss asks that the picture,
seen by the VGG again, has the features it was made from, and the painting's means and deviations at four layers,

    L = ‖f(g(t)) − t‖² + λ Σ_i ‖μ(φ_i(g(t))) − μ(φ_i(s))‖² + ‖σ(φ_i(g(t))) − σ(φ_i(s))‖²   (equations 11 to 13).

Means and deviations of several paintings mix, and mixed with the photo's own they are the strength; a style is
therefore a row of numbers here too, deviations and then means.

**Deviations** from the paper: VGG-16 encodes, where the paper takes VGG-19; for an encoder whose features carry
little colour, coarse colours can be encoded beside relu4_1, at its resolution, get the painting's means and
deviations too, and are the ground that the decoder paints on (`encoded_colors`); since VGG pads with zeros,
photos are continued by a margin that is cut off again, of which only the innermost places count in
the photo's means and deviations. Each term of the loss is divided by its target's mean square, so that layers count
alike whatever the scale of a VGG's features; the variance is that of `losses.style.moments`; one more term keeps
checkerboards away. Decoders that others published bring along the VGG that encoded for them (`ReflectedVGG`), in
the same model file.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, conv2d, interpolate, max_pool2d, pad, relu

from impasto._typing import Features, Picture
from impasto.errors import SettingError, check_range, check_whole
from impasto.image.resize import fit, resize
from impasto.losses.style import EPSILON, moments
from impasto.nn.compute import frozen_for_speed
from impasto.nn.phases import convolve_enlarged, convolve_four_places
from impasto.nn.planes import Plane
from impasto.nn.strips import Statistics, strips
from impasto.nn.transform import Painting
from impasto.nn.vgg import VGG, check_encoder

ENCODED = "relu4_1"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
FEATURES, COLORS = 512, 3
"""Channels of what is encoded."""
COLOR_SCALE = 20.0
"""Colours are multiplied by this, so that they vary about as much as features do."""
COLOR_AXES = ((3**-0.5, 3**-0.5, 3**-0.5), (2**-0.5, -(2**-0.5), 0.0), (6**-0.5, 6**-0.5, -2 * 6**-0.5))
"""Light, red against green, yellow against blue (Ruderman et al. 1998): nearly independent in pictures, so that a
mean and a deviation of each carry a palette over (Reinhard et al. 2001)."""
STRIDE = 8
"""Height and width are reduced by this inside."""
SMALLEST = 16
MARGIN = 72
"""Pixels by which a photo is continued on every side before the bundled VGG encodes it: it pads with zeros, and
what is decoded from them is a frame. It sees 37 pixels far, and the decoder 30. Published encoders reflect, and
paint without."""
RIM = 2
"""Places beyond a photo's edge that count in its means and deviations, or a tiny photo would have but one."""
ENCODER_HALO, DECODER_HALO = 5, 4
"""Rows of features beyond a strip that its own depend on, at least: 37 pixels, and 1 + 4/2 + 2/4 + 2/8."""
PLACES = 2**19
"""About how many pixels a strip has; smaller ones would compute the rows they share too often."""
ENCODER = "encoder."
"""What the tensors of an encoder are called by in a model file that brings its own."""


@dataclass(frozen=True)
class AdainSettings:
    """How the decoder is built and trained; every value is checked at once."""

    base_channels: int = 64
    """Channels of the decoder at full resolution; the paper's are 64."""
    content_weight: float = 1.0
    """How much the features count that the picture was made from."""
    style_weight: float = 10.0
    """How much the painting's means and deviations count."""
    tv_weight: float = 0.0
    """How much neighbouring pixels are kept alike."""
    colors_weight: float = 5.0
    """How much the encoded colours count that the picture was made from."""
    checkerboard_weight: float = 100.0
    """How much patterns are kept away that keep in step with the decoder's stride."""
    encoder: str = "vgg16"
    """Network that encodes: `vgg16`, `vgg16-imagenet` or `vgg19-imagenet`."""
    encoded_colors: bool = False
    """Encode coarse colours next to the features; not in the paper. The encoder of the bundled model needs it."""
    crop_size: int = 256
    """Pixels each way of the crops it is trained on."""
    zoom: float = 2.5
    """A photo's shorter side is resized to between one and this many crops."""
    style_size: int = 512
    """Longest side, in pixels, at which paintings are looked at: the size of their strokes in the result."""
    turned_hues: float = 0.5
    """Share of the paintings whose hues are turned, so that a few paintings show many palettes."""
    looks: int | None = None
    """How many crops of paintings are drawn, whose statistics are computed once and kept; by default 8 for each
    painting, from 1,000 to 10,000."""
    batch_size: int = 8
    """Crops in a step."""
    learning_rate: float = 1e-4
    """Of Adam, at the start; it falls to zero along a cosine."""
    steps: int = 160_000
    """How long it is trained."""
    seed: int = 0
    """Of first weights, crops and styles."""

    def __post_init__(self) -> None:
        check_encoder(self.encoder)
        for name in ("content_weight", "style_weight", "tv_weight", "colors_weight", "checkerboard_weight"):
            check_range(name, getattr(self, name), 0, 1e9)
        check_range("turned_hues", self.turned_hues, 0, 1)
        check_range("learning_rate", self.learning_rate, 1e-9, 1)
        check_whole("base_channels", self.base_channels, 1, 1024)
        check_whole("crop_size", self.crop_size, 32, 4096)
        check_range("zoom", self.zoom, 1, 16)
        check_whole("style_size", self.style_size, 32, 4096)
        check_whole("looks", 1 if self.looks is None else self.looks, 1, 1_000_000)
        check_whole("batch_size", self.batch_size, 1, 4096)
        check_whole("steps", self.steps, 1, 1_000_000_000)
        check_whole("seed", self.seed, 0, 2**63 - 1)


class Decoder(nn.Module):
    """Features of relu4_1 in, a picture eight times as large out: VGG's layers in reverse, without normalisation.

    Example:
        >>> picture = Decoder()(features)
    """

    def __init__(self, base_channels: int = 64, encoded_colors: bool = False) -> None:
        super().__init__()
        self.encoded_colors = encoded_colors
        first, second, third = base_channels, 2 * base_channels, 4 * base_channels
        widths = (FEATURES + COLORS * encoded_colors, third, third, third, third, second, second, first, first, 3)
        self.convolutions = nn.ModuleList(nn.Conv2d(narrow, wide, 3) for narrow, wide in itertools.pairwise(widths))

    def forward(self, features: Features) -> Picture:
        """Return pictures; values may leave [0, 1] a little.

        Args:
            features: What `encode` gives, `(b, 512 or 515, height, width)`, at least 2 × 2.
        """
        *hidden, leave = self.convolutions
        ground = _ground(features[:, FEATURES:]) if self.encoded_colors else 0
        for index, convolution in enumerate(hidden):
            if index in _DOUBLED:
                features = convolve_enlarged(pad(features, (1, 1, 1, 1), mode="replicate"), convolution)
            else:
                features = convolution(pad(features, (1, 1, 1, 1), mode="reflect"))
            features = relu(features)
        return ground + convolve_four_places(pad(features, (1, 1, 1, 1), mode="reflect"), leave)


class ReflectedVGG(VGG):
    """VGG-19 down to relu4_1, padding by reflection and pooling what is left over at an edge.

    Published decoders were trained with it, and with weights scaled so that the mean of every channel is 1.
    """

    def __init__(self) -> None:
        super().__init__("vgg19-imagenet")
        kept = self.layer_names.index(ENCODED) + 1
        for name in self.layer_names[kept:]:
            delattr(self, name.replace("relu", "conv"))
        self.layer_names = self.layer_names[:kept]
        self.pool = partial(max_pool2d, ceil_mode=True)
        for convolution in self.children():
            assert isinstance(convolution, nn.Conv2d)
            convolution.padding_mode = "reflect"


def encode(vgg: VGG, picture: Picture, encoded_colors: bool) -> Features:
    """Return what AdaIN changes: features of relu4_1, and the colours where they are encoded too.

    Args:
        vgg: The network that encodes.
        picture: RGB in [0, 1]; height and width multiples of `STRIDE`, or their ends are left out.
        encoded_colors: Whether the mean colours of its places are three channels more.
    """
    features: Tensor = vgg(picture, [ENCODED])[ENCODED]
    if not encoded_colors:
        return features
    return torch.cat([features, colors_of(picture).to(features.dtype)], dim=1)


def encode_continued(vgg: VGG, picture: Picture, encoded_colors: bool) -> Features:
    """Return what `encode` sees of a picture that goes on beyond its edges, outer pixels repeated for `MARGIN`."""
    places = MARGIN // STRIDE
    encoded = encode(vgg, pad(picture, (MARGIN,) * 4, mode="replicate"), encoded_colors)
    return encoded[:, :, places:-places, places:-places]


def colors_of(picture: Picture) -> Features:
    """Return the mean colour of each place of relu4_1, along `COLOR_AXES`."""
    axes = picture.new_tensor(COLOR_AXES)[:, :, None, None]
    return conv2d(avg_pool2d(picture, STRIDE), COLOR_SCALE * axes)


def _ground(colors: Features) -> Picture:
    """Return encoded colours as the smooth picture that is painted on."""
    axes = colors.new_tensor(COLOR_AXES, dtype=torch.float32).T[:, :, None, None]
    back = conv2d(colors.float(), axes / COLOR_SCALE)
    return interpolate(back, scale_factor=STRIDE, mode="bilinear")


_DOUBLED = (1, 5, 7)
"""Convolutions before which the resolution doubles: where the encoder pools."""


def adain(features: Features, row: Float[Tensor, "b n"]) -> Features:
    """Give every channel the deviation and the mean that a row names.

    Args:
        features: Of photos, `(b, c, height, width)`.
        row: Deviations of all channels and then means, `(b, 2c)`.
    """
    mean, deviation = moments(features)
    wanted_deviation, wanted_mean = (half[:, :, None, None] for half in row.chunk(2, dim=1))
    return ((features - mean) / deviation * wanted_deviation + wanted_mean).to(features.dtype)


def style_row(features: Features) -> Float[Tensor, "b n"]:
    """Return deviations and then means of the channels, one row for each picture of a batch."""
    mean, deviation = moments(features)
    return torch.cat([deviation, mean], dim=1).flatten(1)


class AdainPainter:
    """A trained decoder and the VGG that encodes for it."""

    styles: Sequence[str] = ()

    def __init__(self, decoder: Decoder, vgg: VGG, style_size: int, encoded_colors: bool) -> None:
        self.decoder, self.vgg, self.style_size = decoder, vgg, style_size
        self.encoded_colors = encoded_colors
        self.margin = 0 if isinstance(vgg, ReflectedVGG) else MARGIN

    @torch.inference_mode()
    def rows(self, styles: Sequence[Picture | str], scale: float = 1.0) -> Float[Tensor, "k n"]:
        """Return deviations and means of each painting.

        Raises:
            SettingError: If a style is a name.
        """
        return torch.cat([self._row(style, scale) for style in styles])

    def plain_row(self, content: Picture) -> Float[Tensor, "1 n"]:
        """Return deviations and means of the photo, with which AdaIN changes nothing."""
        encoded = self._encoded(_Padded(content, self.margin))
        deviation, mean = (encoded.statistics.variance(1) + EPSILON).sqrt(), encoded.statistics.mean
        return torch.cat([deviation, mean], dim=1).flatten(1)

    def paint(self, content: Picture, painting: Painting) -> Picture:
        """Paint a photo of any size, in strips."""
        padded = _Padded(content, self.margin)
        encoded = self._encoded(padded)
        mean, deviation = encoded.statistics.mean, (encoded.statistics.variance(1) + EPSILON).sqrt()
        weights = painting.weights
        if weights.shape[-1] > 1:
            weights = pad(weights, padded.border, mode="replicate")
            weights = adaptive_avg_pool2d(weights, (encoded.plane.height, encoded.plane.width))
        wanted = torch.einsum("bkhw,kc->bchw", weights, painting.rows)
        painted = torch.empty_like(content)
        with torch.inference_mode():
            for top, bottom in strips(encoded.plane.height, encoded.plane.width, PLACES // STRIDE**2):
                first, last = max(0, top - DECODER_HALO), min(encoded.plane.height, bottom + DECODER_HALO)
                new_deviation, new_mean = (
                    half[:, :, first:last] if half.shape[2] > 1 else half for half in wanted.chunk(2, dim=1)
                )
                features = (encoded.plane.read(first, last).float() - mean) / deviation * new_deviation + new_mean
                strip = self.decoder(features.to(self._device_and_type)).float().clamp(0, 1).cpu()
                begin = first * STRIDE - self.margin
                above, below = (
                    max(0, top * STRIDE - self.margin),
                    min(content.shape[2], bottom * STRIDE - self.margin),
                )
                if above < below:
                    columns = slice(self.margin, self.margin + content.shape[3])
                    painted[:, :, above:below] = strip[:, :, above - begin : below - begin, columns]
        return painted

    def encode(self, picture: Picture) -> Features:
        """Return what is changed and then decoded."""
        return encode(self.vgg, picture, self.encoded_colors)

    @property
    def _device_and_type(self) -> Tensor:
        return next(self.decoder.parameters())

    @torch.inference_mode()
    def _encoded(self, content: "_Padded") -> "_Encoded":
        """Encode in strips that overlap by as much as a feature sees."""
        rows, columns = content.rows // STRIDE, content.columns // STRIDE
        plane, statistics = None, Statistics()
        for top, bottom in strips(rows, columns, PLACES // STRIDE**2):
            first, last = max(0, top - ENCODER_HALO), min(rows, bottom + ENCODER_HALO)
            pixels = content.read(first * STRIDE, last * STRIDE).to(self._device_and_type.device)
            features = self.encode(pixels)[:, :, top - first : bottom - first].cpu()
            plane = plane or Plane(features.shape[1], rows, columns, features.dtype)
            plane.write(top, features)
            above, below = max(top, content.inner[0]), min(bottom, content.inner[1])
            if above < below:
                statistics.add(features[:, :, above - top : below - top, content.inner[2] : content.inner[3]])
        assert plane is not None
        return _Encoded(plane, statistics)

    def _row(self, style: Picture | str, scale: float) -> Tensor:
        if isinstance(style, str):
            raise SettingError(f"adain paints after pictures, and {style!r} is a name; give a painting's file")
        height, width = fit(style.shape[-2], style.shape[-1], max(SMALLEST, round(self.style_size * scale)))
        painting = resize(style, max(SMALLEST, height), max(SMALLEST, width))
        return style_row(self.encode(painting.to(self._device_and_type.device))).cpu()


class _Encoded(NamedTuple):
    """Features of a photo in the VGG's precision, and the statistics of each channel."""

    plane: Plane
    statistics: Statistics


class _Padded:
    """A photo whose outer rows and columns are repeated: by a margin, and up to multiples of the stride."""

    def __init__(self, content: Picture, margin: int) -> None:
        height, width = content.shape[-2:]
        self.content, self.margin = content, margin
        self.rows, self.columns = (
            max(SMALLEST, -(-(side + 2 * margin) // STRIDE) * STRIDE) for side in (height, width)
        )
        self.border = (margin, self.columns - margin - width, margin, self.rows - margin - height)
        self.inner = (*inner_places(height, self.rows, margin), *inner_places(width, self.columns, margin))

    def read(self, top: int, bottom: int) -> Tensor:
        rows = (torch.arange(top, bottom) - self.margin).clamp(0, self.content.shape[2] - 1)
        return pad(self.content[:, :, rows], (*self.border[:2], 0, 0), mode="replicate")


def inner_places(side: int, padded: int, margin: int) -> tuple[int, int]:
    """Return the first place that counts of those that a photo was padded to, and the one after the last."""
    first = margin // STRIDE
    end: int = torch.sym_min(padded // STRIDE, first + (side + STRIDE - 1) // STRIDE + RIM)
    return max(0, first - RIM), end


def decoder_of(settings: AdainSettings) -> Decoder:
    """Return the decoder that settings describe, not yet trained."""
    return Decoder(settings.base_channels, settings.encoded_colors)


def networks(settings: AdainSettings) -> dict[str, nn.Module]:
    """Return the networks by name, without weights: on the meta device."""
    with torch.device("meta"):
        return {"decoder": decoder_of(settings), "encoder": VGG(check_encoder(settings.encoder))}


def painter(
    settings: AdainSettings,
    tensors: Mapping[str, Tensor],
    styles: Sequence[str],
    device: torch.device,
    dtype: torch.dtype,
) -> AdainPainter:
    """Return a trained network, ready to paint.

    Args:
        settings: How it was built.
        tensors: Its weights by name, those of an encoder of its own among them.
        styles: Names of what it knows: none.
        device: Where it computes.
        dtype: In what.
    """
    own = {name.removeprefix(ENCODER): tensor for name, tensor in tensors.items() if name.startswith(ENCODER)}
    decoder = decoder_of(settings)
    decoder.load_state_dict({name: tensor for name, tensor in tensors.items() if not name.startswith(ENCODER)})
    decoder.to(device, dtype)
    frozen_for_speed(decoder)
    vgg = (
        _own_vgg(own, device, dtype)
        if own
        else VGG.pretrained(check_encoder(settings.encoder), device=device, dtype=dtype)
    )
    return AdainPainter(decoder, vgg, settings.style_size, settings.encoded_colors)


def _own_vgg(tensors: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype) -> VGG:
    """Return the encoder that came along with a decoder."""
    with torch.device("meta"):
        vgg = ReflectedVGG()
    vgg.load_state_dict(tensors, assign=True)
    vgg.to(device, dtype)
    frozen_for_speed(vgg)
    return vgg
