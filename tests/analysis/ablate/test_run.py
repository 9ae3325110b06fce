"""A grid on a tiny random checkpoint: every cell has its row, nothing is done twice or lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import tiny
from tests.analysis.ablate.small import Here, small_grid
from tests.families import gemma

from livr.analysis.ablate import worker
from livr.analysis.ablate.cells import RESULT, cells_of
from livr.analysis.ablate.check import check_cell
from livr.analysis.ablate.grid import Grid
from livr.analysis.ablate.known import take_over
from livr.analysis.ablate.results import RESULTS, read_results
from livr.analysis.ablate.run import Board, prepare, read_result, run_grid
from livr.analysis.ablate.sources import Sources, join
from livr.analysis.compare import compare
from livr.analysis.compare_outcomes import read_outcomes
from livr.data.store import load_split
from livr.errors import ConfigError, DataError, LivrError
from livr.evaluate.run import evaluate
from livr.files import whole_file
from livr.train.progress import Progress


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    for name in ("one", "two"):
        tiny.dataset(root / name, train=8, val=4)
    file = root / "two" / "test.jsonl"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    rows = [row | {"sources": [f"scene {index // 2}"]} for index, row in enumerate(rows)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root


@pytest.fixture(scope="module")
def grid(data: Path, checkpoints: Callable[..., Path]) -> Grid:
    return small_grid(data, checkpoints("qwen3_vl"))


@pytest.fixture(scope="module")
def heard() -> list[Progress]:
    return []


@pytest.fixture(scope="module")
def done(grid: Grid, heard: list[Progress], tmp_path_factory: pytest.TempPathFactory) -> Board:
    out = tmp_path_factory.mktemp("grid") / "out"
    board = prepare(grid, out)
    return run_grid(grid, board, Here(), command="livr ablate g", on_progress=heard.append)


def test_every_cell_has_its_row(done: Board) -> None:
    found = json.loads((done.out / "results.json").read_text("utf-8"))
    rows = {(row["task"], row["method"]) for row in found["rows"]}
    assert rows == {(t, m) for t in ("one", "two") for m in ("zero_shot", "sft")}
    for row in found["rows"]:
        assert row["n"] == len(row["answers"]) == 4
        assert row["correct"] == row["answers"].count("1")
        assert (row["train_seconds"] is None) == (row["method"] == "zero_shot")
    assert found["failed"] == [] and found["command"] == "livr ablate g"
    assert str(done.out) not in json.dumps(found["rows"]) + json.dumps(found["cells"])
    assert found["summary"]["reference"] == "zero_shot"


def test_latents_are_asked_blindfolded_too(grid: Grid, tmp_path: Path) -> None:
    """Only runs with latents have the number, and it is what `livr eval` says of the run."""
    given = {"tasks": ["one"], "variants": ["sft", "livr"], "baseline": "sft", "blindfolded": True}
    asked = Grid.model_validate(grid.model_dump() | given | {"settings": {"latents.num": 2}})
    board = run_grid(asked, prepare(asked, tmp_path / "out"), Here(), command="livr ablate g")
    rows = json.loads((board.out / "results.json").read_text("utf-8"))["rows"]
    assert ["blindfolded" in row for row in rows] == [False, True]
    run = board.folder(board.cells[1]) / "run"
    data = board.cells[1].tests["one"]
    again = evaluate(str(run), data, "test", mask="bottleneck", compress=True)
    assert rows[1]["blindfolded"]["accuracy"] == again.accuracy
    lines = compare(read_outcomes([board.out])[0])
    assert [line.blindfolded for line in lines] == [None, again.accuracy]
    plain = asked.model_copy(update={"blindfolded": False})
    hashes = [cell.hash for cell in cells_of(plain, Sources(plain, tmp_path))]
    own = [cell.hash for cell in board.cells]
    assert hashes[0] == own[0] and hashes[1] != own[1]


def test_where_images_cannot_be_forgotten_they_stay(data: Path, tmp_path: Path) -> None:
    """Gemma 3 has sliding windows: asked blindfolded with its images, not refused."""
    given = {"tasks": ["one"], "variants": ["livr"], "baseline": "livr", "blindfolded": True}
    given |= {"settings": {"latents.num": 2}}
    grid = small_grid(data, gemma.gemma3(tmp_path / "model"))
    asked = Grid.model_validate(grid.model_dump() | given)
    board = run_grid(asked, prepare(asked, tmp_path / "out"), Here(), command="livr ablate g")
    found = json.loads((board.out / "results.json").read_text("utf-8"))
    assert found["failed"] == []
    run, tested = board.folder(board.cells[0]) / "run", board.cells[0].tests["one"]
    again = evaluate(str(run), tested, "test", mask="bottleneck")
    assert found["rows"][0]["blindfolded"]["accuracy"] == again.accuracy


def test_a_comparison_reads_the_folder(done: Board) -> None:
    found, failed = read_outcomes([done.out])
    assert len(found) == 4 and not failed


def test_progress_ends_at_the_whole(done: Board, heard: list[Progress]) -> None:
    assert heard[-1].done == pytest.approx(heard[-1].total)
    assert heard[-1].phase == "4 of 4 cells"


def test_a_finished_grid_does_nothing(done: Board, grid: Grid) -> None:
    before = (done.out / "results.json").read_bytes()
    here = Here()
    run_grid(grid, prepare(grid, done.out), here, command="livr ablate g")
    assert here.attempts == [] and here.closed
    assert (done.out / "results.json").read_bytes() == before


def test_a_changed_default_makes_a_result_stale_and_a_new_setting_does_not(done: Board) -> None:
    cell = next(cell for cell in done.cells if cell.train)
    result = read_result(done.folder(cell), cell)
    assert result is not None
    settings = result["settings"]
    assert settings == cell.settings and settings["lora"]["r"] == 16
    assert not {"data", "out", "model"} & settings.keys()
    other = {**settings, "lora": {**settings["lora"], "r": 8}}
    assert not cell.made(result | {"settings": other})
    fewer = {name: value for name, value in settings.items() if name != "lora"}
    assert cell.made(result | {"settings": fewer}) and cell.made(result | {"settings": {}})
    assert cell.made(result | {"settings": settings | {"gone": 1}})


def test_more_of_a_grid_runs_only_what_is_new(done: Board, grid: Grid) -> None:
    more = grid.model_copy(update={"seeds": (1, 2)})
    board = prepare(more, done.out)
    todo = [cell.name for cell in board.cells if cell not in board.done]
    assert todo == ["one sft 2", "two sft 2"]


def test_other_settings_make_other_cells(
    done: Board, grid: Grid, data: Path, tmp_path: Path
) -> None:
    def hashes(g: Grid) -> dict[str, str]:
        return {cell.name: cell.hash for cell in cells_of(g, Sources(g, tmp_path))}

    before = {cell.name: cell.hash for cell in done.cells}
    assert hashes(grid) == before
    after = hashes(grid.model_copy(update={"settings": {"optim.lr": 5e-4}}))
    assert {name for name in before if before[name] != after[name]} == {"one sft 1", "two sft 1"}
    # The same rows with one answer changed is another data set.
    copy = tmp_path / "data"
    for name in ("one", "two"):
        tiny.dataset(copy / name, train=8, val=4)
    assert hashes(grid.model_copy(update={"data": str(copy)})) == before
    file = copy / "two" / "test.jsonl"
    file.write_text(file.read_text().replace('"answer": "7"', '"answer": "8"'))
    after = hashes(grid.model_copy(update={"data": str(copy)}))
    assert {n for n in before if before[n] != after[n]} == {"two zero_shot", "two sft 1"}


def test_a_result_of_other_settings_is_not_taken(done: Board, grid: Grid, tmp_path: Path) -> None:
    board = prepare(grid, tmp_path / "out")
    cell = board.cells[0]
    board.folder(cell).mkdir(parents=True)
    old = json.loads((done.folder(cell) / RESULT).read_text("utf-8"))
    (board.folder(cell) / RESULT).write_text(json.dumps(old))
    assert board.finished(cell)
    (board.folder(cell) / RESULT).write_text(json.dumps(old | {"hash": "0"}))
    assert not board.finished(cell)
    (board.folder(cell) / RESULT).write_text(json.dumps(old)[:40])
    assert not board.finished(cell)


def test_what_questions_share_is_said_once_and_used(done: Board) -> None:
    value = json.loads((done.out / RESULTS).read_text("utf-8"))
    assert value["sources"] == {"two": "0 0 1 1"}
    found, _ = read_outcomes([done.out])
    assert {(run.task, run.sources) for run in found} == {
        ("one", ()), ("two", ((0,), (0,), (1,), (1,)))
    }  # fmt: skip
    value["sources"]["two"] = "0 0 1"
    (done.out / "damaged.json").write_text(json.dumps(value))
    with pytest.raises(DataError, match="sources of 3 questions for 4 answers"):
        read_outcomes([done.out / "damaged.json"])
    (done.out / "damaged.json").unlink()


def test_results_from_elsewhere_are_taken_over(done: Board, grid: Grid, tmp_path: Path) -> None:
    there = json.loads((done.out / RESULTS).read_text("utf-8"))
    board = prepare(grid, tmp_path / "out")
    assert len(take_over(board, [read_results(done.out)])) == 4
    launcher = Here()
    run_grid(grid, board, launcher, command=there["command"])
    assert launcher.attempts == []
    assert json.loads((board.out / RESULTS).read_text("utf-8")) == there


def test_of_results_from_elsewhere_only_the_same_cells_are_taken(
    done: Board, grid: Grid, tmp_path: Path
) -> None:
    there = json.loads((done.out / RESULTS).read_text("utf-8"))
    there["cells"][0]["hash"] = "0"
    there["cells"][1]["settings"]["epochs"] = [9.0]
    file = tmp_path / "results.json"
    file.write_text(json.dumps(there))
    board = prepare(grid, tmp_path / "out")
    own = board.cells[2]
    assert take_over(board, [read_results(file)]) == [cell.name for cell in board.cells[2:]]
    assert take_over(board, [read_results(file)]) == []
    assert board.finished(own)
    there["rows"] = [row for row in there["rows"] if row["cell"] != own.name]
    file.write_text(json.dumps(there))
    with pytest.raises(DataError, match=f"results.json: the cell {own.name!r} has no row of"):
        take_over(prepare(grid, tmp_path / "other"), [read_results(file)])


def test_a_failed_cell_is_retried_then_reported_and_the_others_run(
    grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = worker.evaluate

    def breaks(model: object, data: str, *args: object, **kwargs: object) -> object:
        if data.endswith("two"):
            raise LivrError("the two is broken")
        return real(model, data, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(worker, "evaluate", breaks)
    only = grid.model_copy(update={"variants": grid.variants[:1]})
    here = Here()
    board = run_grid(only, prepare(only, tmp_path / "out"), here, retries=2)
    assert [attempt.fresh for attempt in here.attempts].count(True) == 2
    assert list(board.failed.values()) == ["the two is broken"]
    found, failed = read_outcomes([board.out])
    assert [run.task for run in found] == ["one"]
    assert [(cell.task, cell.method, cell.reason) for cell in failed] == [
        ("two", "zero_shot", "the two is broken")
    ]
    # The next call tries again, and it can succeed.
    monkeypatch.setattr(worker, "evaluate", real)
    again = Here()
    board = run_grid(only, prepare(only, board.out), again)
    assert len(again.attempts) == 1 and not board.failed
    assert not read_outcomes([board.out])[1]


def test_a_bug_in_a_cell_does_not_end_the_grid(
    grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*args: object, **kwargs: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(worker, "load", bug)
    only = grid.model_copy(update={"variants": grid.variants[:1]})
    board = run_grid(only, prepare(only, tmp_path / "out"), Here(), retries=0)
    assert set(board.failed.values()) == {"KeyError: 'oops'"} and len(board.failed) == 2


def test_a_full_disk_in_a_cell_names_the_file(
    grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object) -> None:
        with whole_file(path), Path("/dev/full").open("w") as disk:
            disk.write("x")

    monkeypatch.setattr(worker, "write_predictions", full)
    only = grid.model_copy(update={"tasks": grid.tasks[:1], "variants": grid.variants[:1]})
    board = run_grid(only, prepare(only, tmp_path / "out"), Here(), retries=0)
    (why,) = board.failed.values()
    file = board.folder(board.cells[0]) / "predictions-one.jsonl"
    assert why == f"{file}: No space left on device"


def test_one_cell_again_gives_the_same_number(done: Board, grid: Grid, tmp_path: Path,
                                              monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("livr.analysis.ablate.check.Processes", lambda workers: Here())
    (same,) = check_cell(grid, done.out, tmp_path / "a", "one zero_shot")
    assert same.same and same.differing == 0 and same.changes == ()
    # A committed number that is not true is found out.
    found = json.loads((done.out / "results.json").read_text("utf-8"))
    row = next(r for r in found["rows"] if r["cell"] == "one zero_shot")
    row["answers"] = "".join("1" if letter != "1" else "0" for letter in row["answers"])
    row["correct"] += 1
    (tmp_path / "bad.json").write_text(json.dumps(found))
    (other,) = check_cell(grid, tmp_path / "bad.json", tmp_path / "b", "one zero_shot")
    assert not other.same and other.differing == 4
    with pytest.raises(DataError, match="no cell 'nope'"):
        check_cell(grid, done.out, tmp_path / "c", "nope")


def test_a_mix_takes_rows_by_weight(data: Path) -> None:
    rows = list(join({data / "one": 2, data / "two": 0.5}, "train", 0))
    assert len(rows) == 16 + 4
    assert len({row.id for row in rows}) == 20
    again = list(join({data / "one": 2, data / "two": 0.5}, "train", 0))
    assert [row.id for row in again] == [row.id for row in rows]


def test_a_mix_is_trained_once_and_tested_on_each_part(
    data: Path, checkpoints: Callable[..., Path], tmp_path: Path
) -> None:
    task = {"name": "both", "mix": {"one": 1, "two": 0.5}}
    grid = small_grid(data, checkpoints("qwen3_vl"), tasks=[task], variants=["zero_shot"])
    board = prepare(grid, tmp_path / "out")
    assert board.cells[0].tests.keys() == {"one", "two"}
    folder = Sources(grid, tmp_path / "out").training(grid.tasks[0])
    assert len(load_split(folder, "train")) == 12
    assert len(load_split(folder, "val")) == 8


def test_folders_are_protected(grid: Grid, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds no grid"):
        prepare(grid, tmp_path)
    for name in ("thesis.txt", "thesis.txt/below"):
        with pytest.raises(ConfigError, match=r"thesis\.txt is not a folder"):
            prepare(grid, tmp_path / name)
    with pytest.raises(DataError, match="three"):
        prepare(Grid.model_validate(grid.model_dump() | {"tasks": ["three"]}), tmp_path / "new")
    with pytest.raises(ConfigError, match="no task"):
        prepare(Grid.model_validate({"tasks": ["x"], "variants": ["sft"]}), tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_some_cells_alone(grid: Grid, tmp_path: Path, data: Path) -> None:
    """Named cells run, others keep what they have, and data that none of them needs is not read."""
    broken = data.parent / "broken"
    broken.mkdir()
    (broken / "one").symlink_to(data / "one")
    grid = grid.model_copy(update={"data": str(broken)})
    out = tmp_path / "out"
    names = ("one zero_shot", "one sft 1")
    for count, name in enumerate(names, start=1):
        board = run_grid(grid, prepare(grid, out, only=[name]), Here())
        found = json.loads((out / "results.json").read_text("utf-8"))
        assert [row["cell"] for row in found["rows"]] == list(names[:count])
        assert len(found["failed"]) == 2 - count
        assert [cell.name for cell in board.wanted] == [name]
    with pytest.raises(ConfigError, match="no cell 'one sft 3'; near it are: one sft 1"):
        prepare(grid, tmp_path / "other", only=["one sft 3"])
    assert not (tmp_path / "other").exists()
