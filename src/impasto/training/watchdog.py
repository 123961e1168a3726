"""A watchdog for trainings: what goes wrong in them, noticed and said in plain words.

Two networks that improve against each other can end where neither does. What is looked at: how often the
discriminator is right, step by step; and on held-out pictures whether outputs are alike where they should not be,
whether light became dark, and whether a checkerboard lies over them. One-pass styles have signs of their own
(`training.one_pass_signs`).
"""

from collections import Counter

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from impasto._typing import Picture
from impasto.image.color import luminance
from impasto.losses.checkerboard import checkerboard
from impasto.metrics.distance import perceptual_distance
from impasto.metrics.pixels import l1
from impasto.nn.vgg import VGG

ACCURACY = "accuracy"
"""What the share of verdicts that are right is logged as."""
REMEMBERED = 200
"""About how many steps the running mean of it remembers."""
ALWAYS_RIGHT, BY_CHANCE = 0.99, 0.03
CLEARLY_LESS = 0.97
"""How rarely it must be right until it is said again that it always is; around one limit it would be said often."""
ALIKE, INVERTED = 0.1, -0.3
CHECKERED, CHECKERED_LEAST = 4.0, 1e-4
"""How many times stronger than in real pictures a checkerboard is worth a word, and its least power."""
CONSTANT, DEAD, STRIPED = 0.1, 0.5, 0.35
"""What is said of one-pass styles: variation below the first, saturated pixels and stripes above the others."""
BESIDE = {
    "correlation": ("what should be", "give l1_weight more"),
    "input_correlation": ("what went in", "give more weight to the term that keeps what went in"),
}
"""What light and dark are compared with, by the correlation's name, and what helps where they are exchanged."""
LOOKS = 2
"""What is wrong with outputs is said when it was so at as many looks on end."""
STRIDE = 8
"""Checkerboards of 2, 4 and 8 pixels are seen."""
THUMB = 32


class Signs:
    """Signs of what goes wrong, measured of generated pictures beside others of the same things."""

    def __init__(self) -> None:
        self._correlations: list[float] = []
        self._thumbs: tuple[list[Tensor], list[Tensor]] = ([], [])
        self._power: tuple[list[float], list[float]] = ([], [])

    def add(self, fake: Picture, real: Picture) -> None:
        """Measure a generated picture beside the real one, both `(1, 3, height, width)` in [0, 1]."""
        thumbs = [adaptive_avg_pool2d(picture, THUMB) for picture in (fake, real)]
        light = torch.stack([luminance(thumb)[:, 0].flatten() for thumb in thumbs])
        self._correlations.append(float(light.corrcoef()[0, 1].nan_to_num(0.0)))
        for pictures, thumb in zip(self._thumbs, thumbs, strict=True):
            pictures.append(thumb)
        for powers, picture in zip(self._power, (fake, real), strict=True):
            powers.append(float(checkerboard(picture, STRIDE).mean()))

    def means(self) -> dict[str, float]:
        """Return `correlation`, that of light and dark, and `spread` and `checkerboard` relative to real ones."""
        fake, real = (_spread(pictures) for pictures in self._thumbs)
        checkered, natural = (sum(powers) / len(powers) for powers in self._power)
        return {
            "correlation": sum(self._correlations) / len(self._correlations),
            "spread": fake / real if real > 0 else 1.0,
            "checkerboard": checkered / max(natural, CHECKERED_LEAST / CHECKERED),
        }


class HeldOutMeasures(Signs):
    """What is measured of held-out pairs: how far pictures are from real ones, and signs of what goes wrong."""

    def __init__(self, vgg: VGG) -> None:
        super().__init__()
        self.vgg = vgg
        self._each: dict[str, list[float]] = {"l1": [], "distance": []}

    def add(self, fake: Picture, real: Picture) -> None:
        """Measure a generated picture beside the real one, both `(1, 3, height, width)` in [0, 1]."""
        super().add(fake, real)
        self._each["l1"].append(float(l1(fake, real)))
        self._each["distance"].append(float(perceptual_distance(fake, real, self.vgg)))

    def means(self) -> dict[str, float]:
        """Return means by name: `total` is the distance, which tells the best network; and the signs."""
        found = {name: sum(values) / len(values) for name, values in self._each.items()}
        return found | super().means() | {"total": found["distance"]}


def _spread(pictures: list[Tensor]) -> float:
    """Return how much pictures differ from each other."""
    return float(torch.cat(pictures).std(dim=0, correction=0).mean())


class Watchdog:
    """Notices what goes wrong, and says each thing once until it is over; outputs get a second look first."""

    def __init__(self) -> None:
        self._accuracy, self._steps = 0.0, 0
        self._times: Counter[str] = Counter()

    def after_step(self, losses: dict[str, float]) -> list[str]:
        """Return what there is to say after a step."""
        if ACCURACY not in losses:
            return []
        self._steps += 1
        self._accuracy += (losses[ACCURACY] - self._accuracy) / min(self._steps, REMEMBERED)
        settled = self._steps >= REMEMBERED
        limit = CLEARLY_LESS if self._times["always right"] else ALWAYS_RIGHT
        return [
            *self._say(
                "always right",
                settled and self._accuracy > limit,
                f"the discriminator has told real from generated nearly every time ({self._accuracy:.1%}) for "
                f"{REMEMBERED} steps, so the generator learns little from it; give it a lower rate or fewer "
                "channels, or choose another adversarial loss",
            ),
            *self._say(
                "by chance",
                settled and abs(self._accuracy - 0.5) < BY_CHANCE,
                f"the discriminator is right as often as a coin ({self._accuracy:.1%}) for {REMEMBERED} steps; "
                "either all is learnt, which samples show, or it is dead: give it a higher rate, or start again",
            ),
        ]

    def after_look(self, terms: dict[str, float]) -> list[str]:
        """Return what there is to say after held-out pictures were measured."""
        return [
            *(self._of_translators(terms) if "spread" in terms else ()),
            *(self._of_painters(terms) if "variation" in terms else ()),
        ]

    def _of_painters(self, terms: dict[str, float]) -> list[str]:
        return [
            *self._say(
                "constant",
                terms["variation"] < CONSTANT,
                "the network paints nearly one colour whatever the photo is (variation "
                f"{terms['variation']:.0%} of the photos'): start again with a lower learning_rate, or from a "
                "network that paints",
                LOOKS,
            ),
            *self._say(
                "saturated",
                terms["saturated"] > DEAD,
                f"{terms['saturated']:.0%} of the pixels painted on dark areas are at the ends of their range, "
                "where nothing is learnt: unless the paintings have such areas, lower learning_rate or raise "
                "content_weight",
                LOOKS,
            ),
            *self._say(
                "striped",
                terms["stripes"] > STRIPED,
                "flat areas are painted with stripes (one frequency has "
                f"{terms['stripes']:.0%} of their variance): unless the paintings are striped, train longer, with "
                "larger crops, or raise tv_weight",
                LOOKS,
            ),
            *self._say(
                "checkered",
                terms["checkerboard"] > CHECKERED,
                f"a checkerboard lies over what is painted ({terms['checkerboard']:.0f} times as strong as in "
                "photos): raise checkerboard_weight",
                LOOKS,
            ),
        ]

    def _of_translators(self, terms: dict[str, float]) -> list[str]:
        light = next(name for name in BESIDE if name in terms)
        beside, remedy = BESIDE[light]
        return [
            *self._say(
                "alike",
                terms["spread"] < ALIKE,
                f"outputs are nearly alike whatever goes in (they differ {terms['spread']:.0%} as much as real "
                "ones): the generator has collapsed; start again with a lower rate or another seed",
                LOOKS,
            ),
            *self._say(
                "inverted",
                terms[light] < INVERTED,
                f"light and dark are exchanged (correlation {terms[light]:.2f} with {beside}): start again with "
                f"another seed, or {remedy}",
                LOOKS,
            ),
            *self._say(
                "checkered",
                terms["checkerboard"] > CHECKERED,
                f"a checkerboard lies over the outputs ({terms['checkerboard']:.0f} times as strong as in real "
                "pictures); upsampling resize does without",
                LOOKS,
            ),
        ]

    def _say(self, name: str, is_so: bool, words: str, times: int = 1) -> list[str]:
        """Return words the moment something has been so for a number of times on end."""
        if not is_so:
            self._times[name] = 0
            return []
        self._times[name] += 1
        return [words] if self._times[name] == times else []
