"""Translation learnt from pairs (Isola, Zhu, Zhou & Efros 2017; arXiv:1611.07004).

How it works: a generator G turns a picture x into one that should be y. A discriminator D sees (x, G(x)) or (x, y),
the two side by side as channels, and judges every patch of 70 × 70 pixels: is this y, given x? G minimises

    L = L_GAN(G, D) + λ ‖y − G(x)‖₁       (equation 4, λ = 100),

so the L1 term gets the large shapes right and the adversarial one makes details crisp, where L1 alone would blur
them. Noise comes from dropout in the generator, at train and at test time. D's loss is halved, which slows it down.

**Deviations**: pictures of any shape are trained on in crops, never squeezed into squares. Instance normalisation
may take the place of batch normalisation of single pictures, which it equals in training; unlike that it is the
same when the network is applied. Dropout stands where the authors' code has it: in the three layers of the decoder
after the innermost. With `upsampling` resize the U-Net ends with two convolutions at the full size that the paper's
does not have. With `diff_augment` D sees pictures changed at random (Zhao et al. 2020), for small data.
"""

from dataclasses import asdict, dataclass
from typing import Literal

import torch
from torch import nn

from impasto.data.pairs import Direction
from impasto.errors import check_choice, check_range, check_whole
from impasto.nn.adversarial import AdversarialSettings, Architecture
from impasto.nn.blocks import Norm, Upsampling, init_normal
from impasto.nn.patchgan import PatchGAN, PixelGAN
from impasto.nn.resnet import ResnetGenerator
from impasto.nn.translate import Generator
from impasto.nn.unet import UNet
from impasto.weights.model import Card

Judged = Literal["patch", "pixel"]


@dataclass(frozen=True)
class Pix2PixSettings(AdversarialSettings):
    """How the networks are built and trained; every value is checked at once."""

    generator: Architecture = "unet"
    """The paper's U-Net, or a ResNet, which takes pictures of more sizes."""
    discriminator: Judged = "patch"
    """Judges patches of 70 pixels, or every pixel by itself."""
    in_channels: int = 3
    """Channels of what is translated: 1 is grey, 3 is RGB, 4 has alpha as well."""
    out_channels: int = 3
    """Channels of what it becomes."""
    base_channels: int = 64
    """Channels of the first layers; the paper's are 64."""
    num_downs: int = 8
    """How often the U-Net halves the picture: 8 for crops of 256 pixels, 7 for 128."""
    num_blocks: int = 9
    """Residual blocks of the ResNet."""
    num_layers: int = 3
    """Layers of stride 2 of the discriminator: 3 see 70 × 70 pixels."""
    norm: Norm = "batch"
    """What normalises."""
    dropout: bool = True
    """Whether the generator has noise, in training and when it is applied."""
    upsampling: Upsampling = "transposed"
    """The paper's transposed convolutions, or nearest upsampling and a convolution, without checkerboards."""
    l1_weight: float = 100.0
    """How much the L1 term counts beside the adversarial one; the paper's λ."""
    gan_weight: float = 1.0
    """How much the adversarial term counts; 0 trains the L1 term alone."""
    penalty_weight: float = 10.0
    """How much the gradient penalty counts, for wgangp."""
    direction: Direction = "AtoB"
    """Which picture of a pair is translated."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("generator", self.generator, Architecture)
        check_choice("discriminator", self.discriminator, Judged)
        check_choice("norm", self.norm, Norm)
        check_choice("upsampling", self.upsampling, Upsampling)
        check_choice("direction", self.direction, Direction)
        for name in ("in_channels", "out_channels"):
            check_choice(name, getattr(self, name), (1, 3, 4))
        for name in ("l1_weight", "gan_weight", "penalty_weight"):
            check_range(name, getattr(self, name), 0, 1e9)
        check_whole("base_channels", self.base_channels, 1, 1024)
        check_whole("num_downs", self.num_downs, 5, 12)
        check_whole("num_blocks", self.num_blocks, 0, 64)
        check_whole("num_layers", self.num_layers, 1, 8)
        if self.generator == "unet":
            self.check_halved(self.num_downs)


def generator_of(settings: Pix2PixSettings) -> Generator:
    """Return the generator that settings describe, its first weights drawn."""
    channels = (settings.in_channels, settings.out_channels, settings.base_channels)
    network: Generator
    if settings.generator == "unet":
        network = UNet(*channels, settings.num_downs, settings.norm, settings.dropout, settings.upsampling)
    else:
        network = ResnetGenerator(
            *channels, settings.num_blocks, settings.norm, settings.dropout, settings.upsampling
        )
    init_normal(network)
    return network


def discriminator_of(settings: Pix2PixSettings) -> nn.Module:
    """Return the discriminator that settings describe, its first weights drawn; it sees both pictures at once."""
    channels, base = settings.in_channels + settings.out_channels, settings.base_channels
    network: nn.Module
    if settings.discriminator == "pixel":
        network = PixelGAN(channels, base, settings.norm)
    else:
        network = PatchGAN(channels, base, settings.num_layers, settings.norm)
    init_normal(network)
    return network


def networks(settings: Pix2PixSettings) -> dict[str, nn.Module]:
    """Return the networks by name, without weights: on the meta device."""
    with torch.device("meta"):
        return {"generator": generator_of(settings), "discriminator": discriminator_of(settings)}


def card_of(settings: Pix2PixSettings) -> Card:
    """Return what a model file says about a generator that settings describe."""
    noisy = settings.dropout and (settings.generator == "unet" or settings.num_blocks > 0)
    return Card(
        method="pix2pix",
        settings=asdict(settings),
        channels=(settings.in_channels, settings.out_channels),
        value_range=(-1.0, 1.0),
        inference={"norm": f"{settings.norm}, of the picture at hand", "dropout": "noise" if noisy else "none"},
    )
