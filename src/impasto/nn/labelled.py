"""What methods share that make pictures of label maps: settings, and what goes into their networks."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from impasto.errors import check_choice, check_range, check_whole
from impasto.image.labels import boundaries, one_hot
from impasto.nn.adversarial import AdversarialSettings
from impasto.nn.patchgan import MultiscaleDiscriminator, PatchGAN
from impasto.nn.vgg import Network

MOST_CLASSES = 4096


@dataclass(frozen=True)
class LabelSettings(AdversarialSettings):
    """How networks are built and trained that make pictures of label maps; every value is checked at once."""

    classes: int = 0
    """How many classes there are, ids from 0 on; 0 counts them in the maps that are trained on."""
    dont_care: bool = True
    """Whether ids beyond the classes (void, unlabelled) have a channel of their own; else they have none at all."""
    edges: bool = True
    """Whether networks see where objects touch, beside the classes."""
    base_channels: int = 64
    """Channels of the outermost layers; the papers' are 64."""
    discriminator_channels: int = 64
    """Channels of the discriminators' first layers."""
    num_scales: int = 2
    """How many discriminators judge: at the whole size, at a half of it, and so on."""
    num_layers: int = 3
    """Layers of stride 2 of each discriminator."""
    feature_weight: float = 10.0
    """How much the discriminators' features count."""
    perceptual_weight: float = 10.0
    """How much a VGG's features count."""
    network: Network = "vgg16"
    """Which VGG."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("classes", self.classes, 0, MOST_CLASSES)
        check_whole("base_channels", self.base_channels, 1, 1024)
        check_whole("discriminator_channels", self.discriminator_channels, 1, 1024)
        check_whole("num_scales", self.num_scales, 1, 6)
        check_whole("num_layers", self.num_layers, 1, 8)
        for name in ("feature_weight", "perceptual_weight"):
            check_range(name, getattr(self, name), 0, 1e9)
        check_choice("network", self.network, Network)

    @property
    def label_channels(self) -> int:
        """Channels of what networks see of a label map."""
        return self.classes + self.dont_care + self.edges

    def encoded(
        self, labels: Int[Tensor, "b 1 h w"], instances: Int[Tensor, "b 1 h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Return what networks see of a label map: a channel a class, and where objects touch."""
        channels = one_hot(labels, self.classes, self.dont_care)
        return torch.cat([channels, boundaries(instances)], dim=1) if self.edges else channels


def discriminator_of(settings: LabelSettings, *, spectral: bool) -> MultiscaleDiscriminator:
    """Return discriminators that see label map and picture side by side."""
    channels = settings.label_channels + 3
    return MultiscaleDiscriminator(
        [
            PatchGAN(
                channels,
                settings.discriminator_channels,
                settings.num_layers,
                "instance",
                padding=2,
                spectral=spectral,
            )
            for _ in range(settings.num_scales)
        ]
    )
