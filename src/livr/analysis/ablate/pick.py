"""Some cells of a grid, by the names that tables and messages call them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from pathlib import Path

from livr.analysis.ablate.arm import Arm
from livr.analysis.ablate.grid import Grid, Task
from livr.errors import ConfigError


def cell_name(task: str, arm: str, seed: int | None) -> str:
    """How a cell is called; a model that is only asked has no seed.

    >>> cell_name("counting", "livr", 42), cell_name("counting", "zero_shot", None)
    ('counting livr 42', 'counting zero_shot')
    """
    return f"{task} {arm}" + ("" if seed is None else f" {seed}")


def named_cells(grid: Grid) -> Iterator[tuple[str, Task, Arm, int]]:
    """Every cell of a grid: name, task, variant, seed."""
    for task in grid.tasks:
        for arm, seed in grid.seeded():
            yield cell_name(task.name, arm.name, seed if arm.trains else None), task, arm, seed


def one_cell(grid: Grid, name: str) -> Grid:
    """The grid with nothing but one cell.

    Raises:
        ConfigError: It has no such cell.
    """
    _must_exist(grid, (name,))
    task, arm, seed = next(rest for own, *rest in named_cells(grid) if own == name)
    update = {"tasks": (task,), "variants": (arm,), "seeds": (seed,), "sweep": {}}
    return grid.model_copy(update=update)


def tasks_of(grid: Grid, names: Collection[str], out: Path) -> Grid:
    """The grid with the tasks of some cells, and those of which `out` holds a cell already.

    Raises:
        ConfigError: It has no such cell.
    """
    _must_exist(grid, names)
    kept = {task.name for name, task, *_ in named_cells(grid) if name in names}
    kept |= {t.name for t in grid.tasks if any((out / "cells").glob(f"{t.name}-*"))}
    return grid.model_copy(update={"tasks": tuple(t for t in grid.tasks if t.name in kept)})


def _must_exist(grid: Grid, names: Collection[str]) -> None:
    known = [name for name, *_ in named_cells(grid)]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 3, 0) or known[:3]
            raise ConfigError(f"the grid has no cell {name!r}; near it are: {', '.join(near)}")
