"""J(G) against METHODS.md section 1 written out in numpy on a float64 VGG, for every option; and its gradient."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d

from impasto.image.regions import Style
from impasto.image.resize import resize
from impasto.methods.gatys import GatysSettings, Objective
from impasto.nn.vgg import VGG
from impasto.weights.load import load_weights

HEIGHT, WIDTH = 32, 40
DEPTHS = (2, 2, 3, 3, 3)
NAMES = [f"{block}_{index}" for block, depth in enumerate(DEPTHS, 1) for index in range(1, depth + 1)]
BALANCED = {
    "gram": {"1": 0.1, "2": 0.1, "3": 0.2, "4": 0.3, "5": 0.3},
    "wasserstein": {"1": 0.1, "2": 0.4, "3": 0.4, "4": 0.05, "5": 0.05},
}


def ramp(height: int, width: int, *, downwards: bool = False) -> Tensor:
    """Return a soft mask that rises from 0 to 1."""
    if downwards:
        return torch.linspace(0, 1, height).view(1, 1, height, 1).expand(1, 1, height, width).clone()
    return torch.linspace(0, 1, width).view(1, 1, 1, width).expand(1, 1, height, width).clone()


def disc(height: int, width: int) -> Tensor:
    """Return an opaque disc on nothing, with a hard edge."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    return (x**2 + y**2 < 0.6).float()[None, None]


@pytest.fixture(scope="module")
def pictures(photo: Tensor, painting: Tensor, other_painting: Tensor) -> dict[str, Tensor]:
    """Return a content, two styles of which the second has another shape, and a picture being painted."""
    content = resize(photo, HEIGHT, WIDTH)
    between = 0.6 * content + 0.4 * torch.rand(content.shape, generator=torch.Generator().manual_seed(0))
    return {
        "content": content,
        "style": resize(painting, 30, WIDTH),
        "other": resize(other_painting, WIDTH, 24),
        "picture": between,
    }


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return load_weights("vgg16", torch.float64)


class WrittenOut:
    """The objective by its formulas, one picture and one layer at a time, in float64."""

    def __init__(self, weights: dict[str, Tensor], settings: GatysSettings) -> None:
        self.weights, self.settings = weights, settings
        self.pool = {"max": max_pool2d, "average": avg_pool2d}[settings.pooling]

    def features(self, picture: Tensor) -> dict[str, np.ndarray]:
        """Return every layer, `(channels, height, width)`."""
        hidden = torch.from_numpy(np.pad(picture.double().numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge"))
        found = {}
        for name in NAMES:
            if name.endswith("_1") and name != "1_1":
                hidden = self.pool(hidden, 2)
            weight, bias = self.weights[f"conv{name}.weight"], self.weights[f"conv{name}.bias"]
            hidden = conv2d(hidden, weight, bias, padding=0 if name == "1_1" else 1).clamp_min(0)
            found[f"relu{name}"] = hidden[0].numpy()
        return found

    def content(self, picture: Tensor, content: Tensor, visible: Tensor | None) -> float:
        ours, theirs = self.features(picture), self.features(content)
        total = 0.0
        for name in self.settings.content_layers:
            channels, height, width = theirs[name].shape
            weight = 1.0 if visible is None else shrunk(visible, height, width)
            squares = (weight * (ours[name] - theirs[name]) ** 2).sum()
            if self.settings.scaling == "paper":
                total += squares / (4 * height * width * channels)
            else:
                total += squares / (theirs[name] ** 2).sum()
        return self.settings.content_weight * total

    def style(self, picture: Tensor, styles: list[Style], visible: Tensor | None) -> float:
        settings = self.settings
        blend = settings.style_blend or [1] * len(styles)
        ours, total = self.features(picture), 0.0
        areas, strengths = [], []
        for share, style in zip(blend, styles, strict=True):
            masks = [mask for mask in (style.region, visible) if mask is not None]
            areas.append(math.prod(mask.double() for mask in masks) if masks else None)
            strengths.append(share / sum(blend) * (1.0 if areas[-1] is None else areas[-1].mean().item()))
        everywhere = [torch.ones(1, 1, 1, 1) if area is None else area for area in areas]
        union = torch.stack(torch.broadcast_tensors(*everywhere)).amax(dim=0).mean().item()
        for here, area, style in zip(strengths, areas, styles, strict=True):
            here *= union / sum(strengths)  # noqa: PLW2901
            theirs = self.features(self.at_scale(style.picture))
            for name, weight in self.layer_weights().items():
                if settings.style_loss == "wasserstein" and name[4] in "123":
                    total += here * weight * self.wasserstein(ours[name], area, theirs[name], style.visible)
                    continue
                gram, target = self.gram(ours[name], area), self.gram(theirs[name], style.visible)
                squares = ((gram - target) ** 2).sum()
                if settings.scaling == "paper":
                    total += here * weight * squares / (4 * len(gram) ** 2)
                else:
                    total += here * weight * squares / (target**2).sum()
        return settings.style_weight * total

    def at_scale(self, painting: Tensor) -> Tensor:
        """Make the longest side as long as the picture's times the scale, no side below 16 pixels."""
        longest = max(16, round(WIDTH * self.settings.style_scale))
        height, width = (round(side * longest / max(painting.shape[-2:])) for side in painting.shape[-2:])
        return resize(painting, max(16, height), max(16, width))

    def layer_weights(self) -> dict[str, float]:
        settings = self.settings
        layers = settings.style_layers
        if settings.style_layer_weights:
            return dict(zip(layers, settings.style_layer_weights, strict=True))
        raw = {
            "equal": dict.fromkeys(layers, 1.0),
            "exponential": {name: 2.0**-depth for depth, name in enumerate(layers)},
            "balanced": {name: BALANCED[settings.style_loss][name[4]] for name in layers},
        }[settings.layer_weighting]
        return {name: weight / sum(raw.values()) for name, weight in raw.items()}

    @staticmethod
    def gram(features: np.ndarray, guide: Tensor | None) -> np.ndarray:
        """Divide A·Aᵀ by the number of places, so that pictures of two sizes can be compared."""
        channels, height, width = features.shape
        flat = features.reshape(channels, -1)
        if guide is not None:
            weight = shrunk(guide, height, width).reshape(-1)
            flat = flat * weight * math.sqrt(height * width / (weight**2).sum())
        return flat @ flat.T / (height * width)

    @classmethod
    def wasserstein(cls, ours: np.ndarray, area: Tensor | None, theirs: np.ndarray, part: Tensor | None) -> float:
        """Move one Gaussian onto the other: nuclear norm of the product of their roots."""
        (mean, covariance), (target_mean, target) = cls.gaussian(ours, area), cls.gaussian(theirs, part)
        ridge = 1e-3 * np.diag(target).mean() * np.eye(len(target))
        covariance, target = covariance + ridge, target + ridge
        overlap = np.linalg.svd(cls.root(covariance) @ cls.root(target), compute_uv=False).sum()
        distance = ((mean - target_mean) ** 2).sum() + np.trace(covariance + target) - 2 * overlap
        return float(distance / ((target_mean**2).sum() + np.trace(target)))

    @staticmethod
    def root(matrix: np.ndarray) -> np.ndarray:
        values, vectors = np.linalg.eigh(matrix)
        return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T

    @classmethod
    def gaussian(cls, features: np.ndarray, guide: Tensor | None) -> tuple[np.ndarray, np.ndarray]:
        channels, height, width = features.shape
        weight = np.ones(height * width) if guide is None else shrunk(guide, height, width).reshape(-1) ** 2
        return (
            np.average(features.reshape(channels, -1), axis=1, weights=weight),
            np.cov(features.reshape(channels, -1), aweights=weight, ddof=0),
        )

    def smoothness(self, picture: Tensor) -> float:
        values = picture.double().numpy()
        across, down = np.diff(values, axis=3), np.diff(values, axis=2)
        return self.settings.tv_weight * ((across**2).mean() + (down**2).mean())


def shrunk(mask: Tensor, height: int, width: int) -> np.ndarray:
    """Average a mask over the pixels that each of height × width cells touches."""
    values = mask[0, 0].double().numpy()
    rows, columns = values.shape
    cells = np.empty((height, width))
    for y in range(height):
        top, bottom = y * rows // height, -(-(y + 1) * rows // height)
        for x in range(width):
            left, right = x * columns // width, -(-(x + 1) * columns // width)
            cells[y, x] = values[top:bottom, left:right].mean()
    return cells


ALL_LAYERS = tuple(f"relu{name}" for name in NAMES)
CASES: dict[str, dict[str, Any]] = {
    "default": {},
    "weights": {"content_weight": 3.0, "style_weight": 0.25, "tv_weight": 7.0},
    "content layers": {"content_layers": ("relu2_2", "relu5_3", "relu1_1")},
    "style layers": {"style_layers": ("relu1_2", "relu3_3", "relu5_2")},
    "style layers, deepest first": {
        "style_layers": ("relu4_1", "relu2_1"),
        "layer_weighting": "exponential",
    },
    "every layer": {"content_layers": ALL_LAYERS, "style_layers": ALL_LAYERS},
    "equal": {"layer_weighting": "equal"},
    "exponential": {"layer_weighting": "exponential"},
    "given weights": {"style_layer_weights": (2.0, 0.0, 1.0, 0.5, 3.0)},
    "paper": {"scaling": "paper", "style_loss": "gram"},
    "average": {"pooling": "average"},
    "two styles": {"two": True},
    "blend": {"two": True, "style_blend": (3.0, 1.0)},
    "blend with nothing of one": {"two": True, "style_blend": (0.0, 1.0)},
    "region": {"regions": True},
    "regions": {"two": True, "regions": True, "style_blend": (2.0, 1.0)},
    "visible": {"visible": True},
    "visible, paper": {"visible": True, "scaling": "paper", "style_loss": "gram"},
    "visible and regions": {
        "two": True,
        "regions": True,
        "visible": True,
        "scaling": "paper",
        "style_loss": "gram",
    },
    "part of the style": {"part": True},
    "small strokes": {"style_scale": 0.5},
    "large strokes": {"style_scale": 1.7, "two": True},
    "strokes smaller than the network sees": {"style_scale": 0.1},
    "no content": {"content_weight": 0.0},
    "no style": {"style_weight": 0.0},
    "no smoothness": {"tv_weight": 0.0},
    "all at once": {
        "two": True,
        "regions": True,
        "visible": True,
        "part": True,
        "style_scale": 1.3,
        "style_blend": (1.0, 4.0),
        "content_layers": ("relu3_2", "relu4_2"),
        "layer_weighting": "equal",
        "pooling": "average",
        "scaling": "paper",
        "style_loss": "gram",
        "tv_weight": 0.5,
    },
}
CASES |= {
    f"{name}, Gram": case | {"style_loss": "gram"} for name, case in CASES.items() if "style_loss" not in case
}
PICTURES_OF_CASE = ("two", "regions", "visible", "part")


def settings_of(case: dict[str, Any]) -> GatysSettings:
    return GatysSettings(**{name: value for name, value in case.items() if name not in PICTURES_OF_CASE})


def inputs_of(case: dict[str, Any], pictures: dict[str, Tensor]) -> tuple[list[Style], Tensor | None]:
    """Return the styles, with region and visible part, and what can be seen of the content."""
    paintings = [pictures["style"], pictures["other"]] if case.get("two") else [pictures["style"]]
    regions = [ramp(HEIGHT, WIDTH), ramp(HEIGHT, WIDTH, downwards=True)]
    styles = [
        Style(
            painting,
            region if case.get("regions") else None,
            ramp(*painting.shape[-2:], downwards=True) if case.get("part") else None,
        )
        for painting, region in zip(paintings, regions, strict=False)
    ]
    return styles, disc(HEIGHT, WIDTH) if case.get("visible") else None


@pytest.mark.parametrize("name", CASES)
def test_every_term_is_its_formula(name, pictures, weights):
    case = CASES[name]
    settings = settings_of(case)
    styles, visible = inputs_of(case, pictures)
    vgg = VGG.pretrained(pooling=settings.pooling)
    terms = Objective(vgg, pictures["content"], styles, settings, visible)(pictures["picture"])
    exact = WrittenOut(weights, settings)
    expected = {}
    if settings.content_weight:
        expected["content"] = exact.content(pictures["picture"], pictures["content"], visible)
    if settings.style_weight:
        expected["style"] = exact.style(pictures["picture"], styles, visible)
    if settings.tv_weight:
        expected["tv"] = exact.smoothness(pictures["picture"])
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-5)
    assert all(term.shape == () and term.dtype == torch.float32 for term in terms.values())
    assert min(expected.values()) > 1e-6, "this case must say something about each term"


@pytest.mark.parametrize("name", ["default", "default, Gram", "regions", "visible, paper", "all at once"])
def test_the_gradient_is_that_of_the_formula(name, pictures):
    """Central differences along random directions, in float64, with steps too small to meet a kink of ReLU.

    Max pooling would have kinks at near-ties.
    """
    case = CASES[name] | {"pooling": "average"}
    pictures = {kind: picture.double() for kind, picture in pictures.items()}
    styles, visible = inputs_of(case, pictures)
    styles = [
        Style(style.picture, *(None if mask is None else mask.double() for mask in (style.region, style.visible)))
        for style in styles
    ]
    vgg = VGG.pretrained(pooling="average", dtype=torch.float64)
    objective = Objective(vgg, pictures["content"], styles, settings_of(case), visible)
    picture = pictures["picture"].clone().requires_grad_()
    terms = objective(picture)
    generator = torch.Generator().manual_seed(1)
    directions = [torch.randn(picture.shape, generator=generator, dtype=torch.float64) for _ in range(2)]
    step = 1e-7
    for name_of_term, term in terms.items():
        (gradient,) = torch.autograd.grad(term, picture, retain_graph=True)
        for direction in directions:
            with torch.no_grad():
                higher = objective(picture + step * direction)[name_of_term]
                lower = objective(picture - step * direction)[name_of_term]
            slope = ((higher - lower) / (2 * step)).item()
            assert (gradient * direction).sum().item() == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_the_content_has_no_content_loss_and_the_style_no_style_loss(vgg, pictures):
    content = pictures["content"]
    objective = Objective(vgg, content, [Style(content)], GatysSettings(tv_weight=0))
    for term in objective(content).values():
        assert term.item() == pytest.approx(0, abs=1e-9)


def test_one_opaque_white_mask_is_no_mask(vgg, pictures):
    everywhere = torch.ones(1, 1, HEIGHT, WIDTH)
    plain = Objective(vgg, pictures["content"], [Style(pictures["style"])], GatysSettings())
    masked = Objective(
        vgg,
        pictures["content"],
        [Style(pictures["style"], everywhere, torch.ones(1, 1, 7, 5))],
        GatysSettings(),
        everywhere,
    )
    for name, term in plain(pictures["picture"]).items():
        torch.testing.assert_close(masked(pictures["picture"])[name], term, rtol=1e-5, atol=0)


def test_masks_of_any_size_are_brought_to_the_pictures(vgg, pictures):
    """A mask drawn twice as large is the same mask."""
    small = disc(HEIGHT, WIDTH)
    large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    terms = [
        Objective(
            vgg, pictures["content"], [Style(pictures["style"], mask)], GatysSettings(content_weight=0, tv_weight=0)
        )(pictures["picture"])["style"].item()
        for mask in (small, large)
    ]
    assert terms[1] == pytest.approx(terms[0], rel=0.03)


def test_what_cannot_be_seen_does_not_count(vgg, pictures):
    """Behind a wide transparent part anything may be painted, up to what a layer sees past its edge."""
    visible = torch.zeros(1, 1, HEIGHT, WIDTH)
    visible[..., :16] = 1
    # shallow layers, whose view is narrow: relu2_1 looks 5 pixels far
    settings = GatysSettings(content_layers=("relu2_1",), style_layers=("relu1_1", "relu2_1"), tv_weight=0)
    objective = Objective(vgg, pictures["content"], [Style(pictures["style"])], settings, visible)
    other = pictures["picture"].clone()
    other[..., 24:] = 1 - other[..., 24:]
    torch.testing.assert_close(objective(other), objective(pictures["picture"]), rtol=1e-5, atol=0)
    other[..., :8] = 1 - other[..., :8]
    for name, term in objective(other).items():
        assert abs(term.item() - objective(pictures["picture"])[name].item()) > 1e-3 * term.item()


def test_a_regions_area_is_its_share(vgg, pictures):
    """Parts together weigh as the whole: a pixel counts the same in a large region and in a small one."""
    left = torch.zeros(1, 1, HEIGHT, WIDTH)
    left[..., : WIDTH // 5] = 1
    settings = GatysSettings(content_weight=0, tv_weight=0, style_layers=("relu1_1",))
    # a constant picture has the same features everywhere, so every region of it is equally wrong
    flat = torch.full((1, 3, HEIGHT, WIDTH), 0.5)

    def loss(region: Tensor | None) -> float:
        return Objective(vgg, flat, [Style(pictures["style"], region)], settings)(flat)["style"].item()

    assert loss(left) == pytest.approx(loss(None) / 5, rel=1e-4)
    assert loss(left) + loss(1 - left) == pytest.approx(loss(None), rel=1e-4)
    # and two styles that share the picture between them are together as strong as one
    halves = [Style(pictures["style"], left), Style(pictures["style"], 1 - left)]
    shared = Objective(vgg, flat, halves, settings)(flat)["style"].item()
    assert shared == pytest.approx(loss(None), rel=1e-4)


def test_bf16_is_near_fp32(pictures, vgg):
    settings = GatysSettings()
    styles = [Style(pictures["style"])]
    exact = Objective(vgg, pictures["content"], styles, settings)(pictures["picture"])
    rounded = Objective(VGG.pretrained(dtype=torch.bfloat16), pictures["content"], styles, settings)(
        pictures["picture"]
    )
    for name, term in rounded.items():
        assert term.dtype == torch.float32
        assert term.item() == pytest.approx(exact[name].item(), rel=0.03)


def test_layer_shares_sum_to_one_unless_given():
    for weighting in ("balanced", "equal", "exponential"):
        for layers in (("relu1_1",), ("relu4_1", "relu2_1"), ALL_LAYERS):
            shares = GatysSettings(layer_weighting=weighting, style_layers=layers).layer_shares()
            assert tuple(shares) == layers
            assert sum(shares.values()) == pytest.approx(1)
            assert min(shares.values()) > 0
    falling = list(GatysSettings(layer_weighting="exponential").layer_shares().values())
    assert [later / earlier for earlier, later in itertools.pairwise(falling)] == pytest.approx([0.5] * 4)
    given = GatysSettings(style_layers=("relu1_1", "relu2_1"), style_layer_weights=(5.0, 7.0))
    assert given.layer_shares() == {"relu1_1": 5, "relu2_1": 7}


def test_blend_shares_sum_to_one():
    assert GatysSettings().blend_shares(4) == [0.25] * 4
    assert GatysSettings(style_blend=(3.0, 1.0)).blend_shares(2) == [0.75, 0.25]
    assert GatysSettings(style_blend=(0.0, 2.0)).blend_shares(2) == [0, 1]
