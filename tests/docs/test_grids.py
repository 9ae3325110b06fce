"""The tables of docs/ are those of the committed grid."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import yaml

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("evidence.md", "mini.md", "performance.md")


@pytest.fixture
def grids(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DOCS))
    return import_module("grids")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_holds_what_was_measured(name: str, grids: ModuleType) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")
    assert grids.filled(page, name, grids.read()) == page, "run python docs/grids.py"


@pytest.mark.parametrize("name", PAGES)
def test_another_result_changes_the_page(name: str, grids: ModuleType) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")
    rows = grids.read()
    for row in rows.values():
        row["accuracy"] = 0.6543
        row["by_seed"] = [0.6543]
    assert "65.4 %" in grids.filled(page, name, rows)


@pytest.mark.parametrize(
    ("accuracy", "low", "said"),
    [
        (0.27, 0.22, "no: at chance"),
        (0.33, 0.28, "little: near chance"),
        (0.36, 0.31, "yes"),
        (0.96, 0.93, "little: near the ceiling"),
    ],
)
def test_room_for_a_comparison(accuracy: float, low: float, said: str, grids: ModuleType) -> None:
    assert grids.verdict({"accuracy": accuracy, "ci95": [low, 1.0], "floor": 0.25}) == said


def test_retention_is_given_only_where_something_was_gained(grids: ModuleType) -> None:
    score = {"floor": 0.5, "accuracy": 0.7, "ci95": [0.65, 0.75]}
    blind = {"accuracy": 0.6, "ci95": [0.55, 0.65]}
    livr = score | {"blindfolded": blind, "val_curve": [["stage1", 4, 0.61], ["stage2", 10, 0.7]]}
    weak = livr | {"accuracy": 0.52, "ci95": [0.47, 0.57]}
    said = grids.of_latents({("one", "livr"): livr, ("two", "livr"): weak}).splitlines()
    assert said[2].endswith("| 50 % |")
    assert "| 61.0 % |" in said[2]
    assert said[3].endswith("| – |")


def test_seeds_of_several_grids_meet_in_one_row(grids: ModuleType, tmp_path: Path) -> None:
    def write(name: str, seed: int, accuracy: float) -> Path:
        cell = {"cell": "one sft", "val_accuracy": 0.5}
        row = {"cell": "one sft", "task": "one", "method": "sft", "seed": seed}
        rows = [row | {"accuracy": accuracy}]
        path = tmp_path / name
        path.write_text(json.dumps({"cells": [cell], "rows": rows}), encoding="utf-8")
        return path

    found = grids.read(write("a.json", 42, 0.6), write("b.json", 43, 0.8))["one", "sft"]
    assert (found["accuracy"], found["by_seed"]) == (0.6, [0.6, 0.8])
    assert grids.mean(found) == pytest.approx(0.7)
    assert grids.each(found["val_by_seed"]) == "50.0 50.0"


def test_grids_that_share_a_table_are_set_alike(grids: ModuleType) -> None:
    """Methods may differ between them, nothing that changes a run."""
    files = [path.with_suffix(".yaml") for path in (grids.RESULTS, *grids.SAME_TRAINING)]
    assert len(files) > 1
    first, *others = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]
    for other in others:
        for key in ("model", "data", "sizes", "epochs", "settings"):
            assert other[key] == first[key], key
