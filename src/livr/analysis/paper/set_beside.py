"""A comparison beside a published table, with the words that belong to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livr.analysis.compare import Line, label
from livr.analysis.compare_outcomes import Outcomes
from livr.analysis.paper.column_mean import column_means
from livr.analysis.paper.published import Beside, Table, beside


@dataclass(frozen=True)
class Aside:
    """Published numbers with ours beside them.

    Attributes:
        table: The published table.
        backbone: Its model.
        reference: The method that gains are over.
        rows: One per task and method of the table.
    """

    table: Table
    backbone: str
    reference: str
    rows: tuple[Beside, ...]

    @property
    def caption(self) -> str:
        """What the columns are, and what they do not allow."""
        return (
            f"{self.table.title}, {self.backbone}. Gain: over {label(self.reference)}. The paper's "
            "test sets and models are its own: compare gains first, accuracies only on the same "
            "data and model."
        )

    @property
    def missing(self) -> list[str]:
        """A sentence for each row without a result because some of its test sets have none."""
        said = []
        for row in self.rows:
            if row.missing:
                sets = self.table.means[row.task]
                parts = ", ".join(f"{name} (BLINK {sets[name]})" for name in row.missing)
                said.append(
                    f"{label(row.task)}, {label(row.method)}: a mean over {len(sets)} test sets; "
                    f"no result on {parts}."
                )
        return said


def set_beside(
    runs: Sequence[Outcomes],
    lines: Sequence[Line],
    table: Table,
    backbone: str | None,
    reference: str,
) -> Aside:
    """What was run, beside a published table.

    Args:
        runs: What was run, task by task, as from `in_subsets`.
        lines: Their comparison.
        table: The published table.
        backbone: One of its models, or None to take the one that was run; else its first.
        reference: The method that the others are compared with.

    Raises:
        ConfigError: The table has no such backbone.
        DataError: As `column_means`.
    """
    column = table.column(backbone, [run.model for run in runs])
    filled = column_means(runs, table.means, reference)
    return Aside(table, column, reference, tuple(beside(lines, table, column, filled, reference)))
