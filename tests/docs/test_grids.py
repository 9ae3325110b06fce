"""The tables of docs/ are those of the committed grids."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from livr.analysis.compare import Line

DOCS = Path(__file__).parents[2] / "docs"
EVIDENCE = DOCS.parent / "evidence"
PAGES = ("evidence.md", "experiments.md", "mini.md")
LINE = Line(
    task="one",
    method="livr",
    seeds=1,
    n=300,
    accuracy=0.7,
    ci95=(0.65, 0.75),
    unparsed=0.0,
    train_seconds=None,
    against=None,
    floor=0.5,
    blindfolded=0.6,
)


@pytest.fixture
def grids(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("grids")


@pytest.fixture
def results(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("results")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_holds_what_was_measured(name: str, grids: ModuleType) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")
    assert grids.filled(page, name) == page, "run python docs/grids.py"


@pytest.mark.parametrize("name", PAGES)
def test_another_result_changes_the_page(
    name: str, grids: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in EVIDENCE.glob("*.json"):
        if file.name.startswith("audit-"):
            continue
        found = json.loads(file.read_text(encoding="utf-8"))
        for row in found["rows"]:
            right = row["task"] == "localization"
            row["answers"] = ("1" if right else "0") * row["n"]
        (tmp_path / file.name).write_text(json.dumps(found), encoding="utf-8")
    monkeypatch.setattr("results.EVIDENCE", tmp_path)
    page = (DOCS / name).read_text(encoding="utf-8")
    assert "100.0 % [98.7, 100.0]" in grids.filled(page, name)


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
    line = replace(LINE, accuracy=accuracy, ci95=(low, 1.0), floor=0.25)
    assert grids.verdict(line) == said


def test_what_is_kept_is_given_only_where_something_was_gained(grids: ModuleType) -> None:
    curve = [("stage1", 4.0, 0.61), ("stage2", 10.0, 0.7)]
    weak = replace(LINE, task="two", accuracy=0.52, ci95=(0.47, 0.57))
    lines = {("one", "livr"): LINE, ("two", "livr"): weak}
    said = grids.of_latents(grids.Grid((), lines, {key: [curve] for key in lines}, {})).splitlines()
    assert said[2].endswith("| 50 % |")
    assert "| 61.0 % |" in said[2]
    assert said[3].endswith("| – |")


def test_a_single_stage_has_no_accuracy_after_stage_1(grids: ModuleType) -> None:
    grid = grids.Grid((), {}, {("one", "sft"): [[("stage1", 2.0, 0.7)]]}, {})
    assert grid.after("one", "sft") is None


def test_seeds_meet_in_one_row(grids: ModuleType, results: ModuleType) -> None:
    """The mean of all seeds, and each one's numbers."""
    names = ("table1-pool", "seeds")
    files = [yaml.safe_load((EVIDENCE / f"{n}.yaml").read_text(encoding="utf-8")) for n in names]
    seeds = [seed for file in files for seed in file["seeds"]]
    grid = grids.read(*names)
    tests = [test for _, test in grid.seeds["counting", "sft"]]
    assert len(tests) == len(seeds)
    assert grid.lines["counting", "sft"].accuracy == pytest.approx(sum(tests) / len(tests))
    assert grids.each([0.5, 0.5]) == "50.0 50.0"
    assert results.mean([0.6, 0.8]) == pytest.approx(0.7)


@pytest.mark.parametrize("name", ["lora", "warm", "controls", "seeds"])
def test_grids_that_share_a_table_are_set_alike(name: str) -> None:
    """Methods may differ between them, and with LoRA what trains; nothing else."""
    first, second = (
        yaml.safe_load((EVIDENCE / f"{file}.yaml").read_text(encoding="utf-8"))
        for file in ("table1-pool", name)
    )
    for key in ("model", "data", "sizes", "epochs"):
        assert second[key] == first[key], key
    tuned = {"tune": "full"} if name == "lora" else {}
    assert first["settings"] == tuned | second["settings"]
