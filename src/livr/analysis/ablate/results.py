"""`results.json` of a grid: what it holds, how a cell's result goes in and comes out again.

Written after every cell; read by all that compares a grid, takes its cells over or repeats one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from livr.errors import DataError
from livr.evaluate.shared import from_text

if TYPE_CHECKING:
    from livr.analysis.ablate.cells import Cell

RESULTS = "results.json"
_ADVICE = (
    "Give the results.json that livr ablate wrote for this grid; the same command writes it anew "
    "and keeps every cell that is finished"
)
_SHOWN = 3
"""Most problems that a message names: what is no such file has one per line."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True)


class _Blindfolded(_Part):
    accuracy: float


class _Row(_Part):
    """What a cell answered on one task."""

    task: str
    method: str
    seed: int
    model: str
    train_seconds: float | None
    cell: str
    n: int
    correct: int
    answers: str = Field(pattern="^[10-]+$")
    floor: float
    questions: str
    asked: str = ""
    group_of: list[int | None] = []
    blindfolded: _Blindfolded | None = None


class _Cell(_Part):
    """How a cell came about."""

    cell: str
    hash: str
    seconds: float
    train_seconds: float | None
    device: str
    threads: int
    versions: dict[str, Any]
    settings: dict[str, Any] = {}


class _Failed(_Part):
    model_config = ConfigDict(extra="forbid")

    task: str
    method: str
    seed: int
    reason: str


class _File(_Part):
    rows: list[_Row]
    cells: list[_Cell]
    failed: list[_Failed] = []
    sources: dict[str, str] = {}

    @model_validator(mode="after")
    def _fits_together(self) -> _File:
        known = {cell.cell for cell in self.cells}
        for row in self.rows:
            if row.cell not in known:
                raise ValueError(f"a row is of the cell {row.cell!r}, which is not among the cells")
            count = len(row.answers)
            if row.n != count:
                raise ValueError(f"{row.cell}: {row.n} questions, but {count} answers")
            if row.task in self.sources and (n := len(from_text(self.sources[row.task]))) != count:
                raise ValueError(f"{row.cell}: sources of {n} questions for {count} answers")
        return self


@dataclass(frozen=True)
class GridResults:
    """The contents of a results file.

    Attributes:
        file: The file.
        rows: What each cell answered on each of its tasks.
        cells: How each cell came about.
        failed: Task, method, seed and reason of what has no result.
        sources: By task, what its questions share, see `livr.evaluate.shared.from_text`.
    """

    file: Path
    rows: tuple[dict[str, Any], ...]
    cells: tuple[dict[str, Any], ...]
    failed: tuple[dict[str, Any], ...]
    sources: Mapping[str, str]

    def rows_of(self, cell: str, tasks: Collection[str]) -> dict[str, dict[str, Any]]:
        """The rows of a cell by task.

        Raises:
            DataError: One of the tasks has none.
        """
        found = {row["task"]: row for row in self.rows if row["cell"] == cell}
        for task in tasks:
            if task not in found:
                raise DataError(f"{self.file}: the cell {cell!r} has no row of {task}. {_ADVICE}")
        return found


def read_grid(file: Path) -> GridResults | None:
    """The results file of a grid; None if there is no such file, or it is of something else.

    Raises:
        DataError: It cannot be read, or it is damaged.
    """
    if not file.is_file():
        return None
    try:
        value = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read as JSON: {error}. {_ADVICE}") from error
    if not isinstance(value, dict) or "cells" not in value:
        return None
    try:
        _File.model_validate(value)
    except ValidationError as error:
        raise DataError(
            f"{file} is not the results file of a grid, or damaged: {_what(error)}. {_ADVICE}"
        ) from error
    return GridResults(
        file=file,
        rows=tuple(value["rows"]),
        cells=tuple(value["cells"]),
        failed=tuple(value.get("failed", ())),
        sources=value.get("sources", {}),
    )


def _what(error: ValidationError) -> str:
    """What is wrong, in one line: `cells.0.hash: Field required`."""
    found = []
    for item in error.errors()[:_SHOWN]:
        place = ".".join(map(str, item["loc"]))
        found.append((f"{place}: " if place else "") + item["msg"].removeprefix("Value error, "))
    return "; ".join(found)


def read_results(file: Path) -> GridResults:
    """The results file of a grid, or that in a grid's folder.

    Raises:
        DataError: It is none, is damaged, or holds no finished cell.
    """
    file = file / RESULTS if file.is_dir() else file
    found = read_grid(file)
    if found is None and not file.is_file():
        raise DataError(f"there is no file {file}. {_ADVICE}")
    if found is None or not found.cells:
        raise DataError(f"{file} holds no finished cell of a grid. {_ADVICE}")
    return found


def packed(cell: Cell, result: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A cell's `result.json` as its entry among the cells and its rows."""
    extra = _added(cell, result)
    entry = {key: value for key, value in result.items() if key not in ("rows", "hash")}
    return {"cell": cell.name, "hash": cell.hash} | entry, [
        {"task": row["task"], **extra, **row} for row in result["rows"]
    ]


def unpacked(found: GridResults, entry: dict[str, Any], cell: Cell) -> dict[str, Any]:
    """The `result.json` that `packed` made an entry of.

    Raises:
        DataError: The file lacks a row of the cell.
    """
    added = _added(cell, entry).keys()
    rows = found.rows_of(entry["cell"], cell.tests).values()
    about = {key: value for key, value in entry.items() if key != "cell"}
    return about | {
        "rows": [
            {key: value for key, value in row.items() if key not in added}
            | ({"sources": found.sources[row["task"]]} if row["task"] in found.sources else {})
            for row in rows
        ]
    }


def _added(cell: Cell, result: dict[str, Any]) -> dict[str, Any]:
    """What a results file says of every row of a cell besides the row itself."""
    return {
        "method": cell.variant,
        "seed": cell.seed,
        # No path of this machine goes there.
        "model": Path(cell.model).name if Path(cell.model).is_absolute() else cell.model,
        "train_seconds": result["train_seconds"],
        "cell": cell.name,
    }
