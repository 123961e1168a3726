"""Draw how far pictures of several trainings were from what they should be like, as they learnt.

    python tools/draw_curves.py OUT.svg CycleGAN=RUN,RUN CUT=RUN [--level "untranslated"=0.111]

A training of several parts, each begun with the network of the one before, is drawn as one. What is drawn is the
kernel distance to the other kind on held-out pictures that `metrics.jsonl` of each run tells.
"""

import argparse
import html
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 110, 16, 44
COLORS = ("#d9730d", "#2a78d6", "#2f9e6e", "#a13d90")
GREY = "#85888e"
MEASURE = "held_out_kid_b"

Curve = Sequence[tuple[int, float]]


def curve_of(runs: Sequence[Path]) -> Curve:
    """Return what was measured in the parts of a training, their steps added up."""
    found: list[tuple[int, float]] = []
    for run in runs:
        before = found[-1][0] if found else 0
        for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
            measured = json.loads(line)
            if MEASURE in measured:
                found.append((before + measured["step"], measured[MEASURE]))
    if not found:
        raise SystemExit(f"{', '.join(map(str, runs))}: nothing was measured on held-out pictures")
    return found


def ticks(highest: float) -> list[float]:
    """Return 3 to 6 round numbers from 0 up to one."""
    size = 1.0
    while highest / size < 1:
        size /= 10
    while highest / size >= 10:
        size *= 10
    size *= next(share for share in (0.2, 0.5, 1, 2) if highest / (size * share) <= 6)
    return [size * number for number in range(int(highest / size) + 1)]


def drawn(curves: Mapping[str, Curve], levels: Mapping[str, float]) -> str:
    """Return the picture, as SVG."""
    last = max(step for curve in curves.values() for step, _ in curve)
    highest = 1.05 * max([value for curve in curves.values() for _, value in curve] + [*levels.values()])
    across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(step: float, value: float) -> tuple[float, float]:
        return LEFT + across * step / last, TOP + down * (1 - value / highest)

    def words(x: float, y: float, text: str, color: str = GREY, anchor: str = "start") -> str:
        return f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" text-anchor="{anchor}">{html.escape(text)}</text>'

    parts = []
    for value in ticks(highest):
        x, y = place(0, value)
        parts.append(f'<path d="M{x:.1f} {y:.1f}h{across}" stroke="{GREY}" stroke-opacity=".3"/>')
        parts.append(words(x - 8, y + 4, f"{value:g}", anchor="end"))
    for step in ticks(last):
        x, y = place(step, 0)
        parts.append(words(x, y + 20, f"{step:,.0f}", anchor="middle"))
    parts.append(words(LEFT + across / 2, HEIGHT - 6, "steps", anchor="middle"))
    for name, value in levels.items():
        x, y = place(0, value)
        parts.append(f'<path d="M{x:.1f} {y:.1f}h{across}" stroke="{GREY}" stroke-dasharray="5 4"/>')
        parts.append(words(x + across + 8, y + 4, name))
    ends: list[tuple[float, float, str, str]] = []
    for (name, curve), color in zip(curves.items(), COLORS, strict=False):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*each) for each in curve))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2.5"/>')
        x, y = place(*curve[-1])
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{color}"/>')
        ends.append((y, x + 8, name, color))
    lowest = -math.inf
    for y, x, name, color in sorted(ends):
        lowest = max(y, lowest + 16)  # below the name before
        parts.append(words(x, lowest + 4, name, color))
    told = "; ".join(f"{name} ends at {curve[-1][1]:.3f}" for name, curve in curves.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="13"><title>Kernel distance: {html.escape(told)}</title>'
        f"{''.join(parts)}</svg>\n"
    )


def main() -> None:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("curves", nargs="+", metavar="NAME=RUN,RUN")
    parser.add_argument("--level", action="append", default=[], metavar="NAME=VALUE", help="a line across")
    arguments = parser.parse_args()
    pairs = [each.partition("=") for each in arguments.curves]
    curves = {name: curve_of([Path(run) for run in runs.split(",")]) for name, _, runs in pairs}
    levels = {name: float(value) for name, _, value in (each.partition("=") for each in arguments.level)}
    arguments.out.write_text(drawn(curves, levels), encoding="utf-8")


if __name__ == "__main__":
    main()
