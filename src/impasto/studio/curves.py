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
    return [
        (sum(step for step, _ in group) / len(group), sum(value for _, value in group) / len(group))
        for group in groups
    ]


def _figure(name: str, curve: Curve) -> str:
    """Return one curve with its name, its last value, and the values it lies between."""
    shown = points(curve)
    steps, values = zip(*shown, strict=True)
    low, high = min(values), max(values)
    span, length = high - low, steps[-1] - steps[0]
    places = [
        (_between(step - steps[0], length, WIDTH), _between(high - value, span, HEIGHT)) for step, value in shown
    ]
    path = " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
    first, last = curve[0], curve[-1]
    told = f"{_words(name)}: from {first[1]:.4g} at step {first[0]} to {last[1]:.4g} at step {last[0]}"
    across, down = places[-1]
    dot = f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3"/>'
    return (
        f"<figure><figcaption><span>{html.escape(_words(name))}</span><b>{last[1]:.4g}</b></figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(told)}">'
        f'<polyline points="{path}"/>{dot}</svg>'
        f"<small><span>{low:.3g} to {high:.3g}</span><span>step {last[0]:,}</span></small></figure>"
    )


def _between(part: float, whole: float, length: int) -> float:
    """Return where a part of a whole lies on a length, between margins; in the middle where there is no whole."""
    share = part / whole if whole else 0.5
    return MARGIN + share * (length - 2 * MARGIN)


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
