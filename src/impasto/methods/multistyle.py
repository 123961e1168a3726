"""Many styles in one network (Dumoulin, Shlens & Kudlur 2016, arXiv:1610.07629).

How it works: Johnson's image transformation network paints in one pass. All styles share its convolutions; what
tells them apart is how the normalised channels are scaled and shifted,

    z = γ_s · (x − μ) / σ + β_s       (conditional instance normalisation, equation 5),

so a style s is one row of numbers. Rows mix into styles between styles, and a new style is learnt in a finished
network by training its row alone. The first row paints photos after themselves: what is mixed with it is painted
less strongly. The network is trained on crops of photos, each painted after one style, with
the perceptual loss of Johnson et al. 2016: features as in the photo, Gram matrices as in the painting.

**Deviations**: the row for photos; some crops are painted with a row between it and a style's, after Gram matrices
that lie between, so that lesser strengths are learnt too; those of `nn.transform` and `nn.perceptual`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from impasto._typing import Picture
from impasto.errors import SettingError, check_whole
from impasto.nn.compute import frozen_for_speed
from impasto.nn.one_pass import paint_any_size
from impasto.nn.perceptual import PerceptualSettings
from impasto.nn.transform import Painting, TransformNetwork


@dataclass(frozen=True)
class MultistyleSettings(PerceptualSettings):
    """How the network is built and trained; every value is checked at once."""


class Multistyle(nn.Module):
    """A transformation network and a row of numbers for each style it knows.

    Example:
        >>> network = Multistyle(styles=6)
        >>> painted = network(picture, torch.tensor([2]))
    """

    def __init__(self, styles: int, base_channels: int = 32, num_blocks: int = 5) -> None:
        super().__init__()
        check_whole("styles", styles, 1, 100_000)
        self.transform = TransformNetwork(base_channels, num_blocks)
        self.rows = nn.Parameter(self.transform.plain_rows(1 + styles))

    def forward(self, picture: Picture, styles: Int[Tensor, " b"]) -> Picture:
        """Paint each picture of a batch after its own style.

        Args:
            picture: RGB in [0, 1]; height and width multiples of `nn.transform.STRIDE`.
            styles: Index of the style for each picture, from 1; 0 paints a photo after itself.
        """
        return self.paint(picture, self.rows[styles])

    def paint(self, picture: Picture, rows: Float[Tensor, "b n"]) -> Picture:
        """Paint each picture of a batch with its own row."""
        painted: Tensor = self.transform(picture, Painting.plain(rows))
        return painted

    def with_new_styles(self, count: int) -> "Multistyle":
        """Return the same network with more rows, each the mean of the styles' own, which alone can be trained."""
        first, known = self.transform, len(self.rows)
        wider = Multistyle(known - 1 + count, first.widths[0], len(first.blocks) // 2)
        wider.transform.load_state_dict(first.state_dict())
        wider.transform.requires_grad_(False)
        new = self.rows[1:].mean(dim=0, keepdim=True).expand(count, -1)
        wider.rows = nn.Parameter(torch.cat([self.rows, new]).detach())
        wider.rows.register_hook(lambda gradient: torch.cat([torch.zeros_like(gradient[:known]), gradient[known:]]))
        return wider


class MultistylePainter:
    """A trained network and the names of its styles."""

    def __init__(self, network: Multistyle, styles: Sequence[str]) -> None:
        self.network, self.styles = network, tuple(styles)

    def rows(self, styles: Sequence[Picture | str], scale: float = 1.0) -> Float[Tensor, "k n"]:
        """Return the row of each style.

        Raises:
            SettingError: If the network has no style of that name.
        """
        names = [style if isinstance(style, str) else "a picture" for style in styles]
        for name in names:
            if name not in self.styles:
                raise SettingError(
                    f"style is {name!r}, which this network has not learnt; choose from {', '.join(self.styles)}, "
                    "or paint after any picture with method prediction"
                )
        return self.network.rows.detach().cpu()[[1 + self.styles.index(name) for name in names]]

    def plain_row(self, content: Picture) -> Float[Tensor, "1 n"]:
        """Return the row that paints photos after themselves."""
        return self.network.rows.detach().cpu()[:1]

    def paint(self, content: Picture, painting: Painting) -> Picture:
        """Paint a photo of any size."""
        return paint_any_size(self.network.transform, content, painting)


def networks(settings: MultistyleSettings) -> dict[str, nn.Module]:
    """Return the networks by name, without weights: on the meta device."""
    with torch.device("meta"):
        return {"transfer": TransformNetwork(settings.base_channels, settings.num_blocks)}


def painter(
    settings: MultistyleSettings,
    tensors: Mapping[str, Tensor],
    styles: Sequence[str],
    device: torch.device,
    dtype: torch.dtype,
) -> MultistylePainter:
    """Return a trained network, ready to paint.

    Args:
        settings: How it was built.
        tensors: Its weights by name.
        styles: Names of what it knows.
        device: Where it computes.
        dtype: In what.
    """
    network = Multistyle(len(styles), settings.base_channels, settings.num_blocks)
    network.load_state_dict(dict(tensors))
    network.to(device)
    network.transform.to(dtype)
    frozen_for_speed(network)
    return MultistylePainter(network, styles)
