"""Large pictures from label maps (Wang, Liu, Zhu, Tao, Kautz & Catanzaro 2018; arXiv:1711.11585).

How it works: a global generator paints at half the size; a local enhancer adds its features to those of its own at
the whole size and paints the rest. Discriminators at several scales judge label map and picture side by side, each
patch of them. Beside the adversarial loss the generator matches what real pictures give in every layer of every
discriminator, and in a VGG,

    min_G  Σ_k L_GAN(G, D_k) + λ Σ_k L_FM(G, D_k)      (equation 5, λ = 10).

What goes in is the label map, one channel a class, and where objects touch: a pixel lies on a boundary if one of
its four neighbours belongs to another instance. An encoder can add what each object of a real picture looks like,
one vector an instance; k-means of these vectors, class by class, are the looks to choose from afterwards.

**Deviations**: pictures of any shape are trained on in crops. Verdicts and features are averaged over the scales,
so that their number does not change what weighs how much.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, relu

from impasto._typing import Features
from impasto.errors import check_whole
from impasto.losses.adversarial import Adversarial
from impasto.nn.blocks import init_normal, norm_layer
from impasto.nn.compute import frozen_for_speed
from impasto.nn.labelled import LabelSettings, discriminator_of
from impasto.nn.patchgan import MultiscaleDiscriminator
from impasto.nn.resnet import ResnetBlock, ResnetGenerator, enlarging, reflected
from impasto.nn.translate import Generator
from impasto.weights.model import Card


@dataclass(frozen=True)
class Pix2PixHDSettings(LabelSettings):
    """How the networks are built and trained; every value is checked at once."""

    adversarial: Adversarial = "lsgan"
    """The adversarial loss."""
    num_downs: int = 4
    """How often the global generator halves its picture."""
    num_blocks: int = 9
    """Residual blocks of the global generator."""
    enhanced: bool = False
    """Whether a local enhancer paints at twice the size of the global generator; begin with one trained alone."""
    enhancer_blocks: int = 3
    """Residual blocks of the local enhancer."""
    num_scales: int = 3
    """How many discriminators judge: at the whole size, at a half and a quarter of it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("num_downs", self.num_downs, 1, 8)
        check_whole("num_blocks", self.num_blocks, 0, 64)
        check_whole("enhancer_blocks", self.enhancer_blocks, 0, 64)


class LocalEnhancer(Generator):
    """A global generator that paints at half the size, and layers around it that paint at the whole size.

    Example:
        >>> network = LocalEnhancer(ResnetGenerator(36, 3, num_downs=4), 36, 3)
        >>> fake = network(torch.zeros(1, 36, 512, 1024))
    """

    def __init__(self, coarse: ResnetGenerator, in_channels: int, out_channels: int, num_blocks: int = 3) -> None:
        """Build.

        Args:
            coarse: The global generator, trained or not; it gives its last layer up.
            in_channels: Of the input, the same for both.
            out_channels: Of the output.
            num_blocks: Residual blocks at half the size.
        """
        super().__init__()
        wide = coarse.enter.out_channels
        narrow = wide // 2
        self.stride, self.smallest = 2 * coarse.stride, 2 * coarse.smallest
        self.coarse = coarse
        del self.coarse.leave  # what paints at half the size is not needed any more
        self.enter, self.enter_norm = nn.Conv2d(in_channels, narrow, 7), norm_layer("instance", narrow)
        self.down, self.down_norm = nn.Conv2d(narrow, wide, 3, 2, padding=1), norm_layer("instance", wide)
        self.blocks = nn.ModuleList(ResnetBlock(wide, "instance", dropout=False) for _ in range(num_blocks))
        self.up, self.up_norm = enlarging(wide, narrow, True, "transposed"), norm_layer("instance", narrow)
        self.leave = nn.Conv2d(narrow, out_channels, 7)

    def forward(self, picture: Features) -> Float[Tensor, "b d h w"]:
        """Return the picture's translation.

        Args:
            picture: `(b, in_channels, height, width)`; height and width multiples of `stride`.
        """
        features = relu(self.enter_norm(self.enter(reflected(picture, 3))))
        features = relu(self.down_norm(self.down(features))) + self.coarse.features(halved(picture))
        for block in self.blocks:
            features = block(features)
        features = relu(self.up_norm(self.up(features)))
        painted: Tensor = self.leave(reflected(features, 3))
        return painted.tanh()


class InstanceEncoder(nn.Module):
    """What each object looks like: features of a real picture, averaged over each instance (section 3.4)."""

    def __init__(self, in_channels: int = 3, out_channels: int = 3, base_channels: int = 16) -> None:
        super().__init__()
        self.network = ResnetGenerator(in_channels, out_channels, base_channels, num_blocks=0, num_downs=4)

    def forward(self, picture: Features, instances: Int[Tensor, "b 1 h w"]) -> Float[Tensor, "b d h w"]:
        """Return features that are the same all over each instance.

        Args:
            picture: In [-1, 1].
            instances: Number of the object that each pixel belongs to.
        """
        return averaged(self.network(picture), instances)


def averaged(features: Features, instances: Int[Tensor, "b 1 h w"]) -> Features:
    """Return features of which every instance has its own mean."""
    means = []
    for picture, numbers in zip(features.flatten(2), instances.flatten(1), strict=True):
        _, which, counts = numbers.unique(return_inverse=True, return_counts=True)
        sums = picture.new_zeros(len(picture), len(counts)).index_add(1, which, picture)
        means.append((sums / counts)[:, which])
    return torch.stack(means).view_as(features)


def halved(picture: Features) -> Features:
    """Return a picture at half its size, as the global generator sees it."""
    return avg_pool2d(picture, 3, stride=2, padding=1, count_include_pad=False)


def generator_of(settings: Pix2PixHDSettings) -> Generator:
    """Return the generator that settings describe, its first weights drawn."""
    channels = settings.label_channels
    coarse = ResnetGenerator(channels, 3, settings.base_channels, settings.num_blocks, num_downs=settings.num_downs)
    network = LocalEnhancer(coarse, channels, 3, settings.enhancer_blocks) if settings.enhanced else coarse
    init_normal(network)
    return network


def judge_of(settings: Pix2PixHDSettings) -> MultiscaleDiscriminator:
    """Return the discriminators that settings describe, their first weights drawn."""
    network = discriminator_of(settings, spectral=False)
    init_normal(network)
    return network


def networks(settings: Pix2PixHDSettings) -> dict[str, nn.Module]:
    """Return the networks by name, without weights: on the meta device."""
    with torch.device("meta"):
        return {"generator": generator_of(settings), "discriminator": judge_of(settings)}


def translator(
    settings: Pix2PixHDSettings, tensors: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype
) -> Generator:
    """Return a trained generator, ready to paint label maps.

    Args:
        settings: How it was built.
        tensors: Its weights by name.
        device: Where it computes.
        dtype: In what.
    """
    with torch.device("meta"):
        network = generator_of(settings)
    network.load_state_dict(dict(tensors), assign=True)
    network.to(device, dtype)
    frozen_for_speed(network)
    return network


def card_of(settings: Pix2PixHDSettings) -> Card:
    """Return what a model file says about a generator that settings describe."""
    return Card(
        method="pix2pixhd",
        settings=asdict(settings),
        channels=(settings.label_channels, 3),
        value_range=(-1.0, 1.0),
        inference={"norm": "instance", "dropout": "none"},
    )
