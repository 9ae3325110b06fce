from __future__ import annotations

import json
import re
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
    assert read_run(folder).lost_data is None
    data.rename(tmp_path / "elsewhere")
    assert read_run(folder).data is None
    assert read_run(folder).lost_data == str(data)


@pytest.mark.parametrize(("named", "found"), [("data", True), ("blink:data", False)])
def test_a_folder_named_from_another_place_is_looked_up_in_the_settings(
    named: str, found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_data(tmp_path / "data", "counting")
    folder = make_run(tmp_path / "run", "counting", "sft", 7, data)
    scores = json.loads((folder / "scores.json").read_text("utf-8"))
    (folder / "scores.json").write_text(json.dumps(scores | {"data": named}), encoding="utf-8")
    monkeypatch.chdir(folder)
    run = read_run(folder)
    assert run.data == (data if found else None)
    assert run.lost_data is None


def test_a_line_cut_off_by_a_crash_is_left_out(tmp_path: Path) -> None:
    data = make_data(tmp_path / "data", "counting")
    folder = make_run(tmp_path / "run", "counting", "sft", 7, data)
    before = read_run(folder)
    with (folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"stage": "stage1", "epo')
    assert read_run(folder).loss == before.loss


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("scores.json", None, "livr eval"),
        ("scores.json", "{", "not a JSON file"),
        ("scores.json", "[]", "expected an object"),
        ("scores.json", '{"task": "counting", "seed": 1}', "does not say the method"),
        ("scores.json", "[" * 10**5, "not a JSON file"),
        ("scores.json", '{"task": "t", "method": "m", "seed": "x"}', "seed is 'x'.*livr eval"),
        ("scores.json", '{"task": "t", "method": "m", "seed": null}', "seed is None"),
        ("scores.json", '{"task": "t", "method": "m", "seed": 1, "data": 5}', "data is 5"),
        ("config.yaml", "a: [", r"config\.yaml is not a YAML file(.|\n)*copy the run again"),
        ("config.yaml", "[1]", r"config\.yaml: expected settings.*copy the run again"),
        ("config.yaml", "model: 5", r"config\.yaml: model is 5"),
        ("config.yaml", "tune: []", r"config\.yaml: tune is \[\]"),
        ("config.yaml", b"\xff", r"config\.yaml is not a YAML file"),
        ("metrics.jsonl", "{}\nnonsense\n", r"metrics\.jsonl:2"),
        ("metrics.jsonl", "[1]\n", r"metrics\.jsonl:1 is not a JSON object.*copy the run"),
        ("metrics.jsonl", b"{}\n\xff\n", r"metrics\.jsonl:2 is not a JSON object"),
        ("metrics.jsonl", '{"epoch": 1, "loss": "x"}', r"metrics\.jsonl:1: loss is 'x'"),
        ("metrics.jsonl", '{}\n{"loss": 1}', r"metrics\.jsonl:2: epoch is None"),
        ("predictions-test.jsonl", None, "cannot read the predictions"),
    ],
)
def test_broken_runs_are_named(
    tmp_path: Path, file: str, content: str | bytes | None, words: str
) -> None:
    data = make_data(tmp_path / "data", "counting")
    folder = make_run(tmp_path / "run", "counting", "sft", 7, data)
    (folder / file).unlink()
    if content is not None:
        raw = content if isinstance(content, bytes) else content.encode()
        (folder / file).write_bytes(raw)
    with pytest.raises(DataError, match=words):
        read_run(folder)


def test_a_folder_that_is_no_evaluated_run_is_called_what_it_is(tmp_path: Path) -> None:
    data = make_data(tmp_path / "a set", "counting")
    folder = make_run(tmp_path / "a run", "counting", "sft", 7, data)
    (folder / "scores.json").unlink()
    (tmp_path / "empty").mkdir()
    for name, marks in (("grid", "grid.yaml"), ("model", "config.json")):
        (tmp_path / name).mkdir()
        (tmp_path / name / marks).write_text("{}")
    found = {}
    for path in (data, folder, *(tmp_path / name for name in ("empty", "grid", "model"))):
        with pytest.raises(DataError) as caught:
            read_runs([path])
        found[path.name] = str(caught.value)
    assert found["a set"].startswith(f"{data} holds no run: it is a data set; name a folder")
    assert "a run that has not finished; continue it with livr train ... " in found["a run"]
    assert f"then run `livr eval '{folder}' --data ...`" in found["a run"]
    assert found["empty"].endswith("empty holds no run; name a folder that livr train wrote")
    assert "is a grid none of whose cells has a result" in found["grid"]
    assert "holds no run: it is a checkpoint;" in found["model"]
    (folder / "adapter").mkdir()
    command = re.escape(f"run `livr eval '{folder}' --data '{data}'` first")
    with pytest.raises(DataError, match=f"is a run that was not evaluated; {command}"):
        read_run(folder)


def test_a_path_that_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a run folder"):
        read_runs([tmp_path / "nothing"])
