"""Gatys' method started from a draft that is painted in one pass."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from impasto.errors import SettingError
from impasto.image.regions import Style
from impasto.methods.gatys import GatysSettings, paint
from impasto.result import Step
from impasto.verbs.reproduce import reproduce
from impasto.verbs.stylize import stylize

QUICK = GatysSettings(init="draft", steps=2, coarse_steps=1, coarse_size=32, precision="fp32", device="cpu")


@pytest.mark.parametrize("colors", ["style", "linear"])
def test_the_draft_is_what_prediction_paints_and_is_shown_first(folder: Path, colors: str):
    steps: list[Step] = []
    settings = replace(QUICK, size=40, colors=colors)
    result = stylize("cat.png", "wave.png", settings=settings, on_step=steps.append)
    assert [step.index for step in steps] == list(range(len(result.trace) + 1))
    draft, *others = steps
    assert not draft.losses and all(step.losses for step in others) and draft.total == others[0].total
    alone: list[Step] = []
    chosen = {"size": 40, "colors": colors, "precision": "fp32", "device": "cpu", "runtime": "torch"}
    drafted = stylize("cat.png", "wave.png", method="prediction", on_step=alone.append, **chosen)
    assert torch.equal(draft.image, alone[0].image)
    assert result.recipe["weights"]["prediction"] == drafted.recipe["weights"]["prediction.safetensors"]


def test_it_starts_from_the_draft(folder: Path):
    at_one_size = replace(QUICK, coarse_size=48, size=48)
    drafts: list[Step] = []
    found = stylize("cat.png", "wave.png", settings=at_one_size, on_step=drafts.append)
    draft = stylize("cat.png", "wave.png", method="prediction", size=48, precision="fp32", runtime="torch").image
    draft.save("draft.png")
    from_file = stylize("cat.png", "wave.png", settings=replace(at_one_size, init="draft.png"))
    assert found.trace[0]["total"] == pytest.approx(from_file.trace[0]["total"], rel=0.01)  # 8 bits
    for init in ("content", "noise"):
        other = stylize("cat.png", "wave.png", settings=replace(at_one_size, init=init))
        assert abs(other.trace[0]["total"] / found.trace[0]["total"] - 1) > 0.02


def test_it_is_painted_again_to_the_bit(folder: Path):
    image = stylize("cat.png", ["wave.png", "poppies.png"], settings=replace(QUICK, style_blend=(1.0, 2.0))).image
    again = reproduce(image)
    assert again.identical and not again.warnings
    assert np.array_equal(again.result.image.pixels, image.pixels)


def test_the_method_alone_wants_it_given():
    picture = torch.rand(1, 3, 32, 32)
    with pytest.raises(SettingError, match=r"^init is 'draft'; choose one of toned, content, noise, style$"):
        paint(picture, [Style(picture)], QUICK)
    paint(picture, [Style(picture)], QUICK, start=picture)
