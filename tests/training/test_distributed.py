"""Two processes that train together learn what one learns from batches twice as large."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.training.test_pix2pix import pairs  # noqa: F401 -- a fixture

from impasto.training.chapters import Chapters
from impasto.weights.model import read_model

SMALL = (
    *("--crop-size", "32", "--load-size", "36", "--num-downs", "5", "--base-channels", "4", "--num-layers", "1"),
    *("--norm", "instance", "--no-dropout", "--precision", "32-true", "--epochs", "8", "--decay-epochs", "2"),
)


def train(
    run: Path,
    data: Path,
    *words: str,
    method: str = "pix2pix",
    settings: Sequence[str] = SMALL,
) -> list[dict[str, float]]:
    """Train as a user would, in processes of their own, and return the losses."""
    command = [sys.executable, "-m", "impasto", "train", method, "--data", data, "--run", run, *settings, *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("model.safetensors") == 1, "one process speaks for all"
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if "accuracy" in line]


def test_two_processes_learn_what_one_learns_from_twice_the_batch(pairs: Path, tmp_path: Path):  # noqa: F811
    alone = train(tmp_path / "alone", pairs, "--batch-size", "2")
    together = train(tmp_path / "together", pairs, "--batch-size", "1", "--devices", "2")
    assert [line["step"] for line in alone] == [line["step"] for line in together] == [10, 20]
    for one, other in zip(alone, together, strict=True):
        # the discriminator's share of right verdicts is counted: of 7,840, rounding may turn a few that are close
        assert one.pop("accuracy") == pytest.approx(other.pop("accuracy"), abs=5 / 7840)
        assert one == pytest.approx(other, rel=1e-4)
    card, first = read_model(tmp_path / "alone" / "model.safetensors")
    other_card, second = read_model(tmp_path / "together" / "model.safetensors")
    assert card.training["samples"] == other_card.training["samples"] == 40
    # Adam turns rounding errors of tiny gradients into whole steps (2e-4 each, 20 of them), so that single weights
    # may part; on the whole they are less than half a step from each other. Instance normalisation takes biases
    # away, so that nothing but rounding errors moves those.
    for name in (name for name in first if first[name].ndim == 4):
        assert (first[name] - second[name]).abs().mean() < 1e-4, name


UNPAIRED = (
    *("--crop-size", "32", "--load-size", "36", "--num-blocks", "2", "--base-channels", "4", "--num-layers", "1"),
    *("--precision", "32-true", "--epochs", "4", "--decay-epochs", "1"),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("cyclegan", ("--pool-size", "3")),
        ("cut", ("--nce-layers", "0", "4", "8", "12", "13")),
        ("fastcut", ("--nce-layers", "0", "4", "8", "12", "13")),
    ],
)
def test_two_processes_learn_what_one_learns_without_pairs(
    method: str, words: Sequence[str], kinds: Path, tmp_path: Path
):
    """They share one pool of fakes, and compare the same places."""
    settings = (*UNPAIRED, *words)
    alone = train(tmp_path / "alone", kinds, "--batch-size", "2", method=method, settings=settings)
    together = train(
        tmp_path / "together", kinds, "--batch-size", "1", "--devices", "2", method=method, settings=settings
    )
    (one,), (other,) = alone, together
    assert one.pop("step") == other.pop("step") == 10
    assert one.pop("accuracy") == pytest.approx(other.pop("accuracy"), abs=1e-3)
    # later, networks that feed each other make more and more of rounding errors
    assert one == pytest.approx(other, rel=5e-4)


def test_every_process_takes_its_part_of_every_batch():
    parts = [list(Chapters(4, 5, lambda: 0, share=(2, rank, 2))) for rank in (0, 1)]
    assert parts == [[0, 1, 4, 5], [2, 3, 6, 7]]
    last = [list(Chapters(4, 3, lambda: 2, share=(2, rank, 2))) for rank in (0, 1)]
    assert last == [[8, 9], [10, 11]]
