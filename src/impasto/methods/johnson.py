"""One style in one pass (Johnson, Alahi & Fei-Fei 2016; arXiv:1603.08155): a network for each painting.

How it works: the image transformation network of `nn.transform` takes a photo and gives it back painted. It is
trained on crops of photos with a perceptual loss: a VGG that stays as it is looks at what was painted, and its
features should be those of the photo, its Gram matrices those of the painting,

    L = content_weight · L_content + style_weight · L_style + tv_weight · L_TV.

Painting then is one pass through the network, where Gatys et al. optimise every picture.

**Deviations**: instance instead of batch normalisation (Ulyanov et al. 2016), which made these networks good; and
those of `nn.transform` and `nn.perceptual`. A trained network knows one strength: less is its picture mixed with
the photo. The networks of pytorch/examples end without a sigmoid, and so can ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from impasto._typing import Picture
from impasto.errors import SettingError, check_choice
from impasto.nn.compute import frozen_for_speed
from impasto.nn.one_pass import paint_any_size
from impasto.nn.perceptual import PerceptualSettings
from impasto.nn.transform import Painting, TransformNetwork

Ending = Literal["sigmoid", "linear"]


@dataclass(frozen=True)
class JohnsonSettings(PerceptualSettings):
    """How the network is built and trained; every value is checked at once."""

    ending: Ending = "sigmoid"
    """How pixels come out of the last convolution: through a sigmoid, or as they are, cut to [0, 1]."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("ending", self.ending, Ending)


class LinearTransformNetwork(TransformNetwork):
    """One whose last convolution gives the pixels themselves."""

    def finished(self, values: Picture) -> Picture:
        """Return the values as a picture; in training uncut, for what is cut off has no gradient."""
        return values.float() if self.training else values.float().clamp(0, 1)


class Johnson(nn.Module):
    """An image transformation network with scales and shifts of its own.

    Example:
        >>> network = Johnson()
        >>> painted = network(picture)
    """

    def __init__(self, base_channels: int = 32, num_blocks: int = 5, ending: Ending = "sigmoid") -> None:
        super().__init__()
        kind = TransformNetwork if ending == "sigmoid" else LinearTransformNetwork
        self.transform = kind(base_channels, num_blocks)
        self.row = nn.Parameter(self.transform.plain_rows(1))

    def forward(self, picture: Picture) -> Picture:
        """Paint a batch.

        Args:
            picture: RGB in [0, 1]; height and width multiples of `nn.transform.STRIDE`.
        """
        everywhere = picture.new_ones(len(picture), 1, 1, 1)
        painted: Tensor = self.transform(picture, Painting(self.row, everywhere))
        return painted


class JohnsonPainter:
    """A trained network and the name of its style."""

    def __init__(self, network: Johnson, styles: Sequence[str]) -> None:
        self.network, self.styles = network, tuple(styles)

    def rows(self, styles: Sequence[Picture | str], scale: float = 1.0) -> Float[Tensor, "k n"]:
        """Return the network's one row, for each style asked for.

        Raises:
            SettingError: If a style is not the network's own.
        """
        for style in styles:
            if style not in self.styles:
                named = repr(style) if isinstance(style, str) else "a picture"
                raise SettingError(
                    f"style is {named}, and this network has learnt {self.styles[0]} alone; leave --style out, or "
                    "paint after any picture with method prediction"
                )
        return self.network.row.detach().cpu().expand(len(styles), -1)

    def plain_row(self, content: Picture) -> None:
        """Return nothing: this network cannot leave a photo as it is."""

    def paint(self, content: Picture, painting: Painting) -> Picture:
        """Paint a photo of any size."""
        return paint_any_size(self.network.transform, content, painting)


def network_of(settings: JohnsonSettings) -> Johnson:
    """Return the network that settings describe, untrained."""
    return Johnson(settings.base_channels, settings.num_blocks, settings.ending)


def networks(settings: JohnsonSettings) -> dict[str, nn.Module]:
    """Return the networks by name, without weights: on the meta device."""
    with torch.device("meta"):
        return {"transfer": network_of(settings)}


def painter(
    settings: JohnsonSettings,
    tensors: Mapping[str, Tensor],
    styles: Sequence[str],
    device: torch.device,
    dtype: torch.dtype,
) -> JohnsonPainter:
    """Return a trained network, ready to paint.

    Args:
        settings: How it was built.
        tensors: Its weights by name.
        styles: The name of what it knows.
        device: Where it computes.
        dtype: In what.
    """
    network = network_of(settings)
    network.load_state_dict(dict(tensors))
    network.to(device)
    network.transform.to(dtype)
    frozen_for_speed(network)
    return JohnsonPainter(network, styles)
