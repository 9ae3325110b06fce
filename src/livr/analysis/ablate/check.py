"""Run one cell of a grid again and hold it against the number that was committed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livr.analysis.ablate.cells import Cell
from livr.analysis.ablate.grid import Grid
from livr.analysis.ablate.launch import Processes
from livr.analysis.ablate.pick import one_cell
from livr.analysis.ablate.results import GridResults, read_results
from livr.analysis.ablate.run import prepare, read_result, run_grid
from livr.errors import DataError, LivrError
from livr.train.progress import Listener

_ENVIRONMENT = ("device", "threads", "versions")


@dataclass(frozen=True)
class Checked:
    """A cell that was run again.

    Attributes:
        cell: Its name.
        task: The task tested.
        n: Questions.
        committed: Right answers as committed.
        found: Right answers now.
        differing: Questions whose outcome is another one.
        changes: What is not as it was: settings, data or model; device, threads, versions.
    """

    cell: str
    task: str
    n: int
    committed: int
    found: int
    differing: int
    changes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether the committed number came out again."""
        return self.committed == self.found


def check_cell(
    grid: Grid,
    results: Path,
    out: Path,
    name: str | None = None,
    *,
    listener: Callable[[str], None] | None = None,
    on_progress: Listener | None = None,
) -> list[Checked]:
    """Run a cell again, in a fresh folder and a fresh process, with as many threads as then.

    Args:
        grid: The grid.
        results: Its committed results file, or the folder that holds it.
        out: An empty folder.
        name: The cell, as the file calls it. Default: the quickest that trained.
        listener: Told what data is being built.
        on_progress: Told how far the cell is.

    Returns:
        One entry per task that the cell was tested on.

    Raises:
        DataError: The file cannot be read, is damaged, or has no such cell.
        ConfigError: The grid has no such cell.
        LivrError: The cell failed.
    """
    committed = read_results(results)
    wanted = _choose(committed, name)
    board = prepare(one_cell(grid, wanted["cell"]), out, listener)
    cell = board.cells[0]
    old = committed.rows_of(wanted["cell"], cell.tests)  # what is damaged is said before the work
    run_grid(grid, board, Processes(1), threads=wanted["threads"], retries=0,
             on_progress=on_progress)  # fmt: skip
    result = read_result(board.folder(cell), cell)
    if result is None:
        raise LivrError(f"{cell.name} failed: {next(iter(board.failed.values()))}")
    changes = _changes(wanted, result, cell)
    return [_held(cell, old[row["task"]], row, changes) for row in result["rows"]]


def _choose(results: GridResults, name: str | None) -> dict[str, Any]:
    cells = results.cells
    if name is None:
        trained = [cell for cell in cells if cell["train_seconds"]] or cells
        return min(trained, key=lambda cell: float(cell["seconds"]))
    found = next((cell for cell in cells if cell["cell"] == name), None)
    if found is None:
        raise DataError(f"{results.file} has no cell {name!r}; the first is {cells[0]['cell']!r}")
    return found


def _changes(then: dict[str, Any], now: dict[str, Any], cell: Cell) -> tuple[str, ...]:
    changes = [] if cell.made(then) else ["its settings, its data or the model"]
    changes += [
        f"{key}: {_text(then[key])} then, {_text(now[key])} now"
        for key in _ENVIRONMENT
        if then[key] != now[key]
    ]
    return tuple(changes)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name} {number}" for name, number in value.items())
    return str(value)


def _held(
    cell: Cell, old: dict[str, Any], new: dict[str, Any], changes: tuple[str, ...]
) -> Checked:
    pairs = zip(old["answers"], new["answers"], strict=False)
    return Checked(
        cell=cell.name,
        task=new["task"],
        n=new["n"],
        committed=old["correct"],
        found=new["correct"],
        differing=sum(a != b for a, b in pairs),
        changes=changes,
    )
