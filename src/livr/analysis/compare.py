"""Methods side by side: one line per task and method, each paired with a reference method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from livr.analysis.runs import Run
from livr.errors import DataError
from livr.evaluate.stats import Paired, paired, wilson

ORDER = ("zero_shot", "sft", "latents_only", "mask_only", "livr")
"""The usual order of methods in a table; others follow by name."""

LABELS = {
    "zero_shot": "zero-shot",
    "sft": "direct SFT",
    "livr": "LIVR",
    "latents_only": "latents only",
    "mask_only": "mask only",
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


def label(method: str) -> str:
    """The name of a method in print.

    >>> label("sft"), label("prompt_tuning")
    ('direct SFT', 'prompt tuning')
    """
    return LABELS.get(method, method.replace("_", " "))


def rank(method: str) -> tuple[int, str]:
    """Sort key of methods: the usual order, then by name."""
    return (ORDER.index(method) if method in ORDER else len(ORDER), method)


def compare(runs: Sequence[Run], reference: str = "sft") -> list[Line]:
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
    for task in dict.fromkeys(run.task for run in runs):
        by_method: dict[str, list[Run]] = {}
        for run in sorted((r for r in runs if r.task == task), key=lambda r: r.seed):
            by_method.setdefault(run.method, []).append(run)
        _check_same_questions([run for group in by_method.values() for run in group])
        for method in sorted(by_method, key=rank):
            other = None if method == reference else by_method.get(reference)
            lines.append(_line(by_method[method], other))
    return lines


def results(runs: Sequence[Run], reference: str = "sft") -> dict[str, Any]:
    """The contents of `results.json`: one row per run, and the comparison as its summary.

    Raises:
        DataError: As `compare`.
    """
    rows = [
        {
            "task": run.task,
            "method": run.method,
            "seed": run.seed,
            "n": len(run.predictions),
            "accuracy": run.scores["accuracy"],
            "ci95": run.scores["ci95"],
            "correct": sum(row.correct for row in run.predictions),
            "unparsed": run.scores.get("unparsed"),
            "train_seconds": run.train_seconds,
        }
        for run in runs
    ]
    lines = [asdict(line) for line in compare(runs, reference)]
    return {"rows": rows, "summary": {"reference": reference, "lines": lines}}


def _line(runs: Sequence[Run], reference: Sequence[Run] | None) -> Line:
    right = [[row.correct for row in run.predictions] for run in runs]
    n = len(right[0])
    accuracy = sum(map(sum, right)) / (n * len(runs))
    interval = wilson(accuracy * n, n)
    seconds = [run.train_seconds for run in runs if run.train_seconds is not None]
    return Line(
        task=runs[0].task,
        method=runs[0].method,
        seeds=len(runs),
        n=n,
        accuracy=accuracy,
        ci95=(interval.low, interval.high),
        unparsed=sum(row.prediction is None for run in runs for row in run.predictions)
        / (n * len(runs)),
        train_seconds=sum(seconds) / len(seconds) if seconds else None,
        against=_pair(reference, runs) if reference else None,
    )


def _pair(reference: Sequence[Run], runs: Sequence[Run]) -> Paired | None:
    """Pair runs of equal seed. A method with one run, as zero-shot, is paired with every seed."""
    a = {run.seed: [row.correct for row in run.predictions] for run in reference}
    b = {run.seed: [row.correct for row in run.predictions] for run in runs}
    if len(a) == 1:
        a = dict.fromkeys(b, next(iter(a.values())))
    if len(b) == 1:
        b = dict.fromkeys(a, next(iter(b.values())))
    common = [seed for seed in a if seed in b]
    return paired([a[s] for s in common], [b[s] for s in common]) if common else None


def _check_same_questions(runs: Sequence[Run]) -> None:
    first = [(row.id, row.answer) for row in runs[0].predictions]
    for run in runs[1:]:
        if [(row.id, row.answer) for row in run.predictions] != first:
            raise DataError(
                f"{runs[0].path} and {run.path} answered different questions of the task "
                f"{run.task!r}; evaluate both on the same data set before comparing them"
            )
