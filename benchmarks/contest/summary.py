"""The last line of a benchmark of one-pass painting: ratios above 1 mean that ours is better."""

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from contest.judging import Losses
from contest.workers import ANY_STYLE, BUILT_IN


@dataclass(frozen=True)
class Pair:
    """A photo painted after a painting.

    Attributes:
        losses: Of each contestant.
        seen: Whether each of our networks was trained on the painting; None if its file does not say.
        steps: By Gatys' walk: after how many steps its style loss is as low as each network's; None if never.
        gatys_content: Likewise, Gatys' content loss then.
        gatys: By Gatys' walk, its losses after some numbers of steps.
    """

    losses: Mapping[str, Losses]
    seen: Mapping[str, bool | None]
    steps: dict[str, dict[str, int | None]] = field(default_factory=dict)
    gatys_content: dict[str, dict[str, float]] = field(default_factory=dict)
    gatys: dict[str, dict[int, Losses]] = field(default_factory=dict)


@dataclass
class Results:
    """What was measured; empty where a part was left out.

    Attributes:
        seconds: By longest side, the median time of each contestant.
        peaks: The most memory of each, in GB.
        pairs: Pictures, judged.
    """

    seconds: dict[int, dict[str, float]] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)


def summary(results: Results, methods: Sequence[str]) -> dict[str, object]:
    """Return everything in one object, for our methods against the peer and against Gatys."""
    parts: dict[str, Mapping[str, object]] = {
        "time_ratio_to_built_in": _time_ratios(results, methods, BUILT_IN),
        "time_ratio_to_any_style": _time_ratios(results, methods, ANY_STYLE),
        "memory_ratio_to_built_in": _memory_ratios(results, methods, BUILT_IN),
        "memory_ratio_to_any_style": _memory_ratios(results, methods, ANY_STYLE),
        "quality": _by_paintings(results.pairs, methods, _against_peer),
        "equivalent_steps": _by_paintings(results.pairs, methods, _against_gatys),
        "gatys": _gatys(results.pairs),
    }
    return {name: part for name, part in parts.items() if any(part.values())}


def _time_ratios(results: Results, methods: Sequence[str], peer: str) -> dict[str, dict[int, float]]:
    return {
        method: {size: round(each[peer] / each[method], 2) for size, each in results.seconds.items()}
        for method in methods
    }


def _memory_ratios(results: Results, methods: Sequence[str], peer: str) -> dict[str, float]:
    peaks = results.peaks
    return {method: round(peaks[peer] / peaks[method], 2) for method in methods if method in peaks}


Compare = Callable[[Sequence[Pair], str], dict[str, object]]


def _by_paintings(pairs: Sequence[Pair], methods: Sequence[str], compare: Compare) -> Mapping[str, object]:
    """Compare each method with others over all its pairs, and over those it was and was not trained on."""
    return {method: dict(_groups(pairs, method, compare)) for method in methods}


def _groups(pairs: Sequence[Pair], method: str, compare: Compare) -> Iterator[tuple[str, dict[str, object]]]:
    painted = [pair for pair in pairs if method in pair.losses]
    for name, wanted in {"all": None, "trained_on": True, "not_trained_on": False}.items():
        chosen = [pair for pair in painted if wanted is None or pair.seen[method] is wanted]
        if chosen and (found := compare(chosen, method)):
            yield name, {"pairs": len(chosen), **found}


def _against_peer(pairs: Sequence[Pair], method: str) -> dict[str, object]:
    found: dict[str, object] = {"median": _medians([pair.losses[method] for pair in pairs])}
    if any(ANY_STYLE not in pair.losses for pair in pairs):
        return found
    duels = [(pair.losses[method], pair.losses[ANY_STYLE]) for pair in pairs]
    wins = sum(mine.style < theirs.style and mine.content <= theirs.content for mine, theirs in duels)
    return found | {
        "median_any_style": _medians([theirs for _, theirs in duels]),
        "share_better_in_style_at_no_more_content": round(wins / len(duels), 3),
        "share_better_in_style": round(sum(mine.style < theirs.style for mine, theirs in duels) / len(duels), 3),
        "style_ratio": round(statistics.median(theirs.style / mine.style for mine, theirs in duels), 2),
        "content_ratio": round(statistics.median(theirs.content / mine.content for mine, theirs in duels), 2),
    }


def _against_gatys(pairs: Sequence[Pair], method: str) -> dict[str, object]:
    """Return medians of Gatys-equivalent steps by walk; null is more than were walked."""
    found: dict[str, object] = {}
    for walk in sorted({walk for pair in pairs for walk in pair.steps}):
        steps = [pair.steps[walk][method] for pair in pairs]
        middle = statistics.median(math.inf if step is None else step for step in steps)
        found[walk] = {
            "median_steps": None if middle == math.inf else middle,
            "never_reached": steps.count(None),
            "median_content_gatys_then": round(
                statistics.median(pair.gatys_content[walk][method] for pair in pairs), 4
            ),
            "median_content": round(statistics.median(pair.losses[method].content for pair in pairs), 4),
        }
    return found


def _gatys(pairs: Sequence[Pair]) -> dict[str, object]:
    walks = pairs[0].gatys if pairs else {}
    return {
        walk: {steps: _medians([pair.gatys[walk][steps] for pair in pairs]) for steps in marks}
        for walk, marks in walks.items()
    }


def _medians(losses: Sequence[Losses]) -> dict[str, float]:
    middle = Losses(*(statistics.median(values) for values in zip(*losses, strict=True)))
    return middle.rounded()
