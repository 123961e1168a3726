"""Many styles in one network (Dumoulin, Shlens & Kudlur 2016, arXiv:1610.07629).

How it works: Johnson's image transformation network paints in one pass. All styles share its convolutions; what
tells them apart is how the normalised channels are scaled and shifted,

    z = γ_s · (x − μ) / σ + β_s       (conditional instance normalisation, equation 5),

so a style s is one row of numbers. Rows mix into styles between styles, and a new style is learnt in a finished
network by training its row alone. The network is trained on crops of photos, each painted after one style, with
the perceptual loss of Johnson et al. 2016: features as in the photo, Gram matrices as in the painting.

**Deviations**: those of `nn.transform` and `nn.perceptual`; the style of each crop is drawn by its position in the
training, so that a resumed training draws the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from impasto._typing import Picture
from impasto.errors import SettingError, check_choice, check_range, check_whole
from impasto.nn.transform import Painting, TransformNetwork
from impasto.nn.vgg import Network, layer_names


@dataclass(frozen=True)
class MultistyleSettings:
    """How the network is built and trained; every value is checked at once."""

    base_channels: int = 32
    """Channels at full resolution; the paper's are 32."""
    num_blocks: int = 5
    """Residual blocks at a quarter of the resolution."""
    content_weight: float = 0.4
    """How much the photo's own shapes count."""
    style_weight: float = 1.0
    """How much the painter's hand counts."""
    tv_weight: float = 0.1
    """How much neighbouring pixels are kept alike."""
    content_layers: tuple[str, ...] = ("relu3_3",)
    """Layers compared place by place."""
    style_layers: tuple[str, ...] = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
    """Layers whose Gram matrices are compared."""
    network: Network = "vgg16-hed"
    """Which network judges."""
    crop_size: int = 256
    """Pixels each way of the crops it is trained on."""
    batch_size: int = 4
    """Crops in a step."""
    learning_rate: float = 1e-3
    """Of Adam, at the start; it falls to zero along a cosine."""
    steps: int = 40_000
    """How long it is trained."""
    seed: int = 0
    """Of first weights, crops and styles."""

    def __post_init__(self) -> None:
        check_choice("network", self.network, Network)
        for name in ("content_layers", "style_layers"):
            if not getattr(self, name):
                raise SettingError(f"{name} is empty; name at least one layer, such as relu3_3")
            for layer in getattr(self, name):
                check_choice(name, layer, layer_names(self.network))
        for name in ("content_weight", "style_weight", "tv_weight"):
            check_range(name, getattr(self, name), 0, 1e9)
        check_whole("base_channels", self.base_channels, 1, 1024)
        check_whole("num_blocks", self.num_blocks, 1, 64)
        check_whole("crop_size", self.crop_size, 32, 4096)
        check_whole("batch_size", self.batch_size, 1, 4096)
        check_range("learning_rate", self.learning_rate, 1e-9, 1)
        check_whole("steps", self.steps, 1, 1_000_000_000)
        check_whole("seed", self.seed, 0, 2**63 - 1)


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
        self.rows = nn.Parameter(self.transform.plain_rows(styles))

    def forward(self, picture: Picture, styles: Int[Tensor, " b"]) -> Picture:
        """Paint each picture of a batch after its own style.

        Args:
            picture: RGB in [0, 1]; height and width multiples of `nn.transform.STRIDE`.
            styles: Index of the style for each picture.
        """
        painted: Tensor = self.transform(picture, Painting.plain(self.rows[styles]))
        return painted

    def blend(self, picture: Picture, shares: Sequence[float]) -> Picture:
        """Paint one picture after a mixture of styles.

        Args:
            picture: `(1, 3, height, width)`.
            shares: How much each style counts, as many as there are styles.

        Raises:
            SettingError: If they are too few or too many, below 0, or all 0.
        """
        if len(shares) != len(self.rows) or min(shares) < 0 or sum(shares) == 0:
            raise SettingError(
                f"shares are {list(shares)}; give {len(self.rows)} of them, none below 0 and one above"
            )
        painted: Tensor = self.transform(picture, Painting.blend(self.rows, self.rows.new_tensor(shares)))
        return painted

    def with_new_style(self) -> "Multistyle":
        """Return the same network with one more row, the mean of all, which alone can be trained."""
        first = self.transform
        wider = Multistyle(len(self.rows) + 1, first.widths[0], len(first.blocks) // 2)
        wider.transform.load_state_dict(first.state_dict())
        wider.transform.requires_grad_(False)
        rows = torch.cat([self.rows, self.rows.mean(dim=0, keepdim=True)]).detach()
        wider.rows = nn.Parameter(rows)
        wider.rows.register_hook(_last_row_only)
        return wider


def _last_row_only(gradient: Float[Tensor, "k n"]) -> Float[Tensor, "k n"]:
    """Keep the gradient of the newest style: the others stay as they are, to the bit."""
    kept = torch.zeros_like(gradient)
    kept[-1] = gradient[-1]
    return kept
