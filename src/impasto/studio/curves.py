"""Curves of a training, each in a small picture of its own: drawn as SVG, read aloud as numbers."""

import html
from collections.abc import Mapping

from impasto.studio.runs import Curve

WIDTH, HEIGHT, MARGIN = 240, 80, 4
MOST_POINTS = 160


def curves_html(curves: Mapping[str, Curve]) -> str:
    """Return all curves; what is measured on held-out pictures comes first."""
    ordered = sorted(curves, key=lambda name: not name.startswith("held_out"))
    drawn = "".join(_figure(name, curves[name]) for name in ordered)
    return f'<div class="curves">{drawn}</div>'


def points(curve: Curve) -> list[tuple[float, float]]:
    """Return a curve's points, means of neighbours where there are too many to see."""
    each = -(-len(curve) // MOST_POINTS)
    groups = [curve[start : start + each] for start in range(0, len(curve), each)]
    return [tuple(sum(values) / len(group) for values in zip(*group, strict=True)) for group in groups]  # type: ignore[misc]


def _figure(name: str, curve: Curve) -> str:
    """Return one curve with its name, its last value, and the values it lies between."""
    shown = points(curve)
    steps, values = zip(*shown, strict=True)
    low, high = min(values), max(values)
    span, length = high - low or 1.0, steps[-1] - steps[0] or 1.0
    path = " ".join(
        f"{MARGIN + (step - steps[0]) / length * (WIDTH - 2 * MARGIN):.1f},"
        f"{MARGIN + (high - value) / span * (HEIGHT - 2 * MARGIN):.1f}"
        for step, value in shown
    )
    first, last = curve[0], curve[-1]
    told = f"{_words(name)}: from {first[1]:.4g} at step {first[0]} to {last[1]:.4g} at step {last[0]}"
    dot = f'<circle cx="{path.rpartition(" ")[2].partition(",")[0]}" cy="{path.rpartition(",")[2]}" r="3"/>'
    return (
        f"<figure><figcaption><span>{html.escape(_words(name))}</span><b>{last[1]:.4g}</b></figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(told)}">'
        f'<polyline points="{path}"/>{dot}</svg>'
        f"<small><span>{low:.3g} to {high:.3g}</span><span>step {last[0]:,}</span></small></figure>"
    )


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
