"""Columns of published tables that are a mean over several test sets, as BLINK-5 is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from livr.analysis.compare import by_task
from livr.analysis.compare_mean import mean_line
from livr.analysis.compare_outcomes import Outcomes
from livr.evaluate.stats import Interval


@dataclass(frozen=True)
class ColumnMean:
    """One method in such a column.

    Attributes:
        accuracy: Mean of its accuracies, each test set counting once; None if one is missing.
        missing: Test sets it has no result on.
        gain: The same mean of differences to the reference, or None if that was not run on all.
        gain_interval: Its interval, from drawing test sets, seeds and questions anew.
    """

    accuracy: float | None
    missing: tuple[str, ...] = ()
    gain: float | None = None
    gain_interval: Interval | None = None


def column_means(
    runs: Sequence[Outcomes], columns: Mapping[str, Mapping[str, str]], reference: str
) -> dict[tuple[str, str], ColumnMean]:
    """Fill such columns, for every method with a result on one of their test sets or more.

    Args:
        runs: What was run; a test set is known by either of its names.
        columns: Column to its test sets: their name in shipped grids, and the benchmark's own.
        reference: The method that the others are compared with.

    Returns:
        (column, method) to its mean.

    Raises:
        DataError: Two runs answered different questions of a test set.
    """
    groups = by_task(runs)
    found: dict[tuple[str, str], ColumnMean] = {}
    for column, names in columns.items():
        parts = {name: groups.get(name) or groups.get(own, {}) for name, own in names.items()}
        for method in {method for part in parts.values() for method in part}:
            found[column, method] = _mean(parts, method, reference)
    return found


def _mean(parts: dict[str, dict[str, list[Outcomes]]], method: str, reference: str) -> ColumnMean:
    missing = tuple(name for name, part in parts.items() if method not in part)
    if missing:
        return ColumnMean(None, missing)
    shares = [sum(run.accuracy for run in part[method]) / len(part[method])
              for part in parts.values()]  # fmt: skip
    accuracy = sum(shares) / len(shares)
    line = None if method == reference else mean_line(parts, method, reference)
    if line is None or len(line.tasks) < len(parts):
        return ColumnMean(accuracy)
    return ColumnMean(accuracy, gain=line.delta, gain_interval=line.effect)
