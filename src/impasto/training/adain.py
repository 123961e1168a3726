"""Training of `methods.adain`: a decoder learns to paint features that have a painting's means and deviations."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from impasto._typing import Picture
from impasto.data.crops import Crops
from impasto.losses.checkerboard import checkerboard
from impasto.losses.content import content_loss
from impasto.losses.smoothness import total_variation
from impasto.methods.adain import (
    ENCODED,
    FEATURES,
    STRIDE,
    STYLE_LAYERS,
    AdainSettings,
    Decoder,
    adain,
    colors_of,
    decoder_of,
    encode,
    encode_continued,
    style_row,
)
from impasto.nn.compute import choose_dtype
from impasto.nn.vgg import VGG, check_encoder
from impasto.training.looks import Look, Looks
from impasto.training.one_pass import OnePassTraining, shuffled

SAMPLES = 6


class AdainTraining(OnePassTraining):
    """Crops of paintings are numbered, and every crop of a photo gets one by its position."""

    method = "adain"
    settings: AdainSettings
    network: Decoder

    def __init__(
        self, settings: AdainSettings, paintings: Crops, photos: Crops, held_out: Crops, held_out_paintings: Crops
    ) -> None:
        super().__init__(settings, photos, held_out)
        self.paintings, self.held_out_paintings = paintings, held_out_paintings
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = decoder_of(settings)
        self._vgg: list[VGG] = []  # in a list, so that its weights are not taken for ours
        self.looks: Looks
        self.held_out_looks: Looks

    def on_fit_start(self) -> None:
        """Load the network that encodes."""
        dtype = choose_dtype("auto", self.device)
        self._vgg = [VGG.pretrained(check_encoder(self.settings.encoder), device=self.device, dtype=dtype)]
        self.looks = Looks(self.paintings, self._see, self.device)
        self.held_out_looks = Looks(self.held_out_paintings, self._see, self.device)

    def terms(self, pictures: Picture, positions: Int[Tensor, " b"], held_out: bool = False) -> dict[str, Tensor]:
        """Paint each crop after its painting."""
        (vgg,) = self._vgg
        looks = self._looks_at(positions, held_out)
        with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            rows = torch.cat([look["row"] for look in looks])
            # what is decoded has no frame of zeros around it, as when a photo is painted; what the painted crop is
            # compared with has the same as the crop
            entered = adain(encode_continued(vgg, pictures, self.settings.encoded_colors), rows)
            target = adain(encode(vgg, pictures, self.settings.encoded_colors), rows)
        painted = self.network(entered.float())
        with torch.autocast(self.device.type, enabled=False):
            found = vgg(painted.float(), STYLE_LAYERS)
            style = torch.stack([self._style_distance(found[name], name, looks) for name in STYLE_LAYERS]).sum()
            settings = self.settings
            terms = {
                "content": settings.content_weight * content_loss(found[ENCODED], target[:, :FEATURES]),
                "style": settings.style_weight * style,
                "tv": settings.tv_weight * total_variation(painted.float()),
            }
            if settings.encoded_colors:
                colors = colors_of(painted.float())
                terms["colors"] = settings.colors_weight * content_loss(colors, entered[:, FEATURES:])
            if settings.checkerboard_weight:
                terms["checkerboard"] = settings.checkerboard_weight * checkerboard(painted, STRIDE).mean()
            return terms

    @torch.no_grad()
    def painted_samples(self, photo: Picture) -> Picture:
        """Return a photo painted after held-out paintings."""
        (vgg,) = self._vgg
        encoded = encode_continued(vgg, photo, self.settings.encoded_colors)
        looks = [self.held_out_looks.at(index) for index in range(min(SAMPLES, len(self.held_out_looks)))]
        return torch.cat([self.network(adain(encoded, look["row"]).float()).clamp(0, 1) for look in looks])

    def _looks_at(self, positions: Int[Tensor, " b"], held_out: bool) -> Sequence[Look]:
        if held_out:
            return [self.held_out_looks.at(position % len(self.held_out_looks)) for position in positions.tolist()]
        return [self.looks.at(index) for index in shuffled(positions, len(self.looks), self.settings.seed).tolist()]

    @torch.no_grad()
    def _see(self, painting: Picture) -> Mapping[str, Tensor]:
        (vgg,) = self._vgg
        with torch.autocast(self.device.type, enabled=False):
            features = vgg(painting, STYLE_LAYERS)
            rows = {name: style_row(features[name]) for name in STYLE_LAYERS}
            return rows | {"row": style_row(encode(vgg, painting, self.settings.encoded_colors))}

    def _style_distance(self, features: Tensor, name: str, looks: Sequence[Look]) -> Tensor:
        """Return how far means and deviations are from the wanted ones, relative to those."""
        wanted = torch.cat([look[name] for look in looks])
        found = style_row(features)
        return ((found - wanted).square().sum(dim=1) / wanted.square().sum(dim=1)).mean()
