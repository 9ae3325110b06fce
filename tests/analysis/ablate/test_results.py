"""A grid's results file is read in one place: whole, or refused in a sentence that names it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.analysis.synthetic import cell_entry

from livr.analysis.ablate.check import check_cell
from livr.analysis.ablate.grid import Grid
from livr.analysis.ablate.results import RESULTS, read_grid, read_results
from livr.analysis.compare_outcomes import read_outcomes
from livr.errors import DataError

EVIDENCE = Path(__file__).parents[3] / "evidence"
GRID = Grid.model_validate({"tasks": ["counting"], "variants": ["sft"], "seeds": [1]})
ROW = {
    "task": "counting", "method": "sft", "seed": 1, "model": "mini", "train_seconds": 2.0,
    "cell": "counting sft 1", "n": 3, "correct": 1, "answers": "10-", "floor": 0.4,
    "questions": "q",
}  # fmt: skip


def contents(**other: Any) -> dict[str, Any]:
    return {"rows": [ROW], "failed": [], "cells": [cell_entry("counting sft 1")]} | other


def written(folder: Path, value: Any) -> Path:
    (folder / RESULTS).write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return folder / RESULTS


def test_every_committed_file_is_read() -> None:
    grids = [file for file in EVIDENCE.glob("*.json") if not file.stem.startswith("audit-")]
    assert len(grids) > 10
    for file in grids:
        found = read_results(file)
        for cell in found.cells:
            assert found.rows_of(cell["cell"], ())


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ('{"cells": [', "cannot be read as JSON"),
        (contents(cells=7), "cells: Input should be a valid list"),
        (contents(cells=[{"cell": "counting sft 1"}]), r"cells\.0\.hash: Field required"),
        (contents(cells=[cell_entry("other sft 1")]), "of the cell 'counting sft 1', which is not"),
        (contents(rows=None), "rows: Input should be a valid list"),
        (contents(rows=[{**ROW, "answers": "yes"}]), r"rows\.0\.answers"),
        (contents(rows=[{**ROW, "answers": "10"}]), "3 questions, but 2 answers"),
        (contents(rows=[{**ROW, "blindfolded": 0.5}]), r"rows\.0\.blindfolded"),
        (contents(sources={"counting": "0 0"}), "sources of 2 questions for 3 answers"),
        (contents(sources={"counting": "a b c"}), "invalid literal"),
        (contents(sources=[]), "sources: Input should be a valid dictionary"),
        (contents(failed=[{"task": "counting"}]), r"failed\.0\.method: Field required"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong_and_what_to_do(
    value: Any, why: str, tmp_path: Path
) -> None:
    file = written(tmp_path, value)
    advice = r"results\.json .*" + why + r".*the results\.json that livr ablate wrote"
    with pytest.raises(DataError, match=advice):
        read_outcomes([file])
    with pytest.raises(DataError, match=advice):
        check_cell(GRID, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("value", [[], {}, {"rows": []}, contents(cells=[], rows=[])])
def test_a_file_of_something_else_holds_no_cell(value: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no finished cell .*livr ablate"):
        read_results(written(tmp_path, value))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert read_grid(tmp_path / RESULTS) is None
    with pytest.raises(DataError, match=r"there is no file .*results\.json"):
        read_results(tmp_path)


def test_a_cell_without_one_of_its_rows_is_not_guessed(tmp_path: Path) -> None:
    found = read_results(written(tmp_path, contents()))
    assert found.rows_of("counting sft 1", ["counting"]) == {"counting": ROW}
    with pytest.raises(DataError, match=r"results\.json: the cell 'counting sft 1' has no row of"):
        found.rows_of("counting sft 1", ["counting", "jigsaw"])
