"""The committed results of grids, as docs/grids.py needs them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from livr.analysis.compare import Line, compare
from livr.analysis.compare_outcomes import Outcomes, read_outcomes
from livr.analysis.paper.published import find_table

EVIDENCE = Path(__file__).parents[1] / "evidence"
MAIN = ("table1-pool", "seeds")
"""The grids of the main table: seed 42, and 43 with 44."""
FEW = ("few", "few-seeds")
"""The same for the paper's split."""


def mean(shares: Sequence[float]) -> float | None:
    """The mean, or None of nothing."""
    return sum(shares) / len(shares) if shares else None


@dataclass(frozen=True)
class Grid:
    """The results of one or more grids whose cells are set alike.

    Attributes:
        outcomes: Right and wrong of every cell.
        lines: By task and method, over all seeds.
        curves: By task and method, one per seed: (stage, epoch, validation accuracy).
        seeds: By task and method, one per seed: (best validation accuracy, test accuracy).
    """

    outcomes: tuple[Outcomes, ...]
    lines: Mapping[tuple[str, str], Line]
    curves: Mapping[tuple[str, str], list[list[tuple[str, float, float]]]]
    seeds: Mapping[tuple[str, str], list[tuple[float, float]]]

    @property
    def tasks(self) -> list[str]:
        """The tasks, in the order of the grid."""
        return list(dict.fromkeys(task for task, _ in self.lines))

    def ends(self, task: str, method: str, stage: str = "stage1") -> list[float]:
        """Validation accuracy at the end of a stage that others follow, seed by seed."""
        ends = []
        for curve in self.curves.get((task, method), ()):
            found = [accuracy for name, _, accuracy in curve if name == stage]
            if found and curve[-1][0] != stage:
                ends.append(found[-1])
        return ends

    def after(self, task: str, method: str, stage: str = "stage1") -> float | None:
        """The same, a mean over seeds."""
        return mean(self.ends(task, method, stage))

    def best(self, task: str, method: str) -> float | None:
        """Best validation accuracy, a mean over seeds."""
        return mean([accuracy for accuracy, _ in self.seeds.get((task, method), ())])


def paper_gains() -> dict[str, dict[str, float]]:
    """What LIVR gains over direct SFT in the paper, in points, by backbone and task."""
    table = find_table("table1")
    return {
        backbone: {
            task: livr - sft
            for task, livr, sft in zip(table.tasks, found["livr"], found["sft"], strict=True)
            if livr is not None and sft is not None
        }
        for backbone, found in table.values.items()
    }


def paper_ablations() -> dict[str, float]:
    """The paper's variants minus its LIVR, in points, in the mean over its three tasks."""
    (found,) = find_table("table6").values.values()
    known = {name: [x for x in row if x is not None] for name, row in found.items()}
    best = sum(known["livr"])
    return {name: (sum(row) - best) / len(row) for name, row in known.items() if name != "livr"}


def read(*names: str) -> Grid:
    """The committed results of grids, joined."""
    paths = [EVIDENCE / f"{name}.json" for name in names]
    outcomes = read_outcomes(paths)[0]
    curves: dict[tuple[str, str], list[list[tuple[str, float, float]]]] = {}
    seeds: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for path in paths:
        found = json.loads(path.read_text(encoding="utf-8"))
        cells = {cell["cell"]: cell for cell in found["cells"]}
        for row in found["rows"]:
            cell, key = cells[row["cell"]], (row["task"], row["method"])
            curves.setdefault(key, []).append(cell.get("val_curve") or [])
            best = cell.get("val_accuracy") or 0.0
            seeds.setdefault(key, []).append((best, row["accuracy"]))
    lines = {(line.task, line.method): line for line in compare(outcomes)}
    return Grid(tuple(outcomes), lines, curves, seeds)
