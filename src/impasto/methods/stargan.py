"""Translation between many domains by one generator (Choi, Choi, Kim, Ha, Kim & Choo 2018; arXiv:1711.09020).

How it works: a generator G takes a picture x and a label c, a number for each domain, repeated over all places and
put beside the colours as channels. A discriminator D has two heads: is a picture real, patch by patch, and to which
domain does it belong? With c′ the label that x has, c one drawn from the data and x̂ between x and G(x, c),

    L_D = −E D(x) + E D(G(x, c)) + λ_gp E (‖∇D(x̂)‖₂ − 1)² + λ_cls L_cls(x, c′)
    L_G = −E D(G(x, c)) + λ_cls L_cls(G(x, c), c) + λ_rec ‖x − G(G(x, c), c′)‖₁       (equations 5 to 8),

λ_cls = 1, λ_rec = 10, λ_gp = 10: what is painted belongs to the domain, and what was painted can be undone, so that
nothing but the domain changes. D takes `n_critic` steps before G takes one. L_cls is a cross entropy for domains
that exclude each other, a sum of binary ones for attributes. Of pictures out of several data sets only the names of
their own are known: the others are 0 in c, a mask vector tells which, and D is judged by those alone
(`data.label_sets`).

**Deviations**: a step of the training is `n_critic` batches, D's update on each of them and G's on the last, which
the fakes of D's update serve, too. Target labels are those of pictures drawn from the same data set, which is what
shuffling a batch's labels comes to, and does not depend on how large a batch is. Batches mix data sets where the
authors' code takes them in turn. Pictures of any shape are trained on in crops, and mirrored; transparent drawings
lie on white. With `upsampling` resize the transposed convolutions, which leave a lattice as long as they learn,
are nearest upsampling and one of 3 × 3 (Odena et al. 2016). With `diff_augment` D sees pictures changed at random
(Zhao et al. 2020), for small data. Besides the paper's generator there can be a U-Net. In the paper's, instance
normalisation follows the layer that sees the label and takes out all that is the same at every place, so that the
label is told by the zeros around the picture alone; the U-Net has none there, and its last layers see the picture
with its label once more. With `attention` the generator gives a mask A along with the colours C that it paints, and
the picture is A · C + (1 − A) · x (after Pumarola et al. 2018, GANimation, arXiv:1807.09251, whose mask is 1 where
the picture stays, and whose penalties of it we leave out): where nothing should change, nothing has to be learnt.
"""

from dataclasses import asdict, dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu

from impasto._typing import Features
from impasto.data.label_sets import LabelSets
from impasto.errors import InputError, SettingError, check_choice, check_range, check_whole
from impasto.losses.adversarial import Adversarial
from impasto.nn.adversarial import AdversarialSettings, Architecture
from impasto.nn.blocks import Enlarge, InstanceNorm, Upsampling, convolved_by, init_normal, normalised_by
from impasto.nn.strips import Source, bordered_by, kept, side_by_side, source_of, summed
from impasto.nn.translate import Generator
from impasto.nn.unet import UNet
from impasto.nn.winograd import Conv3x3
from impasto.weights.foreign_domains import CELEBA
from impasto.weights.model import Card

NUM_DOWNS = 2
SLOPE = 0.01


@dataclass(frozen=True)
class StarganSettings(AdversarialSettings):
    """How the networks are built and trained; every value is checked at once."""

    adversarial: Adversarial = "wgangp"
    """The adversarial loss."""
    load_size: int = 128
    """What the shorter side is resized to before a crop is cut."""
    crop_size: int = 128
    """Pixels each way of the crops it is trained on."""
    batch_size: int = 16
    """Crops that go through the networks at once."""
    learning_rate: float = 1e-4
    """Of Adam, for both networks."""
    domains: tuple[str, ...] = ()
    """What it translates to, a text for each data set: names with | between them of which a picture has one, or
    with commas of which it has any number; by default what there is to train on."""
    attributes: str = ""
    """Which attributes of a CelebA file to learn, with commas between them; by default the paper's five if the file
    has them, or else all."""
    base_channels: int = 64
    """Channels of the generator's first layer; the paper's are 64."""
    discriminator_channels: int = 64
    """Channels of the discriminator's first layer; every further one has twice as many."""
    generator: Architecture = "resnet"
    """The paper's generator with residual blocks, or a U-Net, which sees the label where nothing normalises it away
    and is at its best with attention."""
    num_blocks: int = 6
    """Residual blocks of the paper's generator."""
    num_downs: int = 7
    """How often the U-Net halves the picture: 7 for crops of 128 pixels, 6 for 64."""
    upsampling: Upsampling = "transposed"
    """The paper's transposed convolutions, or nearest upsampling and a convolution, without checkerboards."""
    attention: bool = False
    """Whether the generator paints only where a mask says that it makes itself, and keeps the picture elsewhere."""
    num_layers: int = 6
    """Layers of stride 2 of the discriminator: 6 leave 2 × 2 places of 128 pixels; give 5 for 64 pixels."""
    n_critic: int = 5
    """Steps of the discriminator for each of the generator."""
    cls_weight: float = 1.0
    """How much the domain counts; the paper's λ_cls."""
    rec_weight: float = 10.0
    """How much it counts that a translation can be undone; the paper's λ_rec."""
    penalty_weight: float = 10.0
    """How much the gradient penalty counts, for wgangp; the paper's λ_gp."""

    def __post_init__(self) -> None:
        super().__post_init__()
        LabelSets.read(self.domains)
        check_choice("upsampling", self.upsampling, Upsampling)
        check_choice("generator", self.generator, Architecture)
        for name in ("cls_weight", "rec_weight", "penalty_weight"):
            check_range(name, getattr(self, name), 0, 1e9)
        check_whole("base_channels", self.base_channels, 1, 1024)
        check_whole("discriminator_channels", self.discriminator_channels, 1, 1024)
        check_whole("num_blocks", self.num_blocks, 0, 64)
        check_whole("num_downs", self.num_downs, 5, 12)
        if self.generator == "unet":
            self.check_halved(self.num_downs)
        check_whole("num_layers", self.num_layers, 1, 10)
        check_whole("n_critic", self.n_critic, 1, 100)
        if min(self.crop) >> self.num_layers == 0:
            raise SettingError(
                f"num_layers is {self.num_layers}, which leaves nothing of crops of {min(self.crop)} pixels; "
                f"allowed are at most {min(self.crop).bit_length() - 1}"
            )

    @property
    def labels(self) -> LabelSets:
        """What it knows by name."""
        return LabelSets.read(self.domains)


class _Block(nn.Module):
    """Two convolutions of 3 × 3, with zeros around, whose result is added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Conv3x3(channels, channels, padding=1, bias=False)
        self.first_norm = InstanceNorm(channels, affine=True)
        self.second = Conv3x3(channels, channels, padding=1, bias=False)
        self.second_norm = InstanceNorm(channels, affine=True)

    def forward(self, features: Features) -> Features:
        change: Tensor = self.second_norm(self.second(relu(self.first_norm(self.first(features)))))
        return features + change

    def in_strips(self, source: Source) -> Source:
        source = source_of(kept(source, self.first.weight.dtype))
        inner = normalised_by(self.first_norm, convolved_by(self.first, source)).mapped(relu)
        return summed(normalised_by(self.second_norm, convolved_by(self.second, inner)), source)


class DomainGenerator(Generator):
    """A picture beside a label in, a picture of the same size out, in [-1, 1].

    c7s1-64, two layers of 4 × 4 and stride 2, residual blocks, two transposed ones of 4 × 4, c7s1-3; with zeros
    around, and instance normalisation that learns scale and shift.

    Example:
        >>> network = DomainGenerator(5)
        >>> fake = network(with_label(torch.zeros(1, 3, 128, 128), torch.zeros(1, 5)))
    """

    def __init__(
        self,
        label_channels: int,
        base_channels: int = 64,
        num_blocks: int = 6,
        upsampling: Upsampling = "transposed",
        out_channels: int = 3,
    ) -> None:
        """Build.

        Args:
            label_channels: Places of a label.
            base_channels: Channels at full resolution.
            num_blocks: Residual blocks.
            upsampling: Transposed convolutions as in the paper, or nearest upsampling and a convolution.
            out_channels: Of what it paints.
        """
        super().__init__()
        self.stride, self.smallest = 2**NUM_DOWNS, 2 ** (NUM_DOWNS + 1)
        widths = [base_channels * 2**level for level in range(NUM_DOWNS + 1)]
        self.enter = nn.Conv2d(3 + label_channels, base_channels, 7, padding=3, bias=False)
        self.enter_norm = InstanceNorm(base_channels, affine=True)
        self.down = nn.ModuleList(
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False) for width in widths[:-1]
        )
        self.down_norm = nn.ModuleList(InstanceNorm(width, affine=True) for width in widths[1:])
        self.blocks = nn.ModuleList(_Block(widths[-1]) for _ in range(num_blocks))
        self.up = nn.ModuleList(_enlarging(width, width // 2, upsampling) for width in widths[:0:-1])
        self.up_norm = nn.ModuleList(InstanceNorm(width, affine=True) for width in widths[-2::-1])
        self.leave = nn.Conv2d(base_channels, out_channels, 7, padding=3, bias=False)

    def forward(self, entered: Features) -> Float[Tensor, "b d h w"]:
        """Return the picture's translation.

        Args:
            entered: What `with_label` gives; height and width multiples of `stride`.

        Raises:
            InputError: If they are not.
        """
        height, width = entered.shape[-2:]
        if min(height, width) < self.smallest or height % self.stride or width % self.stride:
            raise InputError(
                f"the picture is {width}×{height} pixels; each side must be a multiple of {self.stride}, "
                f"at least {self.smallest}"
            )
        for block in self.blocks[:1]:
            assert isinstance(block, _Block)
            entered = block.first.laid_out(entered, self.stride)
        features = relu(self.enter_norm(self.enter(entered)))
        for convolution, norm in zip(self.down, self.down_norm, strict=True):
            features = relu(norm(convolution(features)))
        for block in self.blocks:
            features = block(features)
        for convolution, norm in zip(self.up, self.up_norm, strict=True):
            features = relu(norm(convolution(features)))
        painted: Tensor = self.leave(features)
        return painted.tanh()

    def in_strips(self, picture: Source) -> Source:
        """Return what paints strips of a picture's translation."""
        source = normalised_by(self.enter_norm, convolved_by(self.enter, picture)).mapped(relu)
        for convolution, norm in zip(self.down, self.down_norm, strict=True):
            source = normalised_by(norm, convolved_by(convolution, source)).mapped(relu)
        for block in self.blocks:
            assert isinstance(block, _Block)
            source = block.in_strips(source)
        for convolution, norm in zip(self.up, self.up_norm, strict=True):
            source = normalised_by(norm, convolved_by(convolution, source)).mapped(relu)
        return bordered_by(self.leave, source).mapped(torch.tanh)


def _enlarging(in_channels: int, out_channels: int, upsampling: Upsampling) -> nn.Module:
    """Return what doubles height and width."""
    if upsampling == "resize":
        return Enlarge(in_channels, out_channels, bias=False)
    return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, bias=False)


class KeepingGenerator(Generator):
    """A generator that paints where a mask says that it makes itself, and keeps the picture elsewhere.

    Reference: Pumarola, Agudo, Martinez, Sanfeliu & Moreno-Noguer 2018 (arXiv:1807.09251).
    """

    def __init__(self, painter: Generator) -> None:
        """Build.

        Args:
            painter: Gives four channels in [-1, 1]: colours, and the mask, which is 1 where they are taken.
        """
        super().__init__()
        self.painter, self.stride, self.smallest = painter, painter.stride, painter.smallest

    def forward(self, entered: Features) -> Float[Tensor, "b 3 h w"]:
        """Return the picture's translation.

        Args:
            entered: What `with_label` gives.
        """
        return _kept_elsewhere(torch.cat([self.painter(entered), entered[:, :3]], dim=1))

    def in_strips(self, picture: Source) -> Source | None:
        """Return what paints strips of a picture's translation."""
        painted = self.painter.in_strips(picture)
        if painted is None:
            return None
        return side_by_side(painted, picture)._replace(channels=3).mapped(lambda both: _kept_elsewhere(both[:, :7]))


def _kept_elsewhere(both: Float[Tensor, "b 7 _h w"]) -> Float[Tensor, "b 3 _h w"]:
    """Return colours where their mask is 1, and the picture where it is -1."""
    colors, mask, picture = both.split([3, 1, 3], dim=1)
    return torch.lerp(picture, colors, (mask + 1) / 2)


class DomainDiscriminator(nn.Module):
    """A picture in; out come a map of verdicts on its patches, and a logit for each domain.

    Layers of 4 × 4 and stride 2 without normalisation, each twice as wide as the one before, LeakyReLU 0.01.
    """

    def __init__(self, names: int, base_channels: int, num_layers: int, crop: tuple[int, int]) -> None:
        """Build.

        Args:
            names: How many domains there are.
            base_channels: Channels of the first layer.
            num_layers: Layers of stride 2.
            crop: Height and width of the pictures it judges.
        """
        super().__init__()
        widths = [base_channels * 2**level for level in range(num_layers)]
        self.down = nn.ModuleList(
            nn.Conv2d(narrow, width, 4, stride=2, padding=1)
            for narrow, width in zip([3, *widths[:-1]], widths, strict=True)
        )
        self.verdict = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)
        self.domain = nn.Conv2d(widths[-1], names, (crop[0] >> num_layers, crop[1] >> num_layers), bias=False)

    def forward(self, picture: Features) -> tuple[Float[Tensor, "b 1 _h _w"], Float[Tensor, "b names"]]:
        """Return verdicts and logits.

        Args:
            picture: `(b, 3, height, width)` in [-1, 1], of the size of the crops.
        """
        features = picture
        for convolution in self.down:
            features = leaky_relu(convolution(features), SLOPE)
        return self.verdict(features), self.domain(features).flatten(1)


def with_label(picture: Features, label: Float[Tensor, "b n"]) -> Float[Tensor, "b d h w"]:
    """Return pictures with labels beside their colours, the same at every place.

    Args:
        picture: `(b, 3, height, width)` in [-1, 1].
        label: What to translate to, one row for each.
    """
    planes = label.to(picture)[:, :, None, None].expand(-1, -1, *picture.shape[-2:])
    return torch.cat([picture, planes], dim=1)


def generator_of(settings: StarganSettings) -> Generator:
    """Return the generator that settings describe, its first weights drawn."""
    labels, base, out = settings.labels.channels, settings.base_channels, 4 if settings.attention else 3
    painter: Generator
    if settings.generator == "unet":
        painter = UNet(3 + labels, out, base, settings.num_downs, "instance", False, settings.upsampling)
        init_normal(painter)
    else:
        painter = DomainGenerator(labels, base, settings.num_blocks, settings.upsampling, out)
    return KeepingGenerator(painter) if settings.attention else painter


def discriminator_of(settings: StarganSettings) -> DomainDiscriminator:
    """Return the discriminator that settings describe, its first weights drawn."""
    names = len(settings.labels.names)
    return DomainDiscriminator(names, settings.discriminator_channels, settings.num_layers, settings.crop)


def networks(settings: StarganSettings) -> dict[str, nn.Module]:
    """Return the networks by name, without weights: on the meta device; those of the paper's faces by default."""
    settings = replace(settings, domains=settings.domains or (",".join(CELEBA),))
    with torch.device("meta"):
        return {"generator": generator_of(settings), "discriminator": discriminator_of(settings)}


def card_of(settings: StarganSettings) -> Card:
    """Return what a model file says about a generator that settings describe."""
    return Card(
        method="stargan",
        settings=asdict(settings),
        styles=settings.labels.names,
        channels=(3, 3),
        value_range=(-1.0, 1.0),
        inference={"norm": "instance, of the picture at hand", "dropout": "none"},
    )
