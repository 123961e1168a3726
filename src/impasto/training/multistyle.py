"""Training of `methods.multistyle`: crops of photos, each painted after one of the styles."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from impasto._typing import Picture
from impasto.data.crops import Crops
from impasto.image.resize import fit, resize
from impasto.methods.multistyle import Multistyle, MultistyleSettings
from impasto.nn.perceptual import Grams
from impasto.training.one_pass import PerceptualTraining, between, shuffled, strengths


class MultistyleTraining(PerceptualTraining):
    """Every crop gets a style by its position; all styles come equally often, the photo's own one too."""

    method = "multistyle"
    settings: MultistyleSettings
    network: Multistyle

    def __init__(
        self, settings: MultistyleSettings, paintings: Mapping[str, Picture], photos: Crops, held_out: Crops
    ) -> None:
        super().__init__(settings, photos, held_out)
        self.paintings, self.style_names = list(paintings.values()), tuple(paintings)
        self.new_styles = range(1, 1 + len(paintings))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = Multistyle(len(paintings), settings.base_channels, settings.num_blocks)
        self.grams: Grams
        self.shares: Tensor

    def learn_rows_of(self, trained: Multistyle, names: Sequence[str]) -> None:
        """Add the styles to a trained network and train their rows alone; all else stays as it is, to the bit."""
        self.style_names = (*names, *self.style_names)
        self.new_styles = range(1 + len(names), 1 + len(self.style_names))
        self.network = trained.with_new_styles(len(self.paintings))

    def on_fit_start(self) -> None:
        """Look at the paintings."""
        super().on_fit_start()
        seen = [self.loss.grams(self._at_style_size(painting).to(self.device)) for painting in self.paintings]
        self.grams = {name: torch.cat([grams[name] for grams in seen]) for name in self.settings.style_layers}
        self.shares = torch.cat([self.share(grams) for grams in seen])

    def terms(self, pictures: Picture, positions: Int[Tensor, " b"], held_out: bool = False) -> dict[str, Tensor]:
        """Paint each crop after its style, some partly, some after themselves, which is no strength at all."""
        styles = self.rows_at(positions)
        strength = torch.ones(len(positions)) if held_out else strengths(positions, self.settings.seed)
        strength = torch.where(styles == 0, 0.0, strength).to(self.device)
        paintings = (styles - self.new_styles.start).clamp_min(0).to(self.device)
        wanted, shares = {name: grams[paintings] for name, grams in self.grams.items()}, self.shares[paintings]
        if bool((strength < 1).any()):
            wanted = between(self.loss.grams(pictures), wanted, strength)
            shares = torch.lerp(torch.ones_like(shares), shares, strength)
        rows = torch.lerp(self.network.rows[:1], self.network.rows[styles], strength[:, None])
        return self.loss(self.network.paint(pictures, rows), pictures, wanted, shares)

    def rows_at(self, positions: Int[Tensor, " b"]) -> Int[Tensor, " b"]:
        """Return which row the crop at a position is painted with."""
        if self.new_styles.start > 1:
            return self.new_styles.start + shuffled(positions, len(self.new_styles), self.settings.seed)
        return shuffled(positions, 1 + len(self.new_styles), self.settings.seed)

    @torch.no_grad()
    def painted_samples(self, photo: Picture) -> Picture:
        """Return a photo painted after each style, up to eight of them."""
        rows = list(self.new_styles)[:8]
        return torch.cat([self.network(photo, torch.tensor([row], device=self.device)) for row in rows])

    def _at_style_size(self, painting: Picture) -> Picture:
        return resize(painting, *fit(painting.shape[-2], painting.shape[-1], self.settings.style_size))
