"""Translation learnt without pairs, both ways (Zhu, Park, Isola & Efros 2017; arXiv:1703.10593).

How it works: G turns pictures of one kind, A, into such of another, B, and F the other way round. Each kind has a
discriminator, which sees real pictures of it and generated ones. What keeps G from painting just any picture of B
is that F must find the way back:

    L = L_GAN(G, D_B) + L_GAN(F, D_A) + λ (‖F(G(a)) − a‖₁ + ‖G(F(b)) − b‖₁)       (equation 3, λ = 10)

and, so that colours stay (section 5.2), an identity term: what is of the kind already should not be changed,
½ λ (‖G(b) − b‖₁ + ‖F(a) − a‖₁). The adversarial loss is that of least squares; discriminators are halved, and half
of the fakes that they see are earlier ones, out of a pool of 50 (section 4).

**Deviations**: pictures of any shape are trained on in crops, never squeezed into squares. The identity term, which
the paper has for paintings, is on by default, as in the authors' code. What a generator makes of A and of B in one
step it makes in one batch, which instance normalisation cannot tell from two. With several processes the pool holds
the fakes of all of them, so that they learn what one process learns. With `diff_augment` discriminators see
pictures changed at random (Zhao et al. 2020), for small data.
"""

from dataclasses import asdict, dataclass

import torch
from torch import nn

from impasto.data.pairs import Direction
from impasto.errors import SettingError, check_choice, check_range, check_whole
from impasto.losses.adversarial import Adversarial
from impasto.nn.adversarial import AdversarialSettings, Architecture
from impasto.nn.blocks import Upsampling, init_normal
from impasto.nn.patchgan import PatchGAN
from impasto.nn.resnet import ResnetGenerator
from impasto.nn.translate import Generator
from impasto.nn.unet import UNet
from impasto.weights.model import Card


@dataclass(frozen=True)
class CycleGANSettings(AdversarialSettings):
    """How the networks are built and trained; every value is checked at once."""

    adversarial: Adversarial = "lsgan"
    """The adversarial loss; all but wgangp."""
    generator: Architecture = "resnet"
    """The paper's ResNet, or a U-Net."""
    in_channels: int = 3
    """Channels of A: 1 is grey, 3 is RGB, 4 has alpha as well."""
    out_channels: int = 3
    """Channels of B."""
    base_channels: int = 64
    """Channels of the first layers; the paper's are 64."""
    num_blocks: int = 9
    """Residual blocks of the ResNet: 9 for crops of 256 pixels, 6 for 128."""
    num_downs: int = 8
    """How often the U-Net halves the picture: 8 for crops of 256 pixels, 7 for 128."""
    num_layers: int = 3
    """Layers of stride 2 of the discriminators: 3 see 70 × 70 pixels."""
    upsampling: Upsampling = "transposed"
    """The paper's transposed convolutions, or nearest upsampling and a convolution, without checkerboards."""
    cycle_weight: float = 10.0
    """How much finding the way back counts beside the adversarial terms; the paper's λ."""
    identity_weight: float = 0.5
    """How much leaving alone what is of the kind already counts, as a share of the cycle; 0 does without."""
    pool_size: int = 50
    """Earlier fakes of each kind that its discriminator is shown half of the time; 0 shows the new ones alone."""

    def __post_init__(self) -> None:
        check_choice("adversarial", self.adversarial, ("vanilla", "lsgan", "hinge"))
        super().__post_init__()
        check_choice("generator", self.generator, Architecture)
        check_choice("upsampling", self.upsampling, Upsampling)
        for name in ("in_channels", "out_channels"):
            check_choice(name, getattr(self, name), (1, 3, 4))
        for name in ("cycle_weight", "identity_weight"):
            check_range(name, getattr(self, name), 0, 1e9)
        check_whole("base_channels", self.base_channels, 1, 1024)
        check_whole("num_blocks", self.num_blocks, 0, 64)
        check_whole("num_downs", self.num_downs, 5, 12)
        check_whole("num_layers", self.num_layers, 1, 8)
        check_whole("pool_size", self.pool_size, 0, 10_000)
        if self.identity_weight and self.in_channels != self.out_channels:
            raise SettingError(
                f"in_channels is {self.in_channels} and out_channels {self.out_channels}, which cannot be "
                "identical; set identity_weight 0"
            )
        if self.generator == "unet":
            self.check_halved(self.num_downs)


class BothWays(nn.Module):
    """The two generators, as one model file holds them."""

    def __init__(self, a_to_b: Generator, b_to_a: Generator) -> None:
        super().__init__()
        self.a_to_b, self.b_to_a = a_to_b, b_to_a


class BothJudges(nn.Module):
    """The two discriminators, each of its own kind."""

    def __init__(self, of_a: PatchGAN, of_b: PatchGAN) -> None:
        super().__init__()
        self.a, self.b = of_a, of_b


def generator_of(settings: CycleGANSettings, direction: Direction = "AtoB") -> Generator:
    """Return a generator that settings describe, its first weights drawn.

    Args:
        settings: Of the model.
        direction: Whether it makes B of A or A of B.
    """
    there, back = settings.in_channels, settings.out_channels
    channels = (*((there, back) if direction == "AtoB" else (back, there)), settings.base_channels)
    network: Generator
    if settings.generator == "unet":
        network = UNet(*channels, settings.num_downs, "instance", False, settings.upsampling)
    else:
        network = ResnetGenerator(*channels, settings.num_blocks, upsampling=settings.upsampling)
    init_normal(network)
    return network


def discriminator_of(settings: CycleGANSettings, channels: int) -> PatchGAN:
    """Return a discriminator that settings describe, its first weights drawn.

    Args:
        settings: Of the model.
        channels: Of the pictures it sees.
    """
    network = PatchGAN(channels, settings.base_channels, settings.num_layers, "instance")
    init_normal(network)
    return network


def networks(settings: CycleGANSettings) -> dict[str, nn.Module]:
    """Return the networks by name, without weights: on the meta device."""
    with torch.device("meta"):
        return {
            "generator_ab": generator_of(settings),
            "generator_ba": generator_of(settings, "BtoA"),
            "discriminator_a": discriminator_of(settings, settings.in_channels),
            "discriminator_b": discriminator_of(settings, settings.out_channels),
        }


def card_of(settings: CycleGANSettings) -> Card:
    """Return what a model file says about the two generators that settings describe."""
    return Card(
        method="cyclegan",
        settings=asdict(settings),
        channels=(settings.in_channels, settings.out_channels),
        value_range=(-1.0, 1.0),
        inference={"norm": "instance", "dropout": "none"},
    )
