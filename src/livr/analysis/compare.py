"""Methods side by side: one line per task and method, each paired with a reference method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

from livr.analysis import REFERENCE
from livr.analysis.compare_outcomes import (
    UNREAD,
    Outcomes,
    known_sources,
    outcomes_of,
    same_questions,
)
from livr.analysis.runs import Run
from livr.errors import DataError
from livr.evaluate.hierarchical import effect_interval, holm
from livr.evaluate.paired import Paired, paired
from livr.evaluate.score import GroupScore, score_groups
from livr.evaluate.shared import how_many
from livr.evaluate.stats import Interval, wilson

UNTRAINED = "zero_shot"
ORDER = (UNTRAINED, REFERENCE, "latents_only", "mask_only", "livr")
"""The usual order of methods in a table; others follow by name."""

LABELS = {
    "zero_shot": "zero-shot",
    "sft": "direct SFT",
    "livr": "LIVR",
    "latents_only": "latents only",
    "mask_only": "mask only",
    "mirage": "Mirage",
}
"""How a method is called in print."""


@dataclass(frozen=True)
class Line:
    """One method on one task, over all its seeds.

    Attributes:
        task: The task.
        method: The method.
        seeds: Number of runs.
        n: Test questions.
        accuracy: Mean accuracy over seeds.
        ci95: Wilson's interval of that mean with `n` questions. Seeds answer the same
            questions, so they do not make it narrower.
        unparsed: Mean share of answers that could not be read.
        train_seconds: Mean training time, or None.
        against: The paired test against the reference (delta = this minus reference), or None
            for the reference itself.
        effect: Interval of that difference for other seeds, questions and sources; or None.
        p_holm: The test's p-value, corrected for the number of tests in this comparison; or None.
        floor: Accuracy of always giving the most common right answer.
        groups: The score of questions that count only together, as a mean over seeds, or None.
        blindfolded: Mean accuracy under the bottleneck rule, or None if that was not asked.
        sources: Number of different sources that the questions share, 0 if they share none.
    """

    task: str
    method: str
    seeds: int
    n: int
    accuracy: float
    ci95: tuple[float, float]
    unparsed: float
    train_seconds: float | None
    against: Paired | None
    effect: Interval | None = None
    p_holm: float | None = None
    floor: float = 0.0
    groups: GroupScore | None = None
    blindfolded: float | None = None
    sources: int = 0

    @property
    def blindfolded_ci95(self) -> tuple[float, float] | None:
        """Wilson's interval of `blindfolded`, as `ci95`."""
        if self.blindfolded is None:
            return None
        found = wilson(self.blindfolded * self.n, self.n)
        return found.low, found.high


def label(method: str) -> str:
    """The name of a method in print.

    >>> label("sft"), label("prompt_tuning")
    ('direct SFT', 'prompt tuning')
    """
    return LABELS.get(method, method.replace("_", " "))


def rank(method: str) -> tuple[int, str]:
    """Sort key of methods: the usual order, then by name."""
    return (ORDER.index(method) if method in ORDER else len(ORDER), method)


def compare(runs: Sequence[Run | Outcomes], reference: str = REFERENCE) -> list[Line]:
    """One line per task and method.

    Args:
        runs: Evaluated runs. The runs of a task must have answered the same questions.
        reference: The method that the others are paired with, where a task has it.

    Raises:
        DataError: There are no runs, or two runs of a task answered different questions.
    """
    if not runs:
        raise DataError("there are no runs to compare")
    lines = []
    for by_method in by_task(runs).values():
        for method in sorted(by_method, key=rank):
            other = None if method == reference else by_method.get(reference)
            lines.append(_line(by_method[method], other))
    return _corrected(lines)


def by_task(runs: Sequence[Run | Outcomes]) -> dict[str, dict[str, list[Outcomes]]]:
    """Runs by task, then by method, in the order of their seeds.

    Raises:
        DataError: Two runs of a task answered different questions, or two of one method have the
            same seed.
    """
    found: dict[str, dict[str, list[Outcomes]]] = {}
    for run in map(outcomes_of, runs):
        found.setdefault(run.task, {}).setdefault(run.method, []).append(run)
    for by_method in found.values():
        for group in by_method.values():
            group.sort(key=lambda run: run.seed)
            _check_seeds(group)
        _check_same_questions([run for group in by_method.values() for run in group])
    return found


def results(
    runs: Sequence[Run | Outcomes], lines: Sequence[Line], reference: str
) -> dict[str, Any]:
    """The contents of `results.json`: one row per run, and what `compare` said as its summary."""
    return {
        "rows": [row(outcomes_of(run)) for run in runs],
        "summary": {"reference": reference, "lines": [asdict(line) for line in lines]},
    }


def row(run: Outcomes) -> dict[str, Any]:
    """One run as a row of a results file."""
    n, correct = len(run.answers), sum(run.right)
    interval = wilson(correct, n)
    groups = score_groups(run.group_of, [run.right])
    return {
        "task": run.task,
        "method": run.method,
        "seed": run.seed,
        "n": n,
        "accuracy": run.accuracy,
        "ci95": [interval.low, interval.high],
        "correct": correct,
        "unparsed": run.answers.count(UNREAD) / n,
        "train_seconds": run.train_seconds,
        **({"groups": asdict(groups)} if groups else {}),
    }


def _line(runs: Sequence[Outcomes], reference: Sequence[Outcomes] | None) -> Line:
    n = len(runs[0].answers)
    accuracy = sum(sum(run.right) for run in runs) / (n * len(runs))
    interval = wilson(accuracy * n, n)
    seconds = [run.train_seconds for run in runs if run.train_seconds is not None]
    blind = [run.blindfolded for run in runs if run.blindfolded is not None]
    tables = pair(reference, runs) if reference else None
    shared = known_sources([*runs, *(reference or ())])
    return Line(
        task=runs[0].task,
        method=runs[0].method,
        seeds=len(runs),
        n=n,
        accuracy=accuracy,
        ci95=(interval.low, interval.high),
        unparsed=sum(run.answers.count(UNREAD) for run in runs) / (n * len(runs)),
        train_seconds=sum(seconds) / len(seconds) if seconds else None,
        against=paired(*tables, shared) if tables else None,
        effect=effect_interval([difference(tables)], sources=[shared]) if tables else None,
        floor=runs[0].floor,
        groups=score_groups(runs[0].group_of, [run.right for run in runs]),
        blindfolded=sum(blind) / len(blind) if blind else None,
        sources=how_many(shared),
    )


Tables = tuple[list[list[bool]], list[list[bool]]]
"""Right or wrong of the reference and of a method: one row per seed, one column per question."""


def pair(reference: Sequence[Outcomes], runs: Sequence[Outcomes]) -> Tables | None:
    """Pair runs of equal seed. What is not trained has no seed and is paired with every one; so
    are two runs, where there are no more.

    Returns:
        The reference's table and the method's, or None if no seed is common to both.
    """
    a = {run.seed: run.right for run in reference}
    b = {run.seed: run.right for run in runs}
    if len(a) == 1 and (len(b) == 1 or reference[0].method == UNTRAINED):
        a = dict.fromkeys(b, next(iter(a.values())))
    if len(b) == 1 and runs[0].method == UNTRAINED:
        b = dict.fromkeys(a, next(iter(b.values())))
    common = [seed for seed in a if seed in b]
    return ([a[s] for s in common], [b[s] for s in common]) if common else None


def difference(tables: Tables) -> list[list[int]]:
    """The second table minus the first, as 1, 0 and -1.

    >>> difference(([[True, False]], [[True, True]]))
    [[0, 1]]
    """
    return [
        [int(right) - int(left) for left, right in zip(a, b, strict=True)]
        for a, b in zip(*tables, strict=True)
    ]


def _corrected(lines: Sequence[Line]) -> list[Line]:
    """The lines with p-values corrected for the number of tests among them."""
    tested = [line.against.p_value for line in lines if line.against]
    adjusted = iter(holm(tested))
    return [replace(line, p_holm=next(adjusted)) if line.against else line for line in lines]


def _check_seeds(group: Sequence[Outcomes]) -> None:
    for one, other in pairwise(group):
        if one.seed == other.seed:
            raise DataError(
                f"{one.source} and {other.source} are both {one.method} on {one.task} with seed "
                f"{one.seed}; compare one of them, or train the other with another seed"
            )


def _check_same_questions(runs: Sequence[Outcomes]) -> None:
    known = next((run for run in runs if run.asked), runs[0])
    for run in runs:
        other = next((one for one in (runs[0], known) if not same_questions(one, run)), None)
        if other is not None:
            same = run.questions == other.questions
            how = " (ids and answers are the same, pictures or texts are not)" if same else ""
            raise DataError(
                f"{other.source} and {run.source} answered different questions of the task "
                f"{run.task!r}{how}; evaluate both on the same data set before comparing them"
            )
