"""`livr ablate` as it is typed: what it prints, and how it ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests import tiny
from tests.analysis.ablate.small import Here, small_grid

from livr.analysis.ablate import worker
from livr.cli import ablate as module

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def file(tmp_path: Path, checkpoints: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("one", "two"):
        tiny.dataset(tmp_path / "data" / name, train=8, val=2)
    grid = small_grid(tmp_path / "data", checkpoints("qwen3_vl"), variants=["zero_shot"])
    path = tmp_path / "grid.yaml"
    path.write_text(yaml.safe_dump(grid.model_dump(mode="json")))
    monkeypatch.setattr(module, "_launcher", lambda *args: (Here(), 1))
    return path


def test_a_grid_prints_its_table(file: Path, tmp_path: Path, livr_command: Command) -> None:
    code, printed, _ = livr_command("ablate", file, "--out", tmp_path / "out")
    assert code == 0
    assert "one, 2 questions" in printed and "two, 2 questions" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_results_that_are_known_are_printed_and_not_made_again(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, livr_command: Command
) -> None:
    _, first, _ = livr_command("ablate", file, "--out", tmp_path / "out")
    monkeypatch.setattr(worker, "evaluate", None)
    code, again, _ = livr_command(
        "ablate", file, "--out", tmp_path / "again", "--known", tmp_path / "out" / "results.json"
    )
    assert code == 0 and again == first


def test_a_failed_cell_is_in_the_table_and_in_the_exit_code(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, livr_command: Command
) -> None:
    real = worker.evaluate

    def breaks(model: object, data: str, *args: object, **kwargs: object) -> object:
        if data.endswith("two"):
            raise MemoryError("too large")
        return real(model, data, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(worker, "evaluate", breaks)
    words = ("--out", tmp_path / "out", "--retries", 0)
    code, printed, err = livr_command("ablate", file, *words)
    assert code == 2
    assert "zero-shot 1" in printed and "no result" in printed
    assert "1 cell(s) failed" in err and "MemoryError: too large" in err


def test_a_dry_run_lists_the_cells_and_leaves_nothing(
    file: Path, tmp_path: Path, livr_command: Command
) -> None:
    before = sorted(tmp_path.rglob("*"))
    code, printed, _ = livr_command("ablate", file, "--dry-run")
    assert code == 0
    assert "one" in printed and "two" in printed and "cells  2" in printed
    assert sorted(tmp_path.rglob("*")) == before


def test_a_dry_run_counts_the_cell_that_was_named(livr_command: Command) -> None:
    one = ("ablate", "table1-qwen3", "--dry-run", "--cell", "counting livr 42")
    code, printed, _ = livr_command(*one)
    assert code == 0
    assert re.search(r"^cells +1$", printed, re.MULTILINE)
    code, _, error = livr_command(*one[:-1], "counting livr 7")
    assert code == 2 and "no cell 'counting livr 7'; near it are: counting livr 4" in error
    for more in (("--cell", "counting sft 42"), ("--known", "x.json"), ("--check", "x.json")):
        code, _, error = livr_command(*one, *more)
        assert code == 2 and "--dry-run" in error


def test_a_dry_run_without_data_or_weights_still_lists_the_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, livr_command: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    code, printed, _ = livr_command("ablate", "table1-qwen3", "--dry-run")
    assert code == 0
    assert re.search(r"^cells +63$", printed, re.MULTILINE) and "no estimate" in printed
    assert re.search(r"^not measured +the data set counting is not there", printed, re.MULTILINE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "args",
    [
        ("nothing.yaml",),
        ("table1-qwen3", "--launcher", "slurm"),
        ("table1-qwen3", "--gpu", "H100"),
        ("table1-pool", "--known", "nothing.json"),
        ("table1-qwen3", "--data", "no/such/folder", "--model", "mini"),
    ],
)
def test_what_is_wrong_is_one_message(
    args: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    livr_command: Command,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = livr_command("ablate", *args)
    assert code == 2
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())
