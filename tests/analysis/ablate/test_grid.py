"""What a grid says, and how it is told that it is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from livr.analysis.ablate.cells import _recipe
from livr.analysis.ablate.grid import Grid, load_grid
from livr.analysis.paper.published import find_table
from livr.errors import ConfigError
from livr.recipes import FOLDER, find_shipped

ROOT = Path(__file__).parents[3]
SHIPPED = FOLDER / "paper"
ELSEWHERE = {"lvr"}  # published beside ours, not implemented here
ALL = sorted(SHIPPED.glob("*.yaml")) + sorted((ROOT / "evidence").glob("*.yaml"))


def write(folder: Path, **values: object) -> Path:
    file = folder / "grid.yaml"
    given: dict[str, object] = {"tasks": ["counting"], "variants": ["sft"]}
    file.write_text(yaml.safe_dump(given | values, sort_keys=False))
    return file


def test_there_is_a_grid_for_every_published_table_we_can_run() -> None:
    assert {p.stem.split("-")[0] for p in SHIPPED.glob("*.yaml")} == {
        "table1", "table2", "table3", "table4", "table5", "table6",
    }  # fmt: skip


@pytest.mark.parametrize("file", ALL, ids=lambda p: p.stem)
def test_every_shipped_grid_is_right(file: Path) -> None:
    grid = load_grid(file)
    names = {arm.name for arm in grid.arms()}
    assert grid.baseline in names
    for arm in grid.arms():
        config = _recipe(grid, arm, 42)
        assert (config is None) == (arm.method == "zero_shot")
        if config is not None and "epochs" not in arm.settings and arm.epochs is None:
            assert sum(config.epochs) == sum(grid.epochs)
    if SHIPPED in file.parents:
        assert grid.paper is not None
        table = find_table(grid.paper)
        backbone = table.column(None, [grid.model])
        assert set(table.values[backbone]) - ELSEWHERE <= names


def test_names_are_enough(tmp_path: Path) -> None:
    grid = load_grid(write(tmp_path))
    assert grid.tasks[0].tested == {"counting": "counting"}
    assert grid.variants[0].method == "sft"
    assert grid.arms()[0].name == "sft"


def test_a_sweep_is_every_combination(tmp_path: Path) -> None:
    sweep = {"latents.num": [4, 16], "epochs": [[2, 8], [4, 6]]}
    variants = ["zero_shot", {"method": "livr", "sweep": sweep}]
    grid = load_grid(write(tmp_path, variants=variants, sweep={"optim.lr": [1e-3]}))
    names = [arm.name for arm in grid.arms()]
    assert names[0] == "zero_shot" and len(names) == 5
    assert "livr optim.lr=0.001 latents.num=4 epochs=2,8" in names
    configs = [_recipe(grid, arm, 42) for arm in grid.arms()[1:]]
    found = {(c.latents.num, c.epochs, c.optim.lr) for c in configs if c}
    assert found == {(n, e, 1e-3) for n in (4, 16) for e in ((2.0, 8.0), (4.0, 6.0))}


def test_own_settings_win_over_the_grids(tmp_path: Path) -> None:
    own = {"method": "livr", "settings": {"optim.lr": 2e-4}}
    grid = load_grid(write(tmp_path, variants=[own], settings={"optim.lr": 1e-3}))
    config = _recipe(grid, grid.arms()[0], 7)
    assert config is not None and config.optim.lr == 2e-4 and config.seed == 7


def test_mirage_has_constants_of_its_own(tmp_path: Path) -> None:
    grid = load_grid(write(tmp_path, variants=["mirage", "livr"], epochs=[5, 5]))
    mirage, livr = (_recipe(grid, arm, 42) for arm in grid.arms())
    assert mirage is not None and livr is not None
    assert (mirage.tune, mirage.latents.num, mirage.optim.lr) == ("full", 4, 1e-5)
    assert (livr.tune, livr.latents.num, livr.optim.lr) == ("lora", 16, 1e-4)
    assert mirage.epochs == livr.epochs == (5, 5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"task": ["counting"]}, "task: no such setting"),
        ({"tasks": [{"name": "a", "dat": "b"}]}, "tasks.0.dat: no such setting"),
        ({"variants": [{"method": "livr", "epoch": [1]}]}, "variants.0.epoch: no such setting"),
        ({"sizes": {"tran": 3}}, "sizes.tran: no such setting"),
        ({"variants": ["nope"]}, "unknown method 'nope'"),
        ({"variants": ["sft", "sft"]}, "the variant sft is there twice"),
        ({"seeds": []}, "seeds: the list is empty; name at least one"),
        ({"seeds": 42}, "seeds: 42 is no list; write [42]"),
        ({"tasks": "counting"}, "tasks: 'counting' is no list; write [counting]"),
        ({"sweep": {"optim.lr": 0.1}}, "sweep.optim.lr: 0.1 is no list; write [0.1]"),
        ({"tasks": [{"name": "a/b"}]}, "letters, digits"),
        ({"tasks": [{"name": "m", "mix": {"a": 0}}]}, "positive weights"),
        ({"tasks": [{"name": "m", "data": "a", "mix": {"a": 1}}]}, "not both"),
        (
            {"tasks": ["t", {"name": "both", "mix": {"t": 1, "u": 1}}]},
            "the tasks t and both are both tested on t, so their results could not be told apart. "
            "Put both into a grid of its own, or give its tests other names: "
            "tests: {both-t: t, u: u}",
        ),
        ({"tasks": ["t", {"name": "s", "tests": {"t": "blink:X"}}]}, "Put s into a grid"),
        (
            {"variants": [{"method": "zero_shot", "epochs": [1]}]},
            "variants.0: zero_shot trains nothing, so epochs would change nothing",
        ),
        (
            {"variants": [{"method": "zero_shot", "name": "z", "sweep": {"dtype": ["auto"]}}]},
            "z trains nothing, so sweep would change nothing",
        ),
        (
            {"variants": [{"method": "zero_shot", "settings": {"optim.lr": 1, "dtype": "auto"}}]},
            "so settings.optim.lr would change nothing",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_message(
    tmp_path: Path, values: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        load_grid(write(tmp_path, **values))
    assert message in str(error.value)
    said = str(error.value)
    assert "grid.yaml: wrong settings" in said
    assert not re.search("tuple|input|validation", said, re.IGNORECASE), "words of a library"


def test_names_that_are_none_and_wrong_values_are_said_together(tmp_path: Path) -> None:
    variants = [{"method": "nope", "epoch": [1]}, {"method": "sft", "epoch": 1}]
    with pytest.raises(ConfigError) as error:
        load_grid(write(tmp_path, variants=variants, seeds=1, sizes={"tran": 3}, task=1))
    named = [line.split(":")[0].strip() for line in str(error.value).splitlines()[1:]]
    assert sorted(named) == [
        "seeds", "sizes.tran", "task", "variants.0.epoch", "variants.0.method", "variants.1.epoch",
    ]  # fmt: skip


def test_a_mix_beside_its_parts_may_give_its_tests_other_names(tmp_path: Path) -> None:
    mix = {"name": "both", "mix": {"t": 1, "u": 1}, "tests": {"both-t": "t", "both-u": "u"}}
    grid = load_grid(write(tmp_path, tasks=["t", "u", mix]))
    assert [list(task.tested) for task in grid.tasks] == [["t"], ["u"], ["both-t", "both-u"]]


def test_how_a_model_is_loaded_is_checked_where_nothing_trains(tmp_path: Path) -> None:
    arm = {"method": "zero_shot", "settings": {"dtype": "float8"}}
    grid = load_grid(write(tmp_path, variants=[arm]))
    with pytest.raises(ConfigError, match="variant zero_shot: wrong settings"):
        _recipe(grid, grid.arms()[0], 42)


def test_settings_of_a_run_are_checked_before_anything_runs(tmp_path: Path) -> None:
    for settings in ({"optim.lrr": 1}, {"seed": 3}, {"optim.lr": -1}):
        grid = load_grid(write(tmp_path, settings=settings))
        with pytest.raises(ConfigError):
            _recipe(grid, grid.arms()[0], 42)
    grid = Grid.model_validate({"tasks": ["a"], "variants": ["livr_annealed_middle"]})
    with pytest.raises(ConfigError, match="give it epochs"):
        _recipe(grid, grid.arms()[0], 42)


def test_files_that_are_no_grid(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="table1-qwen3"):
        find_shipped("nope", "grid")
    with pytest.raises(ConfigError, match=r"no recipe paper/livr.yaml; .* livr, mirage, sft"):
        find_shipped("paper/livr.yaml")
    for name in ("table1-qwen3", "paper/table1-qwen3.yaml", "recipes/paper/table1-qwen3.yaml"):
        assert find_shipped(name, "grid") == SHIPPED / "table1-qwen3.yaml"
    for name in ("livr", "recipes/livr.yaml"):
        assert find_shipped(name) == FOLDER / "livr.yaml"
    for grid in SHIPPED.glob("*.yaml"):  # some names hold a dot
        assert find_shipped(grid.stem, "grid") == find_shipped(grid.name, "grid") == grid
    for text in ("[1, 2]", "a: [", ""):
        (tmp_path / "x.yaml").write_text(text)
        with pytest.raises(ConfigError):
            load_grid(tmp_path / "x.yaml")


def test_a_baseline_that_is_no_variant_is_refused(tmp_path: Path) -> None:
    given = {"variants": ["sft", {"method": "livr", "sweep": {"latents.num": [4, 8]}}]}
    with pytest.raises(ConfigError, match="the baseline 'livr' is none of the variants") as error:
        load_grid(write(tmp_path, **given, baseline="livr"))
    assert "choose among 'sft', 'livr latents.num=4', 'livr latents.num=8'" in str(error.value)
    grid = load_grid(write(tmp_path, **given, baseline="livr latents.num=4"))
    assert grid.baseline == "livr latents.num=4"
    # Without one the grid has no differences; that is for its author to say.
    assert load_grid(write(tmp_path, variants=["livr"])).baseline == "sft"
