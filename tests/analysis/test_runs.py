from __future__ import annotations

from pathlib import Path

import pytest
from tests.analysis.synthetic import make_data, make_run, make_runs

from livr.analysis.figures import switches
from livr.analysis.runs import read_run, read_runs
from livr.errors import DataError


def test_a_run_is_read(tmp_path: Path) -> None:
    data = make_data(tmp_path / "data", "counting")
    run = read_run(make_run(tmp_path / "run", "counting", "livr", 7, data))
    assert (run.task, run.method, run.seed, run.data) == ("counting", "livr", 7, data)
    assert run.train_seconds == pytest.approx(68.4)
    assert len(run.predictions) == 20


def test_epochs_of_the_stages_are_added_up(tmp_path: Path) -> None:
    data = make_data(tmp_path / "data", "counting")
    run = read_run(make_run(tmp_path / "run", "counting", "livr", 7, data))
    assert [p.epoch for p in run.val_accuracy] == list(range(1, 11))
    assert [p.stage for p in run.val_accuracy] == ["stage1"] * 4 + ["stage2"] * 6
    assert switches(run.loss) == switches(run.val_accuracy) == [4]


def test_epochs_counted_through_are_left_alone(tmp_path: Path) -> None:
    data = make_data(tmp_path / "data", "counting")
    folder = make_run(tmp_path / "run", "counting", "sft", 7, data)
    rows = '{"stage": "a", "epoch": 2, "loss": 1}\n{"stage": "b", "epoch": 3, "loss": 1}\n'
    (folder / "metrics.jsonl").write_text(rows, encoding="utf-8")
    assert [p.epoch for p in read_run(folder).loss] == [2, 3]


def test_a_folder_of_runs_stands_for_its_runs(tmp_path: Path) -> None:
    folders = make_runs(tmp_path, ("counting",), seeds=2)
    assert {run.path for run in read_runs([tmp_path / "runs"])} == set(folders)
    assert [run.path for run in read_runs(folders[:1])] == folders[:1]


def test_data_that_moved_is_no_error(tmp_path: Path) -> None:
    data = make_data(tmp_path / "data", "counting")
    folder = make_run(tmp_path / "run", "counting", "sft", 7, data)
    data.rename(tmp_path / "elsewhere")
    assert read_run(folder).data is None


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("scores.json", None, "livr eval"),
        ("scores.json", "{", "not a JSON file"),
        ("scores.json", "[]", "expected an object"),
        ("scores.json", '{"task": "counting", "seed": 1}', "does not say the method"),
        ("metrics.jsonl", "{}\nnonsense\n", r"metrics\.jsonl:2"),
        ("predictions-test.jsonl", None, "cannot read the predictions"),
    ],
)
def test_broken_runs_are_named(tmp_path: Path, file: str, content: str | None, words: str) -> None:
    data = make_data(tmp_path / "data", "counting")
    folder = make_run(tmp_path / "run", "counting", "sft", 7, data)
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        read_run(folder)


def test_a_path_that_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a run folder"):
        read_runs([tmp_path / "nothing"])
