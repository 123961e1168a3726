"""CUT, FastCUT and SinCUT: one way, without pairs (Park, Efros, Zhang & Zhu 2020; arXiv:2007.15651).

How it works: a generator G turns pictures x of one kind into such of another, of which a discriminator D sees real
ones y. What keeps G(x) like x is PatchNCE (equation 3): what a place of G(x) shows should be told from 255 others
by what stood there in x. Compared are features of G's own encoder, after small networks H that learn along with it,
at 256 places of five layers:

    L = L_GAN(G, D) + λ_X PatchNCE(x, G(x)) + λ_Y PatchNCE(y, G(y))                          (equation 5)

CUT has λ_X = λ_Y = 1, halved as in the authors' code; FastCUT λ_X = 10 and λ_Y = 0, and mirrors half of what G is
given, but not what its results are compared with, so that G treats both alike. SinCUT (appendix A)
learns from a single large picture of each kind: from crops of 64 pixels, of which one place is told from those of
the other crops of a batch; G(y) should be y in L1 too, and D's slope at real pictures is penalised (R1).

**Deviations**: pictures of any shape are trained on in crops, never squeezed into squares. Encoded features of x
are those of the pass that translates it. H's first weights are drawn from N(0, 0.02²), as all others', and it is
improved by the optimiser of G, which does for each what one of its own would. SinCUT has the ResNet and the
PatchGAN, narrower and without normalisation, since a crop's statistics are not those of the picture, where the
authors have StyleGAN2's networks, and so other layers, weights and a tenth of the rate; every crop has a scale of
its own. With `diff_augment` D sees pictures changed at random (Zhao et al. 2020), for small data. Besides the
ResNet there can be a U-Net, whose encoder is compared where it has halved the picture 0 to 4 times.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import normalize, relu

from impasto._typing import Features
from impasto.data.pairs import Direction
from impasto.errors import SettingError, check_choice, check_range, check_whole
from impasto.losses.adversarial import Adversarial
from impasto.losses.patchnce import TEMPERATURE
from impasto.nn.adversarial import AdversarialSettings, Architecture
from impasto.nn.blocks import init_normal
from impasto.nn.patchgan import PatchGAN
from impasto.nn.resnet import ResnetGenerator
from impasto.nn.unet import UNet
from impasto.weights.model import Card

Others = Literal["picture", "batch"]
CutNorm = Literal["instance", "none"]
PADDED, DOWN, BLOCKS = 0, (4, 8), 12
"""The authors' numbers of the ResNet's padded picture, of its convolutions that go down, and of its first block."""
PAPERS, UNETS = (0, 4, 8, 12, 16), (0, 1, 2, 3, 4)
"""The layers that are compared where none are given, of the ResNet and of the U-Net."""
WIDTH = 256
"""Numbers that H makes of each place."""


@dataclass(frozen=True)
class CutSettings(AdversarialSettings):
    """How the networks are built and trained; every value is checked at once."""

    name: ClassVar[str] = "cut"

    adversarial: Adversarial = "lsgan"
    """The adversarial loss; all but wgangp."""
    in_channels: int = 3
    """Channels of what is translated: 1 is grey, 3 is RGB, 4 has alpha as well."""
    out_channels: int = 3
    """Channels of what it becomes."""
    base_channels: int = 64
    """Channels of the first layers; the paper's are 64."""
    generator: Architecture = "resnet"
    """The paper's ResNet, or a U-Net."""
    num_blocks: int = 9
    """Residual blocks of the ResNet."""
    num_downs: int = 8
    """How often the U-Net halves the picture: 8 for crops of 256 pixels, 7 for 128."""
    num_layers: int = 3
    """Layers of stride 2 of the discriminator: 3 see 70 × 70 pixels."""
    norm: CutNorm = "instance"
    """What normalises."""
    nce_weight: float = 1.0
    """How much PatchNCE counts beside the adversarial term; the paper's λ."""
    nce_identity: bool = True
    """Whether pictures that are of the kind already are compared with what becomes of them, too."""
    nce_layers: tuple[int, ...] = ()
    """Layers of the encoder that are compared. Of the ResNet by the authors' numbers: 0 is the picture, 4 and 8 go
    down, 12 and more are blocks; of the U-Net by how often they halve the picture. Without any given they are the
    paper's 0 4 8 12 16, or 0 1 2 3 4."""
    num_patches: int = 256
    """Places of each layer that are told from each other."""
    others: Others = "picture"
    """Where the places are that one is told from: in the same picture, or in all of a batch."""
    temperature: float = TEMPERATURE
    """What likenesses are divided by; the paper's τ."""
    flip_equivariance: bool = False
    """Whether half of the pictures are translated mirrored, and compared with what they were."""
    identity_weight: float = 0.0
    """How much L1 counts between pictures that are of the kind already and what becomes of them."""
    r1_weight: float = 0.0
    """How much the discriminator's slope at real pictures counts."""
    zoom: float = 1.0
    """Crops are cut up to so many times as large, and reduced."""
    crops_a_round: int = 0
    """How many crops make a round; 0 is one of every picture of the larger kind."""
    direction: Direction = "AtoB"
    """Which kind is translated."""

    def __post_init__(self) -> None:
        check_choice("adversarial", self.adversarial, ("vanilla", "lsgan", "hinge"))
        super().__post_init__()
        check_choice("norm", self.norm, CutNorm)
        check_choice("others", self.others, Others)
        check_choice("direction", self.direction, Direction)
        for name in ("in_channels", "out_channels"):
            check_choice(name, getattr(self, name), (1, 3, 4))
        for name in ("nce_weight", "identity_weight", "r1_weight"):
            check_range(name, getattr(self, name), 0, 1e9)
        check_range("temperature", self.temperature, 1e-3, 1e3)
        check_range("zoom", self.zoom, 1, 16)
        check_whole("base_channels", self.base_channels, 1, 1024)
        check_choice("generator", self.generator, Architecture)
        check_whole("num_blocks", self.num_blocks, 0, 64)
        check_whole("num_downs", self.num_downs, 5, 12)
        check_whole("num_layers", self.num_layers, 1, 8)
        check_whole("num_patches", self.num_patches, 1, 65536)
        check_whole("crops_a_round", self.crops_a_round, 0, 1_000_000_000)
        known = (PADDED, *DOWN, *range(BLOCKS, BLOCKS + self.num_blocks))
        if self.generator == "unet":
            self.check_halved(self.num_downs)
            known = (*range(self.num_downs),)
        for layer in self.compared:
            check_choice("nce_layers", layer, known)
        if sorted({*self.compared}) != [*self.compared]:
            raise SettingError(
                f"nce_layers is {' '.join(map(str, self.compared))}; choose some of {', '.join(map(str, known))}, "
                "in order"
            )
        if self.in_channels != self.out_channels:
            raise SettingError(
                f"in_channels is {self.in_channels} and out_channels {self.out_channels}, but the encoder sees "
                "both what goes in and what comes out; make them the same"
            )
        if self.others == "picture" and self.num_patches < 2:
            raise SettingError("num_patches is 1, of which none can be told from others; set others batch, or more")
        if self.others == "batch" and self.batch_size * self.num_patches < 2:
            raise SettingError("a batch has one place, which cannot be told from others; raise batch_size")

    @property
    def compared(self) -> tuple[int, ...]:
        """The layers of the encoder that are compared."""
        return self.nce_layers or (UNETS if self.generator == "unet" else PAPERS)

    @property
    def translates_both(self) -> bool:
        """Whether pictures that are of the kind already go through the generator, too."""
        return self.nce_identity or self.identity_weight > 0


@dataclass(frozen=True)
class FastCutSettings(CutSettings):
    """As CUT's, without the identity and with mirrored pictures, which takes less time and memory."""

    name: ClassVar[str] = "fastcut"

    nce_weight: float = 10.0
    nce_identity: bool = False
    flip_equivariance: bool = True
    epochs: int = 150
    decay_epochs: int = 50


@dataclass(frozen=True)
class SinCutSettings(CutSettings):
    """As CUT's, for one large picture of each kind."""

    name: ClassVar[str] = "sincut"

    adversarial: Adversarial = "vanilla"
    load_size: int = 1024
    crop_size: int = 64
    zoom: float = 3.0
    batch_size: int = 16
    crops_a_round: int = 100_000
    epochs: int = 8
    decay_epochs: int = 8
    learning_rate: float = 2e-4
    """Of Adam; the authors' 2e-3 is for StyleGAN2's layers, whose weights are scaled where they are used, and makes
    nothing but black and white of plain ones."""
    betas: tuple[float, float] = (0.0, 0.99)
    base_channels: int = 32
    num_blocks: int = 6
    norm: CutNorm = "none"
    nce_weight: float = 4.0
    num_patches: int = 1
    others: Others = "batch"
    identity_weight: float = 1.0
    r1_weight: float = 1.0

    @property
    def whole_size(self) -> int:
        """Pixels of the shorter side of the picture whole, to be looked at or measured."""
        return self.load_size


class Heads(nn.Module):
    """H: what makes comparable vectors of sampled places, two layers for each layer of the encoder.

    Example:
        >>> heads = heads_of(CutSettings())
        >>> vectors = heads(features, places)  # one (b, 256, 256) for each layer
    """

    def __init__(self, widths: Sequence[int]) -> None:
        """Build.

        Args:
            widths: Channels of each layer that is compared.
        """
        super().__init__()
        self.first = nn.ModuleList(nn.Linear(width, WIDTH) for width in widths)
        self.second = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in widths)

    def forward(
        self, features: Sequence[Tensor], places: Sequence[Int[Tensor, " n"]]
    ) -> list[Float[Tensor, "b _n w"]]:
        """Return a vector of length 1 for each sampled place, layer by layer.

        Args:
            features: `(b, c, height, width)` of each layer.
            places: Which of its places, numbered row by row.
        """
        vectors = []
        for layer, chosen, first, second in zip(features, places, self.first, self.second, strict=True):
            sampled = layer.flatten(2)[:, :, chosen].transpose(1, 2)
            vectors.append(normalize(second(relu(first(sampled))).float(), dim=2))
        return vectors


def sample_places(features: Sequence[Tensor], count: int) -> list[Tensor]:
    """Draw places of each layer, by PyTorch's generator: all different, the same for all pictures of a batch."""
    return [torch.randperm(layer[0, 0].numel())[:count].to(layer.device) for layer in features]


def _layers(generator: ResnetGenerator | UNet) -> tuple[nn.Module, dict[int, nn.Module]]:
    """Return the layer that takes the picture, and those after it that can be compared, by their numbers."""
    if isinstance(generator, UNet):
        return generator.down[0], dict(enumerate(generator.down, 1))
    places = dict(zip(DOWN, generator.down, strict=True)) | dict(enumerate(generator.blocks, BLOCKS))
    return generator.enter, places


@contextmanager
def layers_seen(generator: ResnetGenerator | UNet, layers: Sequence[int]) -> Iterator[list[Features]]:
    """Gather what layers of the encoder give of the one batch that goes through it meanwhile.

    The picture is taken with its border, if it has one, and convolutions that go down before they are normalised.

    Args:
        generator: Which.
        layers: Their numbers, as `nce_layers` has them, in order.
    """
    found: list[Features] = []

    def keep_input(_: nn.Module, given: tuple[Any, ...]) -> None:
        found.append(given[0])

    def keep_output(_: nn.Module, given: tuple[Any, ...], output: Tensor) -> None:
        found.append(output)

    enter, places = _layers(generator)
    hooks = [
        enter.register_forward_pre_hook(keep_input)
        if layer == PADDED
        else places[layer].register_forward_hook(keep_output)
        for layer in layers
    ]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def encode(generator: ResnetGenerator | UNet, picture: Features, layers: Sequence[int]) -> list[Features]:
    """Return what layers of the encoder give of pictures, without computing any that come after.

    Args:
        generator: Which.
        picture: `(b, c, height, width)` in [-1, 1].
        layers: Their numbers, as `nce_layers` has them, in order.
    """
    with layers_seen(generator, layers) as found:
        if isinstance(generator, UNet):
            generator.encoded(picture, layers[-1])
        else:
            generator.encoded(picture, max(0, layers[-1] + 1 - BLOCKS))
    return found


def generator_of(settings: CutSettings) -> ResnetGenerator | UNet:
    """Return the generator that settings describe, its first weights drawn."""
    shape = settings.in_channels, settings.out_channels, settings.base_channels
    network: ResnetGenerator | UNet
    if settings.generator == "unet":
        network = UNet(*shape, settings.num_downs, settings.norm, dropout=False, upsampling="resize")
    else:
        network = ResnetGenerator(*shape, settings.num_blocks, settings.norm, antialiased=True)
    _draw(network, settings)
    return network


def discriminator_of(settings: CutSettings) -> PatchGAN:
    """Return the discriminator that settings describe, its first weights drawn."""
    network = PatchGAN(settings.out_channels, settings.base_channels, settings.num_layers, settings.norm)
    _draw(network, settings)
    return network


def heads_of(settings: CutSettings) -> Heads:
    """Return the heads that settings describe, their first weights drawn."""
    with torch.device("meta"):
        places = _layers(generator_of(settings))[1]
    widths = [
        next(places[layer].parameters()).shape[0] if layer else settings.in_channels for layer in settings.compared
    ]
    heads = Heads(widths)
    init_normal(heads)
    return heads


def _draw(network: nn.Module, settings: CutSettings) -> None:
    """Draw first weights; without normalisation those of PyTorch stay, since N(0, 0.02²) would let signals fade."""
    if settings.norm != "none":
        init_normal(network)


def networks(settings: CutSettings) -> dict[str, nn.Module]:
    """Return the networks by name, without weights: on the meta device."""
    with torch.device("meta"):
        return {
            "generator": generator_of(settings),
            "discriminator": discriminator_of(settings),
            "heads": heads_of(settings),
        }


def card_of(settings: CutSettings) -> Card:
    """Return what a model file says about a generator that settings describe."""
    return Card(
        method=settings.name,
        settings=asdict(settings),
        channels=(settings.in_channels, settings.out_channels),
        value_range=(-1.0, 1.0),
        inference={"norm": settings.norm, "dropout": "none"},
    )
