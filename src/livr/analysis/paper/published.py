"""The published tables, read from `tables.yaml`, and a comparison set beside one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path

import yaml

from livr.analysis import REFERENCE
from livr.analysis.compare import Line
from livr.analysis.paper.column_mean import ColumnMean
from livr.errors import ConfigError
from livr.evaluate.stats import Interval, wilson

FILE = Path(__file__).with_name("tables.yaml")


@dataclass(frozen=True)
class Table:
    """A published table.

    Attributes:
        name: `table1`, ...
        title: What it is, with its section.
        tasks: Task to number of test questions, or None where the paper does not say.
        values: Backbone to method to accuracies, one per task, in percent; None where none is
            given.
        means: Of these tasks, those that are a mean over several test sets: the names of these in
            shipped grids, and the benchmark's own.
    """

    name: str
    title: str
    tasks: dict[str, int | None]
    values: dict[str, dict[str, list[float | None]]]
    means: dict[str, dict[str, str]] = field(default_factory=dict)

    def column(self, wanted: str | None, models: Sequence[str]) -> str:
        """The backbone to print.

        Args:
            wanted: Its name, or None to take the one that was run; else the table's first.
            models: What was run.

        Raises:
            ConfigError: The table has no such backbone.
        """
        if wanted is not None:
            found = next((b for b in self.values if _plain(b) == _plain(wanted)), None)
            if found is None:
                known = ", ".join(self.values)
                raise ConfigError(f"{self.name} has no backbone {wanted}; choose one of {known}")
            return found
        run = [b for b in self.values if any(_plain(b) in _plain(model) for model in models)]
        return (run or list(self.values))[0]


@dataclass(frozen=True)
class Beside:
    """A published accuracy and ours.

    Attributes:
        task: The task.
        method: The method.
        paper: The published accuracy.
        ours: Ours, or None if it was not run.
        difference: Ours minus the paper's.
        interval: Newcombe's interval of that difference; None if the paper's n is unknown.
        paper_gain: The published gain over the reference, for other methods.
        our_gain: Ours.
        gain_interval: Its interval, over seeds and questions.
        missing: Test sets without a result, for a task that is a mean over several.
    """

    task: str
    method: str
    paper: float
    ours: float | None = None
    difference: float | None = None
    interval: Interval | None = None
    paper_gain: float | None = None
    our_gain: float | None = None
    gain_interval: Interval | None = None
    missing: tuple[str, ...] = ()


def tables() -> dict[str, Table]:
    """All published tables by name."""
    raw = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {name: Table(name=name, **fields) for name, fields in raw.items()}


def find_table(name: str) -> Table:
    """A published table.

    Raises:
        ConfigError: There is none of that name; the message lists them.
    """
    found = tables()
    if name not in found:
        lines = "\n".join(f"  {n}: {t.title}" for n, t in found.items())
        raise ConfigError(f"no published table {name!r}; there are\n{lines}")
    return found[name]


def beside(
    lines: Sequence[Line],
    table: Table,
    backbone: str,
    means: Mapping[tuple[str, str], ColumnMean] | None = None,
    reference: str = REFERENCE,
) -> list[Beside]:
    """A comparison beside a published table, task by task.

    Args:
        lines: Our comparison.
        table: The published table.
        backbone: One of its backbones.
        means: Our (task, method) for tasks that are a mean over several test sets.
        reference: The method that our comparison pairs the others with; the paper's gains are
            over the same one.
    """
    ours: dict[tuple[str, str], Line | ColumnMean] = dict(means or {})
    ours |= {(line.task, line.method): line for line in lines}
    methods = table.values[backbone]
    rows = []
    for i, (task, n) in enumerate(table.tasks.items()):
        base = methods.get(reference, [None] * len(table.tasks))[i]
        for method, values in methods.items():
            value = values[i]
            if value is not None:
                gain = None if base is None or method == reference else (value - base) / 100
                rows.append(_row(task, method, value / 100, n, gain, ours.get((task, method))))
    return rows


def _row(
    task: str,
    method: str,
    paper: float,
    n: int | None,
    gain: float | None,
    line: Line | ColumnMean | None,
) -> Beside:
    if line is None:
        return Beside(task, method, paper, paper_gain=gain)
    if isinstance(line, ColumnMean):
        return Beside(
            task=task,
            method=method,
            paper=paper,
            ours=line.accuracy,
            difference=None if line.accuracy is None else line.accuracy - paper,
            paper_gain=gain,
            our_gain=line.gain,
            gain_interval=line.gain_interval,
            missing=line.missing,
        )
    return Beside(
        task=task,
        method=method,
        paper=paper,
        ours=line.accuracy,
        difference=line.accuracy - paper,
        interval=None if n is None else newcombe(paper, n, line.accuracy, line.n),
        paper_gain=gain,
        our_gain=line.against.delta if line.against else None,
        gain_interval=line.effect,
    )


def newcombe(share_a: float, n_a: int, share_b: float, n_b: int) -> Interval:
    """Newcombe's hybrid interval of b - a for two independent proportions (1998, method 10).

    Args:
        share_a: First proportion.
        n_a: Its number of questions.
        share_b: Second proportion.
        n_b: Its number of questions.

    >>> newcombe(56 / 70, 70, 48 / 80, 80)
    Interval(low=-0.333..., high=-0.052...)
    """
    a, b = wilson(share_a * n_a, n_a), wilson(share_b * n_b, n_b)
    delta = share_b - share_a
    low = delta - sqrt((share_b - b.low) ** 2 + (a.high - share_a) ** 2)
    high = delta + sqrt((b.high - share_b) ** 2 + (share_a - a.low) ** 2)
    return Interval(low, high)


def _plain(name: str) -> str:
    """A model's name without case and punctuation; LLaVA-OneVision is LLaVA-OV."""
    letters = "".join(c for c in name.lower() if c.isalnum())
    return letters.replace("onevision", "ov")
