"""Runs with other settings are not taken for seeds of one method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.analysis.synthetic import make_data, make_run

from livr.analysis.compare import compare
from livr.analysis.compare_outcomes import read_outcomes
from livr.analysis.runs import read_runs
from livr.analysis.tell_apart import told_apart
from livr.errors import DataError


def trained(path: Path, asked: Path, seed: int = 42, method: str = "livr", **settings: Any) -> Path:
    """A run with some settings of its own, dotted with two underscores."""
    make_run(path, "counting", method, seed, asked)
    file = path / "config.yaml"
    config = yaml.safe_load(file.read_text("utf-8")) or {}
    config |= {"seed": seed, "out": str(path), "latents": {"num": 16}, "optim": {"lr": 1e-4}}
    for key, value in settings.items():
        first, _, rest = key.partition("__")
        config[first] = {**config[first], rest: value} if rest else value
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def names(*paths: Path) -> list[str]:
    return [run.method for run in told_apart(read_runs(paths))]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_data(tmp_path / "data", "counting")


def test_seeds_of_one_kind_keep_the_name(tmp_path: Path, data: Path) -> None:
    paths = [trained(tmp_path / str(seed), data, seed) for seed in (42, 43)]
    assert names(*paths) == ["livr", "livr"]
    (line,) = compare(read_outcomes(paths)[0])
    assert line.seeds == 2


def test_what_differs_is_in_the_name(tmp_path: Path, data: Path) -> None:
    few = trained(tmp_path / "few", data, latents__num=4)
    many = trained(tmp_path / "many", data, cache_vision=False)
    sft = trained(tmp_path / "sft", data, method="sft")
    assert names(few, sft, many) == ["livr latents.num=4", "sft", "livr latents.num=16"]
    lines = compare(read_outcomes([few, sft, many])[0])
    assert [line.seeds for line in lines] == [1, 1, 1]
    assert {line.method for line in lines if line.against} == {
        "livr latents.num=4",
        "livr latents.num=16",
    }


def test_data_counts_where_a_seed_is_there_twice(tmp_path: Path, data: Path) -> None:
    one = trained(tmp_path / "one", data, data="a/old")
    two = trained(tmp_path / "two", data, data="b/new")
    other = trained(tmp_path / "other", data, 43, data="b/new")
    assert names(one, other) == ["livr", "livr"]
    assert names(one, two) == ["livr data=old", "livr data=new"]


def test_the_same_run_twice_is_one_and_its_double_is_refused(tmp_path: Path, data: Path) -> None:
    run, double = trained(tmp_path / "run", data), trained(tmp_path / "double", data)
    assert len(read_outcomes([run, run])[0]) == 1
    with pytest.raises(DataError, match=r"run and .*double are both livr on counting with seed 42"):
        compare(read_outcomes([run, double])[0])


def test_names_of_settings_that_are_no_text_stay_readable(tmp_path: Path) -> None:
    asked = make_data(tmp_path / "data", "counting")
    folders = [trained(tmp_path / str(n), asked) for n in (1, 2)]
    for folder, value in zip(folders, "ab", strict=True):
        with (folder / "config.yaml").open("a", encoding="utf-8") as file:
            file.write(f"1: {value}\n")
    assert [run.method for run in told_apart(read_runs(folders))] == ["livr 1=a", "livr 1=b"]
