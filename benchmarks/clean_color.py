"""How clean colours are, and how soon: `gatys` beside crowsonkb/style-transfer-pytorch on six pairs of examples.

    git clone https://github.com/crowsonkb/style-transfer-pytorch CHECKOUT
    python benchmarks/clean_color.py CHECKOUT OUT [--size 384] [--pairs 6]

The peer runs unchanged with its defaults but for the number of iterations (300 at its smallest size, 200 at each
further one), on the bundled VGG-16's weights (`contest.crowsonkb`); ours with its defaults at the same size and as
many threads. The peer's pictures and times are kept in OUT, since each takes a quarter of an hour; ours are made
anew.

Measured are the three values of `contest.palette`, style and content by `contest.neutral`, and seconds of processor
time, which other work on the machine changes little. One JSON object a line; in the summary `ratio` is the median
of the peer's seconds over ours, and `palette`, `chroma_noise` and `off_palette` count the pairs in which ours is no
worse.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

import impasto
from contest.painted import measured, paint_to
from contest.report import machine, say
from impasto.methods.gatys import GatysSettings

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
PAIRS = (
    ("pagoda", "great_wave"),
    ("astronaut", "starry_night"),
    ("mountains", "auvers"),
    ("cat", "summertime"),
    ("dahlia", "poppies"),
    ("dogs", "great_wave"),
)
COLORS = ("palette", "chroma_noise", "off_palette")


def main() -> None:
    """Paint all pairs with both and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkout", type=Path, help="a clone of crowsonkb/style-transfer-pytorch")
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=384, help="longest side in pixels")
    parser.add_argument("--pairs", type=int, default=len(PAIRS), help="how many of the pairs")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    versions = {"torch": torch.__version__, "impasto": impasto.__version__}
    say(benchmark="clean_color", machine=machine(), threads=torch.get_num_threads(), versions=versions)
    rows: list[dict[str, Any]] = []
    for photo, painting in PAIRS[: arguments.pairs]:
        paths = EXAMPLES / "photos" / f"{photo}.jpg", EXAMPLES / "paintings" / f"{painting}.jpg"
        target = arguments.out / f"{photo}-{painting}-{arguments.size}-peer.png"
        theirs = run_peer(arguments.checkout, *paths, target, arguments.size)
        theirs |= measured(target, *paths)
        target = arguments.out / f"{photo}-{painting}-{arguments.size}-ours.png"
        times = paint_to(target, *paths, GatysSettings(size=arguments.size))
        ours = measured(target, *paths) | times._asdict()
        rows.append({"photo": photo, "painting": painting, "ours": ours, "peer": theirs})
        say(**rows[-1])
    no_worse = {name: sum(row["ours"][name] <= row["peer"][name] for row in rows) for name in COLORS}
    ratio = statistics.median(row["peer"]["cpu_seconds"] / row["ours"]["cpu_seconds"] for row in rows)
    say(summary="clean_color", pairs=len(rows), ratio=round(ratio, 1), **no_worse)


def run_peer(checkout: Path, photo: Path, painting: Path, target: Path, size: int) -> dict[str, Any]:
    """Let the peer paint a pair, unless it has, and return what it says about the run."""
    report = target.with_suffix(".json")
    if not (target.exists() and report.exists()):
        command = [
            sys.executable,
            *map(str, (HERE / "contest" / "crowsonkb.py", checkout, photo, painting, target)),
        ]
        output = subprocess.run(  # noqa: S603
            [*command, "--size", str(size)], stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        report.write_text(output, encoding="utf-8")
    return dict(json.loads(report.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
