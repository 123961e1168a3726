"""Neural style transfer (Gatys, Ecker & Bethge 2016; arXiv:1508.06576): one painting, optimised pixel by pixel.

How it works: a pretrained network (VGG) extracts features of the content, the style and the picture being painted.
Deep features describe *what is where*: the picture's should equal the content's. Gram matrices of features, which
forget the position, describe *how it is painted*: the picture's should equal the style's. With a small smoothness
term these make one number to minimise over the pixels,

    J(G) = content_weight · J_content + style_weight · Σ_l w_l · J_style(l) + tv_weight · J_TV.

**Deviations** from the paper, each because it painted better or sooner where it was tried:

- terms are relative to their targets (`scaling="paper"` with `style_loss="gram"` gives the printed formulas): every
  layer then counts as much as its weight says, while in the paper's scaling relu4_1 and relu5_1 stay unmatched;
- the style layers of blocks 1 to 3 are compared by the Wasserstein distance of means and covariances
  (`losses.wasserstein`) instead of Gram matrices, whose squared error barely penalises colours that are not in the
  painting; these would show as green and orange tints;
- the start is the content in the style's colours, not noise;
- coarse to fine (Gatys et al. 2017, "Controlling Perceptual Factors"), carrying up what changed, so that no
  detail of the content is lost;
- L-BFGS walks freely but the network sees the picture clamped to [0, 1], with a pull back to that range:
  clamping only at the end would spoil the colours; its first guess of the curvature goes by frequency and by
  place (`nn.lbfgs`);
- max pooling by default (the paper prefers average), VGG-16 by default (the paper uses VGG-19).

Masks are guided Gram matrices and colour modes are those of "Preserving Color" (2016), see `losses` and `image`.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from impasto._typing import Picture, Weight
from impasto.errors import SettingError, check_choice, check_count, check_range, check_whole
from impasto.image.color import Colors, luminance, match_colors, recolor, with_chroma_of
from impasto.image.regions import Style, intersect, shrink_mask
from impasto.image.resize import fit, pyramid, resize, resize_change
from impasto.losses.content import content_loss
from impasto.losses.scaling import Scaling
from impasto.losses.smoothness import total_variation
from impasto.losses.style_target import StyleTarget
from impasto.nn.compute import Device, Precision, choose_device, choose_dtype, repeatable
from impasto.nn.descent import Optimizer, minimise
from impasto.nn.vgg import VGG, Network, Pooling, block_of, layer_names
from impasto.result import OnStep, Step

Start = Literal["toned", "content", "noise", "style", "draft"]
LayerWeighting = Literal["balanced", "equal", "exponential"]
StyleLoss = Literal["wasserstein", "gram"]

STARTS: tuple[Start, ...] = get_args(Start)

WASSERSTEIN_BLOCKS = (1, 2, 3)
"""Blocks compared by the Wasserstein distance, if that is chosen: deeper ones have 512 channels, whose
eigendecomposition takes as long as the rest of a step, and carry little colour."""
BALANCED: dict[StyleLoss, dict[int, float]] = {
    "wasserstein": {1: 0.1, 2: 0.4, 3: 0.4, 4: 0.05, 5: 0.05},
    "gram": {1: 0.1, 2: 0.1, 3: 0.2, 4: 0.3, 5: 0.3},
}
"""Weight of a style layer by its block, when terms are relative."""


@dataclass(frozen=True)
class GatysSettings:
    """What can be chosen; every value is checked at once."""

    size: int | None = None
    """Longest side in pixels of what is painted; by default the content's, at most 1024."""
    content_weight: float = 0.03
    """How much the photo's own shapes count; 0.01 paints wildly, 0.1 timidly."""
    style_weight: float = 1.0
    """How much the painter's hand counts."""
    tv_weight: float = 0.3
    """How much neighbouring pixels are kept alike."""
    content_layers: tuple[str, ...] = ("relu4_2",)
    """Layers compared place by place; deeper ones keep only the arrangement."""
    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    """Layers whose features' statistics are compared with the painting's; shallow ones hold colour and strokes,
    deep ones large forms."""
    layer_weighting: LayerWeighting = "balanced"
    """Weight of each style layer: `balanced` has weights tuned for each `style_loss`, `equal` the same for all,
    `exponential` halves with every layer."""
    style_layer_weights: tuple[float, ...] = ()
    """The shares given one by one instead, as many as style layers."""
    style_blend: tuple[float, ...] = ()
    """Weight of each style picture, as many as styles; equal if not given."""
    style_scale: float = 1.0
    """Longest side of the style picture over that of the painting: larger makes larger strokes."""
    style_loss: StyleLoss = "wasserstein"
    """How style layers are compared: `wasserstein` (distance of means and covariances in blocks 1 to 3, clean
    colours) or `gram` (the paper's; needs about twice the content weight)."""
    scaling: Scaling = "relative"
    """How terms are scaled: relative to their targets, or as the paper prints them."""
    colors: Colors = "style"
    """Whose colours: the style's; or the photo's, kept by `luminance`, `histogram` or `linear` matching."""
    init: str = "toned"
    """Start: `toned` (content in the style's colours), `content`, `noise`, `style`, `draft` (painted in one pass
    by `prediction`), or a picture's path."""
    network: Network = "vgg16"
    """Which network looks; the ImageNet ones are fetched once."""
    pooling: Pooling = "max"
    """`max` is crisper, `average` smoother."""
    optimizer: Optimizer = "lbfgs"
    """`lbfgs` needs the fewest steps, `adam` the least memory."""
    learning_rate: float = 0.02
    """Step of Adam, in units of pixel values; L-BFGS finds its own."""
    steps: int = 40
    """Steps at the last, full size."""
    coarse_steps: int = 50
    """Steps at each smaller size before."""
    coarse_size: int = 128
    """Longest side where painting starts; as large as `size` paints at one size only."""
    seed: int = 0
    """Makes noise, and so the picture, the same again."""
    device: Device = "auto"
    """Where to compute."""
    precision: Precision = "auto"
    """In what to compute: bf16 is twice as fast where the hardware has it."""

    def __post_init__(self) -> None:
        check_choice("layer_weighting", self.layer_weighting, LayerWeighting)
        check_choice("style_loss", self.style_loss, StyleLoss)
        check_choice("scaling", self.scaling, Scaling)
        check_choice("colors", self.colors, Colors)
        check_choice("network", self.network, Network)
        check_choice("pooling", self.pooling, Pooling)
        check_choice("optimizer", self.optimizer, Optimizer)
        check_choice("device", self.device, Device)
        check_choice("precision", self.precision, Precision)
        for name in ("content_layers", "style_layers"):
            for layer in getattr(self, name):
                check_choice(name, layer, layer_names(self.network))
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise SettingError(f"{name} names a layer twice: {' '.join(getattr(self, name))}; name each once")
        for name in ("content_weight", "style_weight", "tv_weight"):
            check_range(name, getattr(self, name), 0, 1e9)
        for name in ("style_layer_weights", "style_blend"):
            for weight in getattr(self, name):
                check_range(name, weight, 0, 1e9)
        check_whole("size", SMALLEST if self.size is None else self.size, SMALLEST, LARGEST)
        check_whole("coarse_size", self.coarse_size, SMALLEST, LARGEST)
        check_range("style_scale", self.style_scale, 0.05, 20)
        check_range("learning_rate", self.learning_rate, 1e-6, 1)
        check_whole("steps", self.steps, 1, 1_000_000)
        check_whole("coarse_steps", self.coarse_steps, 1, 1_000_000)
        check_whole("seed", self.seed, 0, 2**63 - 1)
        check_count("style_layer_weights", self.style_layer_weights, len(self.style_layers), "style layers")
        if self.scaling == "paper" and self.style_loss != "gram":
            raise SettingError(
                "scaling is 'paper', which the paper prints for Gram matrices; choose style_loss gram"
            )
        if self.style_layer_weights and not any(self.style_layer_weights):
            raise SettingError("style_layer_weights are all 0; one must be above, or style_weight 0 instead")
        if not ((self.content_weight and self.content_layers) or (self.style_weight and self.style_layers)):
            raise SettingError(
                "nothing is left to paint after: content_weight and content_layers, or style_weight and "
                "style_layers, must both be given"
            )

    @property
    def backbone(self) -> Network:
        """The pretrained network whose features are compared."""
        return self.network

    def layer_shares(self) -> dict[str, float]:
        """Return the weight of each style layer; they sum to 1 unless given one by one."""
        if self.style_layer_weights:
            return dict(zip(self.style_layers, self.style_layer_weights, strict=True))
        raw = {
            "balanced": [BALANCED[self.style_loss][block_of(name)] for name in self.style_layers],
            "equal": [1.0] * len(self.style_layers),
            "exponential": [0.5**depth for depth in range(len(self.style_layers))],
        }[self.layer_weighting]
        return {name: share / sum(raw) for name, share in zip(self.style_layers, raw, strict=True)}

    def blend_shares(self, styles: int) -> list[float]:
        """Return the weight of each style; they sum to 1.

        Raises:
            SettingError: If there are not as many weights as styles, or all are 0.
        """
        if not styles:
            raise SettingError("there is no style; give at least one painting")
        check_count("style_blend", self.style_blend, styles, "styles")
        blend = self.style_blend or (1.0,) * styles
        if sum(blend) == 0:
            raise SettingError("style_blend is 0 for every style; one must be above")
        return [share / sum(blend) for share in blend]


SMALLEST = 16
"""Pixels that VGG needs each way for its fifth block."""
LARGEST = 16384
DEFAULT_SIZE = 1024
"""Longest side painted when no size is asked for: larger takes memory and minutes that should be asked for."""


def paint(
    content: Picture,
    styles: Sequence[Style],
    settings: GatysSettings | None = None,
    *,
    visible: Weight | None = None,
    start: Picture | None = None,
    on_step: OnStep | None = None,
) -> Picture:
    """Paint the content after the styles.

    Args:
        content: `(1, 3, height, width)`, RGB in [0, 1].
        styles: One or more paintings.
        settings: See `GatysSettings`.
        visible: Which pixels of the content can be seen (its alpha); all if not given.
        start: A picture to start from, in place of `settings.init`; a draft has to be given here.
        on_step: Called after every step; raising in it cancels.

    Returns:
        The picture with the lowest loss at the final size, on the CPU.

    Raises:
        SettingError: If settings do not fit the styles or each other.
        ImpastoError: If the loss is not finite from the start.
        WeightsError: If the network is not to be had.
    """
    settings = settings or GatysSettings()
    settings.blend_shares(len(styles))
    if start is None:
        check_choice("init", settings.init, [name for name in STARTS if name != "draft"])
    device = choose_device(settings.device)
    vgg = VGG.pretrained(
        settings.network, settings.pooling, device=device, dtype=choose_dtype(settings.precision, device)
    )
    levels = schedule(content.shape[-2], content.shape[-1], settings)
    content, original = content.to(device), content.to(device)
    styles = [style.to(device) for style in styles]
    styles = [replace(style, picture=recolor(style.picture, content, settings.colors)) for style in styles]
    content = luminance(content) if settings.colors == "luminance" else content
    base = _start(content, styles, settings) if start is None else start.to(device)
    total, index = sum(level.steps for level in levels), itertools.count(1)

    def finished(picture: Tensor) -> Tensor:
        luminance_only = settings.colors == "luminance"
        return with_chroma_of(picture, resize(original, *picture.shape[-2:])) if luminance_only else picture

    def report(losses: Mapping[str, float], picture: Tensor) -> None:
        if on_step is not None:
            on_step(Step(next(index), total, losses, finished(picture)))

    with repeatable():
        picture = below = resize(base, levels[0].height, levels[0].width)
        for height, width, steps in levels:
            level = resize(base, height, width)
            picture = (level + resize_change(picture - below, height, width)).clamp(0, 1)
            objective = Objective(vgg, resize(content, height, width), styles, settings, visible)
            walk = objective, picture, steps, report, settings.optimizer, settings.learning_rate
            picture, below = minimise(*walk), level
    return finished(picture).cpu()


class Level(NamedTuple):
    """One size of the picture on its way up, in pixels, and how many steps are taken there."""

    height: int
    width: int
    steps: int


def schedule(height: int, width: int, settings: GatysSettings) -> list[Level]:
    """Return the sizes at which a content of some size is painted, coarse to fine.

    Args:
        height: Of the content, in pixels.
        width: Likewise.
        settings: Give the sizes and steps.

    Raises:
        SettingError: If the picture would be too narrow for VGG.
    """
    longest = settings.size or min(max(height, width), DEFAULT_SIZE)
    rows, columns = fit(height, width, longest)
    if min(rows, columns) < SMALLEST:
        raise SettingError(
            f"painted {longest} pixels long, the picture would be {columns}×{rows}; "
            f"each side needs at least {SMALLEST}, so choose a larger size or crop the picture"
        )
    coarse = [fit(height, width, length) for length in pyramid(longest, settings.coarse_size)[:-1]]
    below = [Level(*size, settings.coarse_steps) for size in coarse if min(size) >= SMALLEST]
    return [*below, Level(rows, columns, settings.steps)]


def networks(settings: GatysSettings) -> dict[str, nn.Module]:
    """Return the networks that can look, the chosen one first, without weights: on the meta device."""
    names = sorted(get_args(Network), key=lambda name: name != settings.network)
    with torch.device("meta"):
        return {name: VGG(name, settings.pooling) for name in names}


class Objective:
    """J(G) for one content, its styles and one size; calling it gives the weighted terms.

    Example:
        >>> objective = Objective(vgg, content, [Style(painting)], settings)
        >>> sum(objective(picture).values()).backward()
    """

    def __init__(
        self,
        vgg: VGG,
        content: Picture,
        styles: Sequence[Style],
        settings: GatysSettings,
        visible: Weight | None = None,
    ) -> None:
        self.vgg, self.settings = vgg, settings
        self.content_layers = settings.content_layers if settings.content_weight else ()
        self.shares = settings.layer_shares() if settings.style_weight else {}
        self.layers = {*self.content_layers, *self.shares}
        self.visible = None if visible is None or bool((visible == 1).all()) else visible.to(content)
        with torch.no_grad():
            features = vgg(content, self.content_layers)
            self.content = {name: features[name].float() for name in self.content_layers}
            targets = [
                _Target(self, style, share, content.shape[-2:])
                for style, share in zip(styles, settings.blend_shares(len(styles)), strict=True)
            ]
        # a style without weight, or whose region cannot be seen, has nothing to say
        self.styles = [target for target in targets if target.share > 0] if self.shares else []
        self.style_weight = settings.style_weight * _evening(self.styles)
        if not (self.content or self.styles):
            raise SettingError("no style can be seen and content_weight is 0; there is nothing to paint")

    def __call__(self, picture: Picture) -> dict[str, Tensor]:
        """Return the terms `content`, `style` and `tv`, weighted; their sum is what is minimised."""
        settings = self.settings
        features = self.vgg(picture, self.layers)
        terms = {}
        if self.content:
            losses = [
                content_loss(features[name], target, self._guide(target), settings.scaling)
                for name, target in self.content.items()
            ]
            terms["content"] = settings.content_weight * torch.stack(losses).sum()
        if self.styles:
            losses = [target.loss(features) for target in self.styles]
            terms["style"] = self.style_weight * torch.stack(losses).sum()
        if settings.tv_weight:
            terms["tv"] = settings.tv_weight * total_variation(picture)
        return terms

    def _guide(self, features: Tensor) -> Tensor | None:
        return None if self.visible is None else shrink_mask(self.visible, *features.shape[-2:])


class _Target:
    """The statistics of one style at one size, and the loss against them."""

    def __init__(self, objective: Objective, style: Style, share: float, size: Sequence[int]) -> None:
        settings = objective.settings
        self.region = intersect([style.region, objective.visible], *size)
        # a region's loss is a mean over the region; its area makes every pixel count the same
        self.share = share if self.region is None else share * float(self.region.mean())
        length = max(SMALLEST, round(max(size) * settings.style_scale))
        rows, columns = style.picture.shape[-2:]
        rows, columns = fit(rows, columns, length)
        painting = resize(style.picture, max(SMALLEST, rows), max(SMALLEST, columns))
        features = objective.vgg(painting, objective.shares)
        part = None if style.visible is None else style.visible.to(painting)
        guides = _guides(part, features)
        by_distance = [name for name in objective.shares if block_of(name) in WASSERSTEIN_BLOCKS]
        wasserstein = by_distance if settings.style_loss == "wasserstein" else ()
        self.target = StyleTarget(features, objective.shares, wasserstein, settings.scaling, guides)

    def loss(self, features: Mapping[str, Tensor]) -> Tensor:
        return self.share * self.target.loss(features, _guides(self.region, features))


def _evening(targets: Sequence[_Target]) -> float:
    """Return what makes the styles together as strong, wherever one applies, as one style would be."""
    if any(target.region is None for target in targets) or not targets:
        return 1.0
    covered = torch.cat([target.region for target in targets if target.region is not None]).amax(dim=0).mean()
    return float(covered) / sum(target.share for target in targets)


def _start(content: Tensor, styles: Sequence[Style], settings: GatysSettings) -> Tensor:
    if settings.init == "content":
        return content
    if settings.init == "noise":
        generator = torch.Generator().manual_seed(settings.seed)
        return torch.rand(content.shape, generator=generator).to(content)
    if settings.init == "style":
        return resize(styles[0].picture, *content.shape[-2:])
    toned, covered = content, torch.zeros_like(content[:, :1])
    shares = settings.blend_shares(len(styles))
    for share, style in zip(shares, styles, strict=True):
        region = intersect([style.region], *content.shape[-2:])
        weight = share if region is None else region
        toned = toned + weight * (match_colors(content, style.picture) - content)
        covered = covered + weight
    return (content + (toned - content) / covered.clamp_min(1)).clamp(0, 1)


def _guides(region: Weight | None, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a region at the size of each layer."""
    if region is None:
        return {}
    return {name: shrink_mask(region, *each.shape[-2:]) for name, each in features.items()}
