"""What an earlier call left is kept only where it was made with the same settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests import tiny
from tests.analysis.ablate.small import Here, small_grid

from livr.analysis.ablate import run as running
from livr.analysis.ablate import worker
from livr.analysis.ablate.cells import RESULT, RUN, Cell, cells_of
from livr.analysis.ablate.grid import Grid
from livr.analysis.ablate.run import Board, prepare, run_grid
from livr.analysis.ablate.sources import Sources


@pytest.fixture
def grid(tmp_path: Path, checkpoints: Callable[..., Path]) -> Grid:
    tiny.dataset(tmp_path / "data" / "one", train=8, val=2)
    return small_grid(
        tmp_path / "data", checkpoints("qwen3_vl"), tasks=["one"], variants=["sft"], baseline="sft"
    )


@pytest.fixture
def trained(grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Board, list[int]]:
    """A finished grid, and a list that grows when something is trained from now on."""
    board = run_grid(grid, prepare(grid, tmp_path / "out"), Here())
    assert not board.failed
    calls: list[int] = []
    real = worker.train

    def train(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return real(*args, **kwargs)

    monkeypatch.setattr(worker, "train", train)
    return board, calls


def as_if_rank_was(rank: int, folder: Path) -> None:
    """Make a finished cell one of a time at which the default of lora.r was another."""
    file = folder / RUN / "config.yaml"
    settings = yaml.safe_load(file.read_text("utf-8"))
    settings["lora"]["r"] = rank
    file.write_text(yaml.safe_dump(settings))
    result = json.loads((folder / RESULT).read_text("utf-8"))
    result["settings"]["lora"]["r"] = rank
    (folder / RESULT).write_text(json.dumps(result))


@pytest.mark.parametrize("whole", [True, False])
def test_a_run_of_an_old_default_is_not_tested_as_one_of_the_new(
    trained: tuple[Board, list[int]], grid: Grid, whole: bool
) -> None:
    before, calls = trained
    folder = before.folder(before.cells[0])
    as_if_rank_was(8, folder)
    if not whole:  # it was stopped before its end
        (folder / RUN / "train.json").unlink()
    board = prepare(grid, before.out)
    assert board.done == [] and board.folder(board.cells[0]) == folder
    board = run_grid(grid, board, Here(), retries=0)
    assert not board.failed and calls == [1]
    settings = yaml.safe_load((folder / RUN / "config.yaml").read_text("utf-8"))
    assert settings["lora"]["r"] == 16 and board.finished(board.cells[0])


@pytest.mark.parametrize("older", [False, True])
def test_a_whole_run_is_not_trained_again(
    trained: tuple[Board, list[int]], grid: Grid, older: bool
) -> None:
    """Also one from before there was some setting."""
    before, calls = trained
    folder = before.folder(before.cells[0])
    (folder / RESULT).unlink()
    if older:
        settings = yaml.safe_load((folder / RUN / "config.yaml").read_text("utf-8"))
        del settings["cache_vision"]
        (folder / RUN / "config.yaml").write_text(yaml.safe_dump(settings))
    board = run_grid(grid, prepare(grid, before.out), Here(), retries=0)
    assert not board.failed and calls == []


def test_a_run_without_readable_settings_is_started_anew(
    trained: tuple[Board, list[int]], grid: Grid
) -> None:
    before, calls = trained
    folder = before.folder(before.cells[0])
    (folder / RESULT).unlink()
    (folder / RUN / "config.yaml").write_text("a: [")
    board = run_grid(grid, prepare(grid, before.out), Here(), retries=0)
    assert not board.failed and calls == [1]


def test_a_summary_that_cannot_be_made_is_a_problem_in_the_file(
    trained: tuple[Board, list[int]], grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("no questions")

    monkeypatch.setattr(running, "compare", broken)
    board = run_grid(grid, prepare(grid, trained[0].out), Here())
    found = json.loads((board.out / "results.json").read_text("utf-8"))
    assert len(found["rows"]) == 1
    assert found["summary"] == {"problem": "ZeroDivisionError: no questions"}


def test_a_model_that_is_only_asked_is_loaded_as_its_variant_says(
    grid: Grid, tmp_path: Path
) -> None:
    def cells(own: dict[str, Any], **grids: Any) -> list[Cell]:
        arms = [{"method": "zero_shot", "settings": own}, {"method": "sft", "settings": own}]
        other = Grid.model_validate(grid.model_dump() | {"variants": arms, "settings": grids})
        return cells_of(other, Sources(other, tmp_path / "out"))

    plain, asked, both = cells({}), cells({"max_pixels": 900}), cells({}, max_pixels=900)
    assert [cell.loading for cell in plain] == [{}, {}]
    assert asked[0].loading == {"max_pixels": 900} == both[0].loading
    assert asked[1].loading == {}  # its run has the setting; the hash of before stays
    assert asked[0].hash == both[0].hash != plain[0].hash
    over = cells({"max_pixels": 900}, max_pixels=400)
    assert over[0].loading == {"max_pixels": 900} and over[0].hash == asked[0].hash
