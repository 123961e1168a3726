"""A small segmenter: what a picture shows at each place, learnt from real photos with their label maps."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

from impasto.data.labelled import Labelled, LabelledCrops, collate_labelled
from impasto.nn.efficientnet_lite import EfficientNetLite0

LAYERS = {"block2.output": 24, "block4.output": 40, "block10.output": 112, "block15.output": 320}
"""What is seen at a quarter, an eighth, a 16th and a 32nd of the picture's size, and its channels."""


class Segmenter(nn.Module):
    """EfficientNet-Lite0 as it is bundled, and convolutions that say from its layers what each place shows."""

    def __init__(self, classes: int, width: int = 64) -> None:
        super().__init__()
        self.seeing = EfficientNetLite0.pretrained().requires_grad_(False)
        self.narrow = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in LAYERS.values())
        self.mix = nn.Sequential(
            nn.Conv2d(len(LAYERS) * width, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, classes, 3, padding=1),
        )

    def forward(self, picture: Tensor) -> Tensor:
        """Return a number for each class at each place, of the picture's size; the picture is in [0, 1]."""
        with torch.no_grad():
            seen = self.seeing(picture, [*LAYERS])
        size = seen["block2.output"].shape[2:]
        narrowed = [
            interpolate(convolution(seen[name]), size=size, mode="bilinear")
            for name, convolution in zip(LAYERS, self.narrow, strict=True)
        ]
        return interpolate(self.mix(torch.cat(narrowed, dim=1)), size=picture.shape[2:], mode="bilinear")


def train_segmenter(
    items: Sequence[Labelled], classes: int, size: int, steps: int, batch_size: int = 8
) -> Segmenter:
    """Train on crops of real photos; ids beyond the classes are left out."""
    torch.manual_seed(0)
    network = Segmenter(classes)
    learnt = [parameter for parameter in network.parameters() if parameter.requires_grad]
    adam = torch.optim.AdamW(learnt, lr=2e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: 0.5 + 0.5 * math.cos(math.pi * step / steps))
    crops = LabelledCrops(items, (size, size), steps * batch_size, load_size=size * 5 // 4)
    for step in range(steps):
        batch = collate_labelled([crops[step * batch_size + index] for index in range(batch_size)])
        labels = batch.labels[:, 0].where(batch.labels[:, 0] < classes, -1)
        loss = cross_entropy(network((batch.picture + 1) / 2), labels, ignore_index=-1)
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
    return network.eval()


class Agreement:
    """How often a segmenter finds in pictures what their label maps say."""

    def __init__(self, classes: int) -> None:
        self.counts = torch.zeros(classes, classes, dtype=torch.int64)

    @torch.no_grad()
    def add(self, segmenter: Segmenter, picture: Tensor, labels: Tensor) -> Tensor:
        """Count a picture in [0, 1] with its ids, `(1, 1, h, w)`; return what was found at each place."""
        found: Tensor = segmenter(picture).argmax(dim=1, keepdim=True)
        known = labels < len(self.counts)
        pairs = labels[known] * len(self.counts) + found[known]
        self.counts += torch.bincount(pairs, minlength=self.counts.numel()).view_as(self.counts)
        return found

    def values(self) -> dict[str, float]:
        """Return the share of places that agree, and the mean over classes of intersection over union."""
        counts = self.counts.double()
        right = counts.diag()
        union = counts.sum(dim=0) + counts.sum(dim=1) - right
        there = counts.sum(dim=1) > 0
        return {"places": float(right.sum() / counts.sum()), "mean_iou": float((right / union)[there].mean())}
