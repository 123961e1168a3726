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

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, relu

from impasto._typing import Features
from impasto.errors import check_choice, check_whole
from impasto.losses.adversarial import Adversarial
from impasto.nn.blocks import Upsampling, convolved_by, init_normal, norm_layer, normalised_by
from impasto.nn.clusters import k_means
from impasto.nn.labelled import LabelSettings, discriminator_of
from impasto.nn.lean import rectified, reflected
from impasto.nn.patchgan import MultiscaleDiscriminator
from impasto.nn.resnet import ResnetBlock, ResnetGenerator, enlarging, in_strips, painted_in_strips
from impasto.nn.strips import Source, summed
from impasto.nn.translate import Generator, translate
from impasto.weights.model import Card

CLUSTERS = 10
"""Looks to choose from for each class."""


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
    upsampling: Upsampling = "transposed"
    """The paper's transposed convolutions, or nearest upsampling and a convolution, without checkerboards."""
    low_memory: bool = False
    """Whether training computes what is inside the generator a second time instead of keeping it: slower."""
    instance_features: int = 0
    """Numbers that an encoder learns of what each object looks like, to choose among looks; the paper has 3."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("num_downs", self.num_downs, 1, 8)
        check_whole("num_blocks", self.num_blocks, 0, 64)
        check_whole("enhancer_blocks", self.enhancer_blocks, 0, 64)
        check_choice("upsampling", self.upsampling, Upsampling)
        check_whole("instance_features", self.instance_features, 0, 64)

    @property
    def known_labels(self) -> int:
        """How many classes have looks: all, and don't-care as one more."""
        return self.classes + self.dont_care


class LocalEnhancer(Generator):
    """A global generator that paints at half the size, and layers around it that paint at the whole size.

    Example:
        >>> network = LocalEnhancer(ResnetGenerator(36, 3, num_downs=4), 36, 3)
        >>> fake = network(torch.zeros(1, 36, 512, 1024))
    """

    def __init__(
        self,
        coarse: ResnetGenerator,
        in_channels: int,
        out_channels: int,
        num_blocks: int = 3,
        upsampling: Upsampling = "transposed",
    ) -> None:
        """Build.

        Args:
            coarse: The global generator, trained or not; it gives its last layer up.
            in_channels: Of the input, the same for both.
            out_channels: Of the output.
            num_blocks: Residual blocks at half the size.
            upsampling: Transposed convolutions as in the paper, or nearest upsampling and a convolution.
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
        self.up, self.up_norm = enlarging(wide, narrow, True, upsampling), norm_layer("instance", narrow)
        self.leave = nn.Conv2d(narrow, out_channels, 7)

    def forward(self, picture: Features) -> Float[Tensor, "b d h w"]:
        """Return the picture's translation.

        Args:
            picture: `(b, in_channels, height, width)`; height and width multiples of `stride`.
        """
        features = self.run(self._entered, picture) + self.coarse.features(halved(picture))
        for block in self.blocks:
            features = self.run(block, features)
        features = self.run(lambda inner: rectified(self.up_norm, self.up(inner)), features)
        painted: Tensor = self.leave(reflected(features, 3))
        return painted.tanh()

    def _entered(self, picture: Features) -> Features:
        features = rectified(self.enter_norm, self.enter(reflected(picture, 3)))
        return rectified(self.down_norm, self.down(features))

    def in_strips(self, picture: Source) -> Source:
        """Return what paints strips of a picture's translation."""
        source = in_strips(self.enter, self.enter_norm, picture, 3).mapped(relu)
        source = normalised_by(self.down_norm, convolved_by(self.down, source)).mapped(relu)
        source = summed(source, self.coarse.features_in_strips(halved_in_strips(picture)))
        for block in self.blocks:
            assert isinstance(block, ResnetBlock)
            source = block.in_strips(source)
        source = normalised_by(self.up_norm, convolved_by(self.up, source)).mapped(relu)
        return painted_in_strips(self.leave, source)


class InstanceEncoder(nn.Module):
    """What each object looks like: features of a real picture, averaged over each instance (section 3.4).

    Attributes:
        looks: `(classes, CLUSTERS, out_channels)`: what objects of each class look like in the training pictures,
            the looks of most objects first.
    """

    looks: Tensor

    def __init__(self, classes: int, out_channels: int = 3, base_channels: int = 16) -> None:
        super().__init__()
        self.network = ResnetGenerator(3, out_channels, base_channels, num_blocks=0, num_downs=4)
        self.register_buffer("looks", torch.zeros(classes, CLUSTERS, out_channels))

    def forward(self, picture: Features, instances: Int[Tensor, "b 1 h w"]) -> Float[Tensor, "b d h w"]:
        """Return features that are the same all over each instance.

        Args:
            picture: In [-1, 1], of any size.
            instances: Number of the object that each pixel belongs to.
        """
        return averaged(translate(self.network, picture), instances)

    def gather(self, found: Sequence[tuple[int, Float[Tensor, " n"]]], seed: int) -> None:
        """Let clusters of what was encoded be the looks of each class.

        Args:
            found: Class and features of every object.
            seed: Of the clusters.
        """
        for label in range(len(self.looks)):
            points = [features for of, features in found if of == label]
            if points:
                self.looks[label] = k_means(torch.stack(points), CLUSTERS, seed).to(self.looks)

    def drawn(self, label: int, seed: int, number: int) -> Float[Tensor, " n"]:
        """Return a look of a class that follows from the seed and an object's number: each object has its own."""
        which = int(np.random.SeedSequence((seed, number)).generate_state(1)[0]) % CLUSTERS
        return self.looks[min(label, len(self.looks) - 1), which]


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


def halved_in_strips(picture: Source) -> Source:
    """Return a picture at half its size, strip by strip."""

    def read(top: int, bottom: int) -> Tensor:
        first = max(0, 2 * top - 2)  # a row that the mean at the top edge of the strip needs, and one beyond it
        strip = halved(picture.read(first, min(picture.height, 2 * bottom)))
        return strip[:, :, top - first // 2 :][:, :, : bottom - top]

    return Source(read, picture.channels, picture.height // 2, picture.width // 2)


def generator_of(settings: Pix2PixHDSettings) -> Generator:
    """Return the generator that settings describe, its first weights drawn."""
    channels = settings.label_channels + settings.instance_features
    coarse = ResnetGenerator(
        channels,
        3,
        settings.base_channels,
        settings.num_blocks,
        upsampling=settings.upsampling,
        num_downs=settings.num_downs,
    )
    network: Generator = coarse
    if settings.enhanced:
        network = LocalEnhancer(coarse, channels, 3, settings.enhancer_blocks, settings.upsampling)
    if settings.instance_features:
        width = max(1, settings.base_channels // 4)
        network.encoder = InstanceEncoder(settings.known_labels, settings.instance_features, width)
    for module in network.modules():
        if isinstance(module, ResnetGenerator | LocalEnhancer):
            module.low_memory = settings.low_memory
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
        generator = generator_of(settings)
        encoder, generator.encoder = generator.encoder, None
        built: dict[str, nn.Module] = {"generator": generator, "discriminator": judge_of(settings)}
        return built if encoder is None else built | {"encoder": encoder}


def card_of(settings: Pix2PixHDSettings) -> Card:
    """Return what a model file says about a generator that settings describe."""
    return Card(
        method="pix2pixhd",
        settings=asdict(settings),
        channels=(settings.label_channels + settings.instance_features, 3),
        value_range=(-1.0, 1.0),
        inference={"norm": "instance", "dropout": "none"},
    )
