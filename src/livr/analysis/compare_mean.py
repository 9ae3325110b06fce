"""The mean over tasks: each method against the reference on all tasks that both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from livr.analysis import REFERENCE
from livr.analysis.compare import UNTRAINED, by_task, difference, pair, rank
from livr.analysis.compare_outcomes import Outcomes, known_sources
from livr.analysis.runs import Run
from livr.evaluate.hierarchical import effect_interval, holm
from livr.evaluate.paired import paired_over
from livr.evaluate.stats import Interval, wilson


@dataclass(frozen=True)
class MeanLine:
    """One method over several tasks, each task counting once.

    Attributes:
        method: The method.
        tasks: The tasks it shares with the reference.
        n: Their questions.
        accuracy: Mean of its accuracies on them.
        reference: Mean of the reference's accuracies on them.
        delta: The difference.
        effect: Its interval, from drawing tasks, seeds and questions anew.
        p_value: Paired test of the difference, see `paired_over`.
        p_holm: The same, corrected for the number of methods.
        ahead: Tasks on which the method answers more questions right.
    """

    method: str
    tasks: tuple[str, ...]
    n: int
    accuracy: float
    reference: float
    delta: float
    effect: Interval
    p_value: float
    p_holm: float
    ahead: int


@dataclass(frozen=True)
class Means:
    """The means, and which tasks are not in them.

    Attributes:
        lines: One per method with at least two tasks.
        left_out: Tasks that are in no mean, since neither the reference nor what is paired with
            it is above the floor: no comparison is possible.
    """

    lines: tuple[MeanLine, ...]
    left_out: tuple[str, ...]


def at_chance(runs: Sequence[Outcomes]) -> bool:
    """Whether the interval of a method on a task reaches down to the most common answer's share.

    Args:
        runs: Its runs on that task, one per seed.
    """
    n = len(runs[0].answers)
    correct = sum(sum(run.right) for run in runs) / len(runs)
    return wilson(correct, n).low <= runs[0].floor


def means(
    runs: Sequence[Run | Outcomes], reference: str = REFERENCE, *, keep_all: bool = False
) -> Means:
    """Means over tasks of every method but the reference.

    A task on which a trained reference and the method both stay at chance says nothing about their
    difference; it is left out of that method's mean. One that only the method learns is in it.

    Args:
        runs: As for `compare`.
        reference: The method that the others are paired with.
        keep_all: Leave no task out.

    Raises:
        DataError: As `compare`.
    """
    groups = by_task(runs)
    methods = {method for found in groups.values() for method in found} - {reference}
    compared = not keep_all and reference != UNTRAINED
    out: set[str] = set()
    kept: list[MeanLine] = []
    for method in sorted(methods, key=rank):
        own = {task: found for task, found in groups.items() if {method, reference} <= found.keys()}
        unlearnt = {
            task
            for task, found in own.items()
            if compared and at_chance(found[reference]) and at_chance(found[method])
        }
        out |= unlearnt
        learnt = {task: found for task, found in own.items() if task not in unlearnt}
        if line := mean_line(learnt, method, reference):
            kept.append(line)
    adjusted = holm([line.p_value for line in kept])
    corrected = (replace(line, p_holm=p) for line, p in zip(kept, adjusted, strict=True))
    out -= {task for line in kept for task in line.tasks}
    return Means(tuple(corrected), tuple(sorted(out)))


def mean_line(
    groups: dict[str, dict[str, list[Outcomes]]], method: str, reference: str
) -> MeanLine | None:
    """One method's mean; `p_holm` is not corrected yet.

    Args:
        groups: Runs by task, then by method.
        method: The method.
        reference: What it is paired with.

    Returns:
        None if the two have fewer than two tasks in common.
    """
    tables = {
        task: both
        for task, found in groups.items()
        if method in found and reference in found
        if (both := pair(found[reference], found[method])) is not None
    }
    if len(tables) < 2:
        return None
    shares = [tuple(sum(map(sum, t)) / (len(t) * len(t[0])) for t in both)
              for both in tables.values()]  # fmt: skip
    shared = [known_sources(groups[task][method] + groups[task][reference]) for task in tables]
    test = paired_over(list(tables.values()), shared)
    return MeanLine(
        method=method,
        tasks=tuple(tables),
        n=test.n,
        accuracy=sum(b for _, b in shares) / len(shares),
        reference=sum(a for a, _ in shares) / len(shares),
        delta=test.delta,
        effect=effect_interval(list(map(difference, tables.values())), sources=shared),
        p_value=test.p_value,
        p_holm=test.p_value,
        ahead=sum(b > a for a, b in shares),
    )
