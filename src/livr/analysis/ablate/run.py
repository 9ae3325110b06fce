"""Run a grid: every cell that has no result, retried where it fails, and the table of all."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from livr.analysis.ablate.cells import CELL, PROGRESS, RESULT, Cell, cells_of, recipes
from livr.analysis.ablate.grid import Grid
from livr.analysis.ablate.launch import Attempt, Launcher, Reason
from livr.analysis.ablate.pick import tasks_of
from livr.analysis.ablate.results import RESULTS, packed
from livr.analysis.ablate.sources import Sources
from livr.analysis.compare import compare
from livr.analysis.compare_mean import means
from livr.analysis.compare_outcomes import Failed, read_outcomes
from livr.config import dump
from livr.errors import ConfigError, DataError
from livr.evaluate.target import refuse_folder
from livr.files import write_json, write_whole
from livr.train.progress import Listener, Progress

MARK = "grid.yaml"
_POLL_SECONDS = 1.0


@dataclass
class Board:
    """The state of a grid while it runs.

    Attributes:
        out: The grid's folder.
        cells: All cells.
        only: Names of those that shall run; empty: all.
        done: Cells with a result.
        failed: Folder names of cells that failed, and why.
    """

    out: Path
    cells: Sequence[Cell]
    only: frozenset[str] = frozenset()
    done: list[Cell] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def wanted(self) -> list[Cell]:
        """The cells that shall run."""
        return [cell for cell in self.cells if not self.only or cell.name in self.only]

    def folder(self, cell: Cell) -> Path:
        """The folder of a cell."""
        return self.out / "cells" / cell.folder

    def finished(self, cell: Cell) -> bool:
        """Whether a cell has results of its own, made with its settings as they are now."""
        return read_result(self.folder(cell), cell) is not None


def read_result(folder: Path, cell: Cell) -> dict[str, Any] | None:
    """The result of a cell; None if it has none, or one of other settings."""
    try:
        found = json.loads((folder / RESULT).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and cell.made(found) else None


def prepare(
    grid: Grid,
    out: Path,
    listener: Callable[[str], None] | None = None,
    only: Collection[str] = (),
) -> Board:
    """Make the folder and the data sets, and find what is done already.

    Args:
        grid: The grid.
        out: Its folder.
        listener: Told what data is being built.
        only: Names of the cells that shall run, `counting livr 42`; others keep their results,
            and of tasks that none of them needs no data is built.

    Raises:
        ConfigError: The folder holds something else or cannot be written, a setting is wrong, or
            there is no such cell.
        DataError: A data set is missing or wrong.
    """
    refuse_folder(out)
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        raise ConfigError(f"{out} is not empty and holds no grid; choose another --out")
    cells = _cells(tasks_of(grid, only, out) if only else grid, out, listener)
    dump(grid, out / MARK)
    board = Board(out, cells, frozenset(only))
    board.done = [cell for cell in cells if board.finished(cell)]
    return board


def _cells(grid: Grid, out: Path, listener: Callable[[str], None] | None) -> list[Cell]:
    recipes(grid)
    sources = Sources(grid, out, listener)
    sources.check()
    out.mkdir(parents=True, exist_ok=True)
    if not (out / MARK).is_file():
        dump(grid, out / MARK)
    return cells_of(grid, sources)


def run_grid(
    grid: Grid,
    board: Board,
    launcher: Launcher,
    *,
    threads: int = 1,
    retries: int = 1,
    command: str | None = None,
    on_progress: Listener | None = None,
) -> Board:
    """Run every cell that is not finished. A cell that fails does not stop the others.

    Args:
        grid: The grid.
        board: What `prepare` gave.
        launcher: Where cells run; closed at the end, whatever happens.
        threads: Threads per cell.
        retries: Further tries of a cell that fails; each starts it anew.
        command: The command that repeats this, for the results file.
        on_progress: Told how far the whole is.
    """
    running: dict[Future[Reason], tuple[Cell, int]] = {}

    def submit(cell: Cell, tries: int) -> None:
        attempt = Attempt(board.folder(cell), threads, fresh=tries > 0)
        running[launcher.submit(attempt)] = (cell, tries)

    try:
        for cell in board.wanted:
            if cell not in board.done:
                write_whole(board.folder(cell) / CELL, cell.model_dump_json(indent=2) + "\n")
                (board.folder(cell) / PROGRESS).unlink(missing_ok=True)
                submit(cell, 0)
        _tell(board, running, on_progress)
        while running:
            for future in wait(running, _POLL_SECONDS, FIRST_COMPLETED).done:
                cell, tries = running.pop(future)
                why = _reason(future)
                if why is None and board.finished(cell):
                    board.done.append(cell)
                elif tries < retries:
                    submit(cell, tries + 1)
                else:
                    board.failed[cell.folder] = why or "it left no result"
                write_results(grid, board, command)
            _tell(board, running, on_progress)
    finally:
        launcher.close()
    write_results(grid, board, command)
    return board


def _reason(future: Future[Reason]) -> Reason:
    try:
        return future.result()
    except Exception as error:  # a node that died
        return f"{type(error).__name__}: {error}"


def _tell(
    board: Board, running: dict[Future[Reason], tuple[Cell, int]], listener: Listener | None
) -> None:
    if listener is None:
        return
    wanted = board.wanted
    ended = [cell for cell in wanted if cell in board.done or cell.folder in board.failed]
    done = sum(cell.work for cell in ended)
    phases = []
    for cell, _ in running.values():
        share = _share(board.folder(cell) / PROGRESS)
        if share is not None:
            done += share * cell.work
            phases.append(cell.name)
    failed = f", {len(board.failed)} failed" if board.failed else ""
    text = f"{len(ended)} of {len(wanted)} cells{failed}"
    text += f": {', '.join(phases)}" if phases else ""
    total = sum(cell.work for cell in wanted)
    listener(Progress(text, min(done, total), total))


def _share(file: Path) -> float | None:
    try:
        return float(json.loads(file.read_text("utf-8"))["share"])
    except (OSError, ValueError, KeyError):
        return None


def write_results(grid: Grid, board: Board, command: str | None = None) -> None:
    """Write `results.json`: the grid, a row per cell and test, and the comparison."""
    rows: list[dict[str, Any]] = []
    cells: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for cell in board.cells:
        result = read_result(board.folder(cell), cell)
        if result is None:
            why = board.failed.get(cell.folder, "not run yet")
            failed += [asdict(Failed(t, cell.variant, cell.seed, why)) for t in cell.tests]
            continue
        entry, answered = packed(cell, result)
        cells.append(entry)
        rows += answered
    # Many rows are about the same questions; what these share is said once.
    shared = {row["task"]: text for row in rows if (text := row.pop("sources", None))}
    file = board.out / RESULTS
    value: dict[str, Any] = {
        "command": command,
        "grid": grid.model_dump(mode="json", exclude_defaults=True),
        "rows": rows,
        "failed": failed,
        "cells": cells,
        **({"sources": shared} if shared else {}),
    }
    write_json(file, value)
    if rows and not board.failed and len(cells) == len(board.cells):
        write_json(file, value | {"summary": _summary(file, grid.baseline)})


def _summary(file: Path, baseline: str) -> dict[str, Any]:
    try:
        found, _ = read_outcomes([file])
        total = means(found, baseline)
        lines = compare(found, baseline)
    except DataError as error:
        return {"problem": str(error)}
    except Exception as error:  # must not stop cells that run, nor hide which ones failed
        return {"problem": f"{type(error).__name__}: {error}"}
    return {
        "reference": baseline,
        "lines": [asdict(line) for line in lines],
        "means": [asdict(line) for line in total.lines],
        "at_chance": list(total.left_out),
    }
