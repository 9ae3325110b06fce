"""Cells in processes of their own: here, and on a Ray of two workers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import tiny
from tests.analysis.ablate.small import small_grid

from livr.analysis.ablate.grid import Grid
from livr.analysis.ablate.launch import Attempt, Processes, Ray, reason
from livr.analysis.ablate.run import prepare, run_grid
from livr.analysis.compare_outcomes import read_outcomes


@pytest.fixture
def grid(tmp_path: Path, checkpoints: Callable[..., Path]) -> Grid:
    for name in ("one", "two"):
        tiny.dataset(tmp_path / "data" / name, train=8, val=2)
    return small_grid(tmp_path / "data", checkpoints("qwen3_vl"))


def test_two_tasks_by_two_methods_in_processes(grid: Grid, tmp_path: Path) -> None:
    board = run_grid(grid, prepare(grid, tmp_path / "out"), Processes(2), threads=1)
    assert not board.failed and len(board.done) == 4
    found, _ = read_outcomes([board.out])
    assert {(run.task, run.method) for run in found} == {
        (task, method) for task in ("one", "two") for method in ("zero_shot", "sft")
    }


def test_a_process_that_dies_is_a_reason(tmp_path: Path) -> None:
    launcher = Processes(1)
    (tmp_path / "cell.json").write_text("{}")
    why = launcher.submit(Attempt(tmp_path, 1)).result()
    launcher.close()
    assert why is not None and "validation error" in why
    (tmp_path / "failed.json").unlink()
    assert "signal 9" in str(reason(tmp_path, -9))
    assert launcher.pool._shutdown


@pytest.mark.skipif(bool(os.environ.get("RAY_ADDRESS")), reason="a cluster is in use")
def test_two_ray_workers(grid: Grid, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    only = grid.model_copy(update={"variants": grid.variants[:1]})
    board = run_grid(only, prepare(only, tmp_path / "out"), Ray(workers=2, threads=1), threads=1)
    assert not board.failed and len(board.done) == 2
