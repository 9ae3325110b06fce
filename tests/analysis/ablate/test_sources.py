"""Where a grid takes its data sets from, and what it refuses before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.analysis.ablate.small import small_grid

from livr.analysis.ablate.cost import guess
from livr.analysis.ablate.grid import Grid
from livr.analysis.ablate.run import prepare
from livr.analysis.ablate.sources import Sources
from livr.data.build import buildable
from livr.data.store import BLINK
from livr.data.tasks import TASKS
from livr.errors import ConfigError


def pool_grid(*tasks: object) -> Grid:
    return Grid.model_validate({"tasks": tasks, "variants": ["sft"]})


def refused(grid: Grid, out: Path) -> str:
    heard: list[str] = []
    with pytest.raises(ConfigError) as caught:
        prepare(grid, out, heard.append)
    assert heard == [] and not out.exists()
    return str(caught.value)


def test_a_task_without_embedded_pictures_is_refused_first(tmp_path: Path) -> None:
    said = refused(pool_grid("vsp", "sat"), tmp_path / "out")
    assert said.startswith("sat has no embedded pictures. Make its data set with livr data build")
    assert "data: DATA in the grid, or --data DATA" in said
    with pytest.raises(ConfigError, match="sat has no embedded pictures"):
        guess(pool_grid("vsp", "sat"), "H100")


def test_a_task_that_does_not_exist_is_offered_what_a_grid_can_build(tmp_path: Path) -> None:
    said = refused(pool_grid("all"), tmp_path / "out")
    assert said.startswith("there is no task 'all' of the embedded pictures; choose among counting")
    offered = said.partition("among ")[2].partition(".")[0].split(", ")
    assert offered == buildable() and "vsp" in offered and "sat" not in offered
    assert "data: FOLDER in the grid, or --data FOLDER" in said


def test_all_data_sets_that_cannot_be_built_are_named(tmp_path: Path) -> None:
    mix = {"name": "both", "mix": {"vsp": 1, "sat": 1}, "tests": {"both-vsp": "vsp", "m": "mmvp"}}
    lines = refused(pool_grid("all", mix), tmp_path / "out").splitlines()
    assert lines[0] == "3 data sets cannot be built:"
    assert [line.split("; ")[0].split(". ")[0].strip() for line in lines[1:]] == [
        "there is no task 'all' of the embedded pictures",
        "sat has no embedded pictures",
        "mmvp has no embedded pictures",
    ]


def test_what_is_buildable_needs_no_source() -> None:
    assert set(buildable()) <= set(TASKS)
    Sources(pool_grid(*buildable()), Path("out")).check()


def test_own_folders_and_blink_are_not_taken_for_tasks(tmp_path: Path) -> None:
    (tmp_path / "sat").mkdir()
    tests = {"sat": "sat", "jigsaw": f"{BLINK}sat"}
    grid = small_grid(tmp_path, tmp_path, tasks=[{"name": "sat", "tests": tests}])
    Sources(grid, tmp_path / "out").check()
    own = {"name": "own", "data": str(tmp_path / "sat"), "tests": {"b": f"{BLINK}{tmp_path}"}}
    Sources(pool_grid(own), tmp_path / "out").check()
