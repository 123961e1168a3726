"""What sees pictures for measures of sets of them: the bundled network, or the one of published FIDs."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from impasto._typing import Picture
from impasto.image.resize import resize
from impasto.nn.efficientnet_lite import EfficientNetLite0
from impasto.nn.inception import NAME, SIZE, InceptionV3

SEEN_SIZE = 224
"""Pixels each way at which EfficientNet-Lite0 sees pictures, as it was trained."""
Features = Literal["efficientnet-lite0", "inception-v3"]
"""What sees sets of pictures: the bundled network, or the one that published distances are measured with."""


class Seer(NamedTuple):
    """What sees pictures for measures of all together.

    Attributes:
        see: Gives features of pictures, a row each.
        about: What it is, for the protocol.
        ending: Of the measures' names.
    """

    see: Callable[[Picture], Float[Tensor, "b d"]]
    about: str
    ending: str


def seer(features: Features = "efficientnet-lite0", device: torch.device | None = None) -> Seer:
    """Return what sees pictures.

    Args:
        features: Which network.
        device: Where it computes; on the CPU by default.

    Raises:
        WeightsError: If InceptionV3 cannot be fetched.
    """
    if features == "inception-v3":
        inception = InceptionV3.pretrained().to(device)
        return Seer(inception, f"InceptionV3 ({NAME}), pooled, at {SIZE}×{SIZE}, bilinear", "")
    network = EfficientNetLite0.pretrained().to(device)

    @torch.no_grad()
    def see(picture: Picture) -> Tensor:
        with torch.autocast(picture.device.type, enabled=False):
            pooled: Tensor = network(resize(picture.float(), SEEN_SIZE, SEEN_SIZE), ["pooled"])["pooled"]
        return pooled

    return Seer(see, f"EfficientNet-Lite0, pooled, at {SEEN_SIZE}×{SEEN_SIZE}", "_efficientnet_lite0")
