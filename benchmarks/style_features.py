"""Which features of a painting predict its style better: VGG's statistics, or a classifier's features?

    python benchmarks/style_features.py DATA [--steps 500]

DATA holds `photos/train`, `photos/val`, `art/classics` and `art/train`. The transformation network of the bundled
`prediction` stays as it is; two heads (100 numbers, then all rows, as in `methods.prediction`) learn in turns, on
the same crops, to predict rows: from means and deviations of VGG's channels at four layers, and from those of
EfficientNet-Lite0's. One JSON object a line: their losses on photos and paintings that neither has seen.
"""

import argparse
import math
from pathlib import Path

import torch
from torch import Tensor, nn

from contest.report import machine, say
from impasto.data.crops import Crops
from impasto.image.files import pictures_in
from impasto.methods.adain import style_row
from impasto.methods.prediction import LAYERS, PredictionSettings, network_of, statistics_of
from impasto.nn.compute import reused_memory
from impasto.nn.efficientnet_lite import EfficientNetLite0
from impasto.nn.perceptual import PerceptualLoss
from impasto.nn.transform import Painting, TransformNetwork
from impasto.nn.vgg import VGG, check_encoder
from impasto.weights.model import read_model
from impasto.weights.store import find

BATCH_SIZE, LOOKS, HELD_OUT = 4, 400, 32
TOLD_EVERY = 100
CLASSIFIER_LAYERS = ("block2.output", "block4.output", "block10.output", "block15.output")

Look = dict[str, Tensor]


class Head(nn.Module):
    """From features of a painting to a row, standardised over the first paintings."""

    def __init__(self, features: Tensor, start: Tensor, embedding_size: int = 100) -> None:
        super().__init__()
        self.center, spread = features.mean(dim=0), features.std(dim=0)
        self.spread = spread.clamp_min(0.1 * float(spread.mean()))
        self.narrow = nn.Linear(features.shape[1], embedding_size)
        self.widen = nn.Linear(embedding_size, start.shape[-1])
        nn.init.normal_(self.narrow.weight)
        nn.init.normal_(self.widen.weight, std=0.2)
        self.widen.bias = nn.Parameter(start.clone())

    def forward(self, features: Tensor) -> Tensor:
        """Return a row for each painting."""
        standardised = (features - self.center) / self.spread
        embedding = self.narrow(standardised / math.sqrt(self.narrow.in_features))
        rows: Tensor = self.widen(embedding / math.sqrt(self.widen.in_features))
        return rows


class Contest:
    """Two heads before the same network, the same photos and the same paintings."""

    def __init__(self, data: Path, steps: int) -> None:
        torch.manual_seed(0)
        card, tensors = read_model(find("prediction"))
        settings = card.settings_as(PredictionSettings)
        network = network_of(settings)
        network.load_state_dict(tensors)
        self.transform: TransformNetwork = network.transform.requires_grad_(False)
        self.loss = PerceptualLoss.pretrained(settings, torch.device("cpu"))
        self.encoder = VGG.pretrained(check_encoder(settings.encoder))
        self.classifier = EfficientNetLite0.pretrained()
        photos = pictures_in(data / "photos" / "train")
        art = pictures_in(data / "art" / "classics") + pictures_in(data / "art" / "train")
        self.photos = Crops(photos[1:], 128, steps * BATCH_SIZE, zoom=2.5)
        self.held_out_photos = Crops(pictures_in(data / "photos" / "val"), 128, HELD_OUT, zoom=2.5)
        trained = [path for index, path in enumerate(art) if index % 10 != 5]
        held_out = [path for index, path in enumerate(art) if index % 10 == 5]
        looks = Crops(trained, 256, LOOKS, zoom=2.0, turned_hues=0.4, seed=1)
        self.looks = [self.look(looks[index].picture[None]) for index in range(LOOKS)]
        held_out_looks = Crops(held_out, 256, HELD_OUT, zoom=2.0, seed=2)
        self.held_out_looks = [self.look(held_out_looks[index].picture[None]) for index in range(HELD_OUT)]
        start = network.rows(torch.cat([network.embed(look["vgg"].square()) for look in self.looks])).mean(dim=0)
        self.heads = {
            name: Head(torch.cat([look[name] for look in self.looks]), start.detach())
            for name in ("vgg", "efficientnet")
        }

    @torch.no_grad()
    def look(self, painting: Tensor) -> Look:
        """Return what the loss wants of a painting, and both kinds of features."""
        features = self.loss.vgg(painting, self.loss.style_layers)
        seen = self.classifier(painting, CLASSIFIER_LAYERS)
        return {
            **self.loss.grams_of(features),
            "vgg": statistics_of(self.encoder(painting, LAYERS)).float().sqrt(),
            "efficientnet": torch.cat([style_row(seen[name]) for name in CLASSIFIER_LAYERS], dim=1),
        }

    def terms(self, head: str, pictures: Tensor, looks: list[Look]) -> dict[str, Tensor]:
        """Return the loss of painting each picture after its painting."""
        rows = self.heads[head](torch.cat([look[head] for look in looks]))
        with torch.autocast("cpu", torch.bfloat16):
            painted = self.transform(pictures, Painting.plain(rows))
        wanted = {name: torch.cat([look[name] for look in looks]) for name in self.loss.style_layers}
        return self.loss(painted.float(), pictures, wanted)

    def train(self, steps: int) -> None:
        """Let the heads learn in turns."""
        say(part="style_features", step=0, held_out={name: self.held_out(name) for name in self.heads})
        adams = {name: torch.optim.Adam(head.parameters(), lr=2e-3) for name, head in self.heads.items()}
        schedules = [torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps) for adam in adams.values()]
        order = torch.Generator().manual_seed(3)
        for step in range(steps):
            first = step * BATCH_SIZE
            pictures = torch.stack([self.photos[first + index].picture for index in range(BATCH_SIZE)])
            drawn = torch.randint(LOOKS, (BATCH_SIZE,), generator=order).tolist()
            for name, adam in adams.items():
                adam.zero_grad()
                torch.stack(
                    [*self.terms(name, pictures, [self.looks[index] for index in drawn]).values()]
                ).sum().backward()
                adam.step()
            for schedule in schedules:
                schedule.step()
            if (step + 1) % TOLD_EVERY == 0 or step + 1 == steps:
                say(
                    part="style_features",
                    step=step + 1,
                    held_out={name: self.held_out(name) for name in self.heads},
                )

    @torch.no_grad()
    def held_out(self, head: str) -> dict[str, float]:
        """Return mean terms on photos and paintings that were not trained on."""
        sums: dict[str, float] = {}
        for first in range(0, HELD_OUT, BATCH_SIZE):
            places = range(first, first + BATCH_SIZE)
            pictures = torch.stack([self.held_out_photos[index].picture for index in places])
            for name, term in self.terms(head, pictures, [self.held_out_looks[index] for index in places]).items():
                sums[name] = sums.get(name, 0.0) + float(term) * BATCH_SIZE / HELD_OUT
        return {name: round(value, 4) for name, value in (sums | {"total": sum(sums.values())}).items()}


def main() -> None:
    """Let both learn and say how they do."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=500)
    arguments = parser.parse_args()
    say(benchmark="style_features", machine=machine(), threads=torch.get_num_threads())
    with reused_memory():
        Contest(arguments.data, arguments.steps).train(arguments.steps)


if __name__ == "__main__":
    main()
