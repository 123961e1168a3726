"""DeepDream (Mordvintsev, Olah & Tyka 2015, "Inceptionism"): a network paints what it sees.

How it works: a network that was trained to tell a thousand things apart looks at a photo. Wherever some feature
answers faintly, a cloud that has something of a dog, the pixels are changed so that it answers more strongly: steps
up the gradient of

    J(x) = Σ_l w_l · mean ½ F_l(x)²,

F_l being the features of layer l, over all channels or chosen ones. Shallow layers dream of strokes and textures,
middle ones of eyes, fur and buildings. It begins small and goes on larger, size by size (octaves), carrying up what
was dreamt, so that forms of all sizes appear. Before each step the picture is shifted (jitter), so that no grid of
the network shows.

**A class** c is dreamt of by how likely it is at each place, mean_p log softmax(W F_head(p) + b)_c, and **a guide**
by matching: each place's features should be as much as possible like those of the guide's places that they are most
like, mean_p max_g F_p · G_g.

**Deviations** from the published code, each because the pictures are better or come sooner:

- VGG-16 dreams, not GoogLeNet, because it is bundled: its fourth and fifth blocks dream of whole animals with fur
  and eyes. Classes are dreamt of with EfficientNet-Lite0, the bundled classifier;
- the gradient is taken apart by a Laplacian pyramid (`image.laplacian`) whose levels are made about equally strong,
  as their later notebook does it, so that forms appear before noise;
- each step goes along the photo's own colours: a change is multiplied by the covariance of the photo's colours
  (Olah et al. 2017, "Feature Visualization", do so with that of all photos), which keeps the rainbow away;
- a class is dreamt of together with the usual layers, since it alone, which the network only learnt to tell apart,
  brings forth nothing but a pattern of lines; with momentum, which averages over the shifts; and with more of the
  larger forms;
- tiles have a rim and equal the whole (`nn.tiles`); the published ones rely on jitter alone to hide their seams;
- a large photo is dreamt on at 1024 pixels unless asked otherwise, and only the change is enlarged.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from impasto._typing import Picture, Weight
from impasto.errors import SettingError, check_choice, check_count, check_range, check_whole
from impasto.image.color import with_chroma_of
from impasto.image.laplacian import evened
from impasto.image.resize import fit, resize, resize_change
from impasto.losses.activation import energy, likelihood, matching
from impasto.nn.backbones import (
    COARSEST,
    Backbone,
    Chosen,
    backbone_dtype,
    layer_named,
    layers_of,
    load_backbone,
)
from impasto.nn.compute import Device, Precision, choose_device, repeatable
from impasto.nn.efficientnet_lite import EfficientNetLite0, class_index
from impasto.nn.tiles import Scores, tiled_gradient
from impasto.nn.vgg import VGG
from impasto.result import OnStep, Step

Colors = Literal["palette", "free", "luminance"]

DEFAULT_LAYERS: Mapping[str, tuple[str, ...]] = {
    "efficientnet-lite0": ("block8.expand", "block10.expand", "block12.expand"),
    "vgg16": ("relu4_3", "relu5_1", "relu5_2"),
    "vgg16-imagenet": ("relu4_3", "relu5_1"),
    "vgg19-imagenet": ("relu4_4", "relu5_1"),
}
SMALLEST = 32
LARGEST = 65536
DEFAULT_SIZE = 1024
"""Longest side dreamt on when no size is asked for; forms have the size they have, whatever that of the photo."""
RIM = 128
"""Pixels looked at around a tile: its gradient is then the whole picture's to about a hundredth."""
GUIDE_SIZE, MOST_MATCHES = 320, 1024
"""Longest side at which a guide is looked at, and most of its places that are matched."""
GREY_SHARE = 0.1
"""Share of a step that goes along no colours."""
GROWTH, GROWTH_OF_A_CLASS = 1.0, 1.6
"""Ratio of each pyramid level's strength to the next finer one; 1.0 covers a class with fine hatching."""
GROUND = 0.5
"""How much the usual layers count beside a class."""

Objective = Callable[[Picture], Scores]
"""What is to grow: a score for every place of every term."""


def backbone_with(layers: Sequence[str]) -> Backbone:
    """Return the bundled network that has these layers: EfficientNet-Lite0 for its own names, else VGG-16."""
    of_classifier = any(str(layer).startswith(("block", "stem", "head")) for layer in layers)
    return "efficientnet-lite0" if of_classifier else "vgg16"


class Pace(NamedTuple):
    """How to walk up the gradient: at how many sizes, and how at each; see `DeepDreamSettings`."""

    octaves: int
    steps: int
    step_size: float
    momentum: float


OF_LAYERS, OF_A_CLASS = Pace(5, 10, 0.009, 0.0), Pace(3, 30, 0.004, 0.9)


@dataclass(frozen=True)
class DeepDreamSettings:
    """What can be chosen; every value is checked at once."""

    size: int | None = None
    """Longest side in pixels of what is dreamt; by default the photo's, at most 1024."""
    layers: tuple[str, ...] = ()
    """Layers whose features grow, such as `block10.expand`, or `block10.expand:7,12` for some of its channels;
    shallow ones dream of textures, deep ones of things. By default those that suit the network."""
    layer_weights: tuple[float, ...] = ()
    """How much each layer counts, as many as layers; equal if not given."""
    dream_of: str = ""
    """One of the 1,000 ImageNet classes by name, such as "golden retriever", in place of layers."""
    octaves: int | None = None
    """At how many sizes to dream, from small to full, fewer where the picture would become too small; by default 5,
    or 3 for a class."""
    octave_scale: float = 1.4
    """Each size over the one before."""
    steps: int | None = None
    """Steps at each size; by default 10, or 30 for a class."""
    step_size: float | None = None
    """Mean change of a pixel in one step, of its range; by default 0.009, or 0.004 for a class."""
    momentum: float | None = None
    """How much of the last steps' direction each step keeps; by default 0, or 0.9 for a class, whose gradient says
    something else with every shift."""
    jitter: int = 32
    """Most pixels by which the picture is shifted before a step, each way."""
    laplacian_levels: int = 4
    """How often the gradient is halved to make details of all sizes about equally strong; 0 leaves it as it is."""
    colors: Colors = "palette"
    """Which colours: along the photo's `palette`, `free`, or those of each place alone (`luminance` is dreamt)."""
    network: Backbone | None = None
    """Network that dreams; by default the one that has the chosen layers: `vgg16`, or `efficientnet-lite0` for its
    own layers and for a class."""
    tile: int = 1024
    """Side in pixels of the tiles that larger pictures are looked at in; a multiple of 32. Smaller takes less
    memory."""
    seed: int = 0
    """Makes the shifts, and so the picture, the same again."""
    device: Device = "auto"
    """Where to compute."""
    precision: Precision = "auto"
    """In what to compute; EfficientNet-Lite0 computes in fp32."""

    def __post_init__(self) -> None:
        if self.network is not None:
            check_choice("network", self.network, Backbone)
        check_choice("colors", self.colors, Colors)
        check_choice("device", self.device, Device)
        check_choice("precision", self.precision, Precision)
        for layer in self.layers:
            layer_named(str(layer), self.backbone)
        if len(set(self.layers)) < len(self.layers):
            raise SettingError(f"layers names a layer twice: {' '.join(self.layers)}; name each once")
        if self.dream_of:
            self._check_class()
        for weight in self.layer_weights:
            check_range("layer_weights", weight, 0, 1e9)
        check_count("layer_weights", self.layer_weights, len(self.layer_names()), "layers")
        if self.layer_weights and not any(self.layer_weights):
            raise SettingError("layer_weights are all 0; one must be above")
        check_whole("size", SMALLEST if self.size is None else self.size, SMALLEST, LARGEST)
        check_range("octave_scale", self.octave_scale, 1.05, 4)
        octaves, steps, step_size, momentum = self.pace()
        check_whole("octaves", octaves, 1, 100)
        check_whole("steps", steps, 1, 1_000_000)
        check_range("step_size", step_size, 1e-6, 1)
        check_range("momentum", momentum, 0, 0.999)
        check_whole("jitter", self.jitter, 0, 1024)
        check_whole("laplacian_levels", self.laplacian_levels, 0, 16)
        check_whole("tile", self.tile, COARSEST, LARGEST)
        if self.tile % COARSEST:
            raise SettingError(f"tile is {self.tile}; allowed are multiples of {COARSEST}")
        check_whole("seed", self.seed, 0, 2**63 - 1)

    def pace(self) -> "Pace":
        """Return how to walk; what is not chosen depends on what is dreamt of."""
        usual = OF_A_CLASS if self.dream_of else OF_LAYERS
        chosen = {name: getattr(self, name) for name in Pace._fields if getattr(self, name) is not None}
        return usual._replace(**chosen)

    @property
    def backbone(self) -> Backbone:
        """The network that dreams: the chosen one, or the bundled one that knows the class or has the layers."""
        return self.network or ("efficientnet-lite0" if self.dream_of else backbone_with(self.layers))

    def layer_names(self) -> tuple[str, ...]:
        """Return the layers that dream, the network's usual ones if none are chosen."""
        return self.layers or DEFAULT_LAYERS[self.backbone]

    def _check_class(self) -> None:
        class_index(str(self.dream_of))
        if self.layers:
            raise SettingError("dream_of and layers are both given; a class is dreamt of along the usual layers")
        if self.backbone != "efficientnet-lite0":
            raise SettingError(f"{self.backbone} knows no classes; dream_of needs the network efficientnet-lite0")


def dream(
    photo: Picture,
    settings: DeepDreamSettings | None = None,
    *,
    guide: Picture | None = None,
    region: Weight | None = None,
    start: Picture | None = None,
    on_step: OnStep | None = None,
) -> Picture:
    """Dream on a photo.

    Args:
        photo: `(1, 3, height, width)`, RGB in [0, 1].
        settings: See `DeepDreamSettings`.
        guide: A picture whose features are dreamt of, any size.
        region: Where to dream, any size; everywhere if not given. Where it is 0, the photo stays.
        start: A dream on this photo to go on from, of its size; the photo if not given.
        on_step: Called after every step; raising in it cancels.

    Returns:
        The dream at `painted_size`, on the CPU.

    Raises:
        SettingError: If settings do not fit the picture or each other.
        WeightsError: If the network is not to be had.
    """
    settings = settings or DeepDreamSettings()
    if guide is not None and settings.dream_of:
        raise SettingError("a guide and dream_of are both given; choose what to dream of")
    sizes = schedule(photo.shape[-2], photo.shape[-1], settings)
    device = choose_device(settings.device)
    network = load_backbone(
        settings.backbone, device, backbone_dtype(settings.backbone, settings.precision, device)
    )
    photo = photo.to(device)
    objectives = objectives_for(network, settings, None if guide is None else guide.to(device))
    change = torch.zeros_like(photo) if start is None else start.to(photo) - photo
    ascent = _Ascent(objectives, settings, palette(photo) if settings.colors == "palette" else None)
    steps = settings.pace().steps
    total, index = len(sizes) * steps, itertools.count(1)

    def finished(picture: Tensor, base: Tensor, weight: Tensor | None) -> Tensor:
        colored = with_chroma_of(picture, base) if settings.colors == "luminance" else picture
        return colored if weight is None else torch.where(weight > 0, colored, base)

    with repeatable():
        for height, width in sizes:
            base = resize(photo, height, width)
            weight = None if region is None else resize(region.to(photo), height, width)
            picture = (base + resize_change(change, height, width)).clamp(0, 1)
            ascent.begin()
            for _ in range(steps):
                picture, terms = ascent.step(picture, weight)
                if on_step is not None:
                    on_step(Step(next(index), total, terms, finished(picture, base, weight)))
            change = picture - base
    return finished(picture, base, weight).cpu()


def painted_size(height: int, width: int, settings: DeepDreamSettings) -> tuple[int, int]:
    """Return height and width, in pixels, at which a photo of some size is dreamt on."""
    if settings.size is None and max(height, width) <= DEFAULT_SIZE:
        return height, width
    return fit(height, width, settings.size or DEFAULT_SIZE)


def schedule(height: int, width: int, settings: DeepDreamSettings) -> list[tuple[int, int]]:
    """Return the sizes at which a photo of some size is dreamt on, from small to full.

    Raises:
        SettingError: If the picture would be too narrow for the network.
    """
    rows, columns = painted_size(height, width, settings)
    if min(rows, columns) < SMALLEST:
        raise SettingError(
            f"the picture would be dreamt on at {columns}×{rows} pixels; each side needs at least {SMALLEST}, so "
            "choose a larger size or picture"
        )
    shrunk = [settings.octave_scale**-octave for octave in range(settings.pace().octaves - 1, -1, -1)]
    sizes = [(round(rows * scale), round(columns * scale)) for scale in shrunk]
    return [size for size in sizes if min(size) >= SMALLEST]


def networks(settings: DeepDreamSettings) -> dict[str, nn.Module]:
    """Return the networks that can dream, the chosen one first, without weights: on the meta device."""
    names = sorted(get_args(Backbone), key=lambda name: name != settings.backbone)
    with torch.device("meta"):
        return {name: EfficientNetLite0() if name == "efficientnet-lite0" else VGG(name) for name in names}


def objectives_for(
    network: VGG | EfficientNetLite0, settings: DeepDreamSettings, guide: Picture | None = None
) -> list[tuple[float, Objective]]:
    """Return what is to grow, and how much each counts: layers, or a class first and the usual layers with it."""
    layers = objective_of_layers(network, settings, guide)
    if not settings.dream_of:
        return [(1.0, layers)]
    assert isinstance(network, EfficientNetLite0)
    return [(1.0, objective_of_class(network, settings)), (GROUND, layers)]


def objective_of_class(network: EfficientNetLite0, settings: DeepDreamSettings) -> Objective:
    """Return how likely the class that is dreamt of is, place by place."""
    index, stride = class_index(settings.dream_of), layers_of(settings.backbone)["head"].stride
    weight, bias = network.classifier.weight, network.classifier.bias

    def objective(picture: Picture) -> Scores:
        return {settings.dream_of: (likelihood(network(picture, ["head"])["head"], weight, bias, index), stride)}

    return objective


def objective_of_layers(
    network: VGG | EfficientNetLite0, settings: DeepDreamSettings, guide: Picture | None = None
) -> Objective:
    """Return J(x) place by place: a term for each layer."""
    chosen = [layer_named(layer, settings.backbone) for layer in settings.layer_names()]
    shares = settings.layer_weights or (1.0,) * len(chosen)
    guides = [None] * len(chosen) if guide is None else guide_features(network, guide, chosen)
    names = {each.layer for each in chosen}

    def objective(picture: Picture) -> Scores:
        features = network(picture, names)
        scores: dict[str, tuple[Tensor, int]] = {}
        for name, each, share, wanted in zip(settings.layer_names(), chosen, shares, guides, strict=True):
            seen = each.of(features)
            grown = energy(seen) if wanted is None else matching(seen, wanted)
            scores[name] = share * grown, layers_of(settings.backbone)[each.layer].stride
        return scores

    return objective


def guide_features(
    network: VGG | EfficientNetLite0, guide: Picture, chosen: Sequence[Chosen]
) -> list[Float[Tensor, "n c"]]:
    """Return what a guide shows at some of its places, evenly spread, for each chosen layer."""
    height, width = guide.shape[-2:]
    rows, columns = fit(height, width, min(max(height, width), GUIDE_SIZE))
    looked_at = resize(guide, max(SMALLEST, rows), max(SMALLEST, columns))
    with torch.no_grad():
        features = network(looked_at, {each.layer for each in chosen})
    places = [each.of(features)[0].flatten(1).mT for each in chosen]
    return [rows[:: -(-len(rows) // MOST_MATCHES)].contiguous() for rows in places]


def palette(photo: Picture) -> Float[Tensor, "3 3"]:
    """Return the covariance of a photo's colours, scaled to a trace of 3, mixed with a little of every colour."""
    pixels = photo[0].flatten(1)
    centred = pixels - pixels.mean(dim=1, keepdim=True)
    covariance = centred @ centred.mT / centred.shape[1]
    identity = torch.eye(3).to(photo)
    share = covariance.trace().clamp_min(torch.finfo(photo.dtype).tiny)
    return torch.lerp(3 * covariance / share, identity, GREY_SHARE)


class _Ascent:
    """Steps up the gradient of objectives."""

    def __init__(
        self, objectives: Sequence[tuple[float, Objective]], settings: DeepDreamSettings, colors: Tensor | None
    ) -> None:
        self.objectives, self.settings, self.colors = objectives, settings, colors
        self.pace, self.generator = settings.pace(), torch.Generator().manual_seed(settings.seed)
        self.growth = GROWTH_OF_A_CLASS if settings.dream_of else GROWTH
        self.begin()

    def begin(self) -> None:
        """Forget where the last steps went, before a picture of another size."""
        self.direction: Tensor | None = None

    def step(self, picture: Picture, weight: Tensor | None) -> tuple[Picture, dict[str, float]]:
        """Return a picture that shows more of what is dreamt, and how much of it the given one shows."""
        gradient, terms = self._gradient(picture)
        kept = 0 if self.direction is None else self.pace.momentum * self.direction
        self.direction = kept + evened(gradient, 0)
        change = evened(self.direction, self.settings.laplacian_levels, self.growth, weight)
        if self.colors is not None:
            change = evened(torch.einsum("kc,bchw->bkhw", self.colors, change), 0, weight=weight)
        if weight is not None:
            change = change * weight
        return (picture + self.pace.step_size * change).clamp(0, 1), terms | {"total": sum(terms.values())}

    def _gradient(self, picture: Picture) -> tuple[Picture, dict[str, float]]:
        """Return where what is dreamt grows, each objective as strong as it counts, and how much of it is there."""
        shift = [self._shift() for _ in ("down", "right")]
        shifted = picture.roll(shift, (2, 3))
        gradient, terms = torch.zeros_like(picture), dict[str, float]()
        for share, objective in self.objectives:
            slope, found = tiled_gradient(shifted, objective, self.settings.tile, RIM)
            gradient += share * evened(slope.roll([-each for each in shift], (2, 3)), 0)
            terms |= found
        return gradient, terms

    def _shift(self) -> int:
        jitter = self.settings.jitter
        return int(torch.randint(-jitter, jitter + 1, (), generator=self.generator))
