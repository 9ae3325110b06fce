"""How a result is written into a table or a sentence of docs/."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from results import Grid

from livr.analysis.compare import Line, label
from livr.analysis.compare_mean import MeanLine, means
from livr.analysis.compare_outcomes import Outcomes
from livr.evaluate.clustered import clusters, share_interval
from livr.evaluate.stats import Interval, wilson


def percent(share: float | None) -> str:
    """A share, or a dash where nothing was measured."""
    return "–" if share is None else f"{100 * share:.1f} %"


def each(shares: Iterable[float]) -> str:
    """Accuracies of the seeds, in percent."""
    return " ".join(f"{100 * share:.1f}" for share in shares)


def measured(line: Line | None) -> str:
    """An accuracy with Wilson's interval; a dash where nothing was measured."""
    if line is None:
        return "–"
    low, high = (100 * bound for bound in line.ci95)
    return f"{percent(line.accuracy)} [{low:.1f}, {high:.1f}]"


def elsewhere(outcome: Outcomes) -> str:
    """The interval of an accuracy for other photographs; a dash if they do not bear one."""
    if clusters(outcome.sources) is None:
        return "–"
    around = share_interval([letter == "1" for letter in outcome.answers], outcome.sources)
    return f"{100 * around.low:.1f} to {100 * around.high:.1f}"


def forgotten(line: Line | None) -> str:
    """Accuracy under the bottleneck, with Wilson's interval; a dash if that was not asked."""
    if line is None or line.blindfolded is None:
        return "–"
    bounds = wilson(line.blindfolded * line.n, line.n)
    return measured(replace(line, accuracy=line.blindfolded, ci95=(bounds.low, bounds.high)))


def points(line: Line | None) -> str:
    """The difference to the reference with its interval."""
    if line is None or line.against is None or line.effect is None:
        return "–"
    return _signed(line.against.delta, line.effect)


def mean_points(line: MeanLine | None) -> str:
    """A difference in the mean over tasks with its interval; a dash where nothing was measured."""
    return "–" if line is None else _signed(line.delta, line.effect)


def _signed(delta: float, around: Interval) -> str:
    """A difference with its interval, in points."""
    return f"{100 * delta:+.1f} [{100 * around.low:+.1f}, {100 * around.high:+.1f}]"


def in_words(line: MeanLine, reference: str) -> str:
    """A mean over tasks as a sentence."""
    low, high = (100 * bound for bound in (line.effect.low, line.effect.high))
    return (
        f"{label(line.method)} minus {label(reference)}: {100 * line.delta:+.1f} points in the "
        f"mean of {len(line.tasks)} tasks [{low:+.1f}, {high:+.1f}], ahead on {line.ahead} of "
        "them.\n"
    )


def of_pairs(grid: Grid, *pairs: tuple[str, str]) -> str:
    """The means over tasks of some methods, each beside a reference: (method, reference)."""
    text = ""
    for method, reference in pairs:
        found = means(grid.outcomes, reference).lines
        text += "".join(in_words(line, reference) for line in found if line.method == method)
    return text
