"""Runs that were asked several tasks at once, beside runs that were asked one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from livr.analysis.compare import label
from livr.analysis.compare_outcomes import Outcomes, parts_of, same_questions


def by_part(runs: Sequence[Outcomes]) -> tuple[list[Outcomes], list[str]]:
    """The runs; those asked several tasks are taken apart if others were asked one of these alone.

    That is done where all of the others were asked the same questions, and for all such runs or
    for none, so that they stay comparable with one another.

    Args:
        runs: Evaluated runs.

    Returns:
        The runs, and sentences on those that for other questions are not compared.
    """
    parts = {run.source: parts_of(run) for run in runs}
    alone = [run for run in runs if not parts[run.source]]
    met = [
        (part, other)
        for found in parts.values()
        for part in found
        for other in alone
        if part.task == other.task
    ]
    apart = {part.source: (part, other) for part, other in met if not same_questions(part, other)}
    if not met or apart:
        return list(runs), [_sentence(*pair) for pair in apart.values()]
    taken = {(run.task, run.method, run.seed) for run in alone}
    return [
        _named(part, taken) if part is not run else run
        for run in runs
        for part in parts[run.source] or [run]
    ], []


def _named(part: Outcomes, taken: set[tuple[str, str, int]]) -> Outcomes:
    """The part, told from a run of one task by the data it was trained on."""
    if (part.task, part.method, part.seed) not in taken or part.run is None:
        return part
    data = Path(str(part.run.config.get("data") or part.source)).name
    return replace(part, method=f"{part.method} data={data}")


def _sentence(part: Outcomes, other: Outcomes) -> str:
    return (
        f"{part.source} was asked several tasks at once, {other.source} only "
        f"{label(other.task)}, and not the same questions of it: they are not compared. Evaluate "
        "both on the same data set to compare them"
    )
