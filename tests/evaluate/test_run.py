"""A benchmark of several parts is reported part by part."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests import tiny

import livr
from livr.analysis.runs import read_run
from livr.data.example import Example
from livr.data.store import write_dataset
from livr.errors import ConfigError, DataError, LivrError, ModelError
from livr.evaluate.places import from_anywhere
from livr.files import write_json
from livr.model.model import Model


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "set"
    rows = [
        Example(
            id=f"{task}-{index}",
            task=task,
            images=(tiny.picture(index),),
            question="Which?",
            choices=("one", "two"),
            answer="A",
        )
        for task, count in (("jigsaw", 4), ("counting", 2))
        for index in range(count)
    ]
    write_dataset(folder, {"test": rows, "val": rows[:4]})
    return folder


def test_subsets_and_their_mean(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def generate(self: Model, examples: Sequence[Example], *_: object, **__: object) -> list[str]:
        said = {"jigsaw-0": "A", "jigsaw-1": "B", "counting-0": "?"}
        return [said.get(example.id, "A") for example in examples]

    model = livr.load(str(tiny.checkpoint("qwen3_vl", tmp_path / "model")))
    monkeypatch.setattr(Model, "generate", generate)
    result = livr.evaluate(model, data, out=tmp_path / "results.json")
    saved = json.loads((tmp_path / "results.json").read_text())
    assert saved == result.summary()
    parts = saved["subsets"]
    assert list(parts) == ["counting", "jigsaw"]
    assert (parts["counting"]["accuracy"], parts["counting"]["unparsed"]) == (0.5, 0.5)
    assert (parts["jigsaw"]["accuracy"], parts["jigsaw"]["n"]) == (0.75, 4)
    assert parts["jigsaw"]["ci95"][0] < 0.75 < parts["jigsaw"]["ci95"][1]
    assert saved["mean_of_subsets"] == 0.625
    assert saved["accuracy"] == pytest.approx(4 / 6)
    assert "groups" not in saved
    one = livr.evaluate(model, data, "val").summary()
    assert "subsets" not in one
    assert "mean_of_subsets" not in one
    assert [row.task for row in result.predictions] == ["jigsaw"] * 4 + ["counting"] * 2
    assert {row.task for row in livr.evaluate(model, data, "val").predictions} == {None}


def test_pairs_are_scored_beside_questions(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    livr_command: Callable[..., tuple[int, str, str]],
) -> None:
    rows = [
        Example(
            id=str(index),
            task="mmvp",
            images=(tiny.picture(index),),
            question="Which?",
            choices=("one", "two"),
            answer="AB"[index % 2],
            score_group=f"pair-{index // 2}",
        )
        for index in range(6)
    ]
    write_dataset(tmp_path / "set", {"test": rows})
    checkpoint = tiny.checkpoint("qwen3_vl", tmp_path / "model")
    monkeypatch.setattr(Model, "generate", lambda self, asked, *_, **__: list("ABABAA"))
    code, out, _ = livr_command("eval", checkpoint, "--data", tmp_path / "set", "--json")
    found = json.loads(out)
    assert (code, found["n"], found["accuracy"]) == (0, 6, 5 / 6)
    assert (found["groups"]["n"], found["groups"]["accuracy"]) == (3, 2 / 3)
    low, high = found["groups"]["ci95"]
    assert low < 2 / 3 < high
    code, out, _ = livr_command("eval", checkpoint, "--data", tmp_path / "set")
    line = next(line for line in out.splitlines() if line.startswith("pairs"))
    assert "66.7% (2 of 3)" in line
    assert f"{low:.1%} to {high:.1%}" in line


def test_long_answers_are_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path of 16 moves is longer than the room that a letter or a number gets."""
    path = ", ".join(["right", "down"] * 8)
    model = livr.load("mini")
    length = len(model.tokenizer(path)["input_ids"])
    assert model.room_for(["A", "12"]) == 16 < length < model.room_for(["A", path])
    row = {"id": "0", "task": "vsp", "images": (tiny.picture(0),), "question": "Which way?"}
    write_dataset(tmp_path / "data", {"test": [Example(**row, answer=path)]})
    asked: dict[str, object] = {}

    def generate(self: Model, *_: object, **options: object) -> list[str]:
        asked.update(options)
        return [path]

    monkeypatch.setattr(Model, "generate", generate)
    livr.evaluate(model, tmp_path / "data")
    assert asked["max_new_tokens"] == model.room_for([path])


def test_a_folder_is_refused_before_anything_is_asked(data: Path, tmp_path: Path) -> None:
    with pytest.raises(LivrError, match="is a folder"):
        livr.evaluate("no/such/model", data, out=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"--out .*file is not a folder"):
        livr.evaluate("no/such/model", data, out=tmp_path / "file" / "x.json")
    with pytest.raises(ConfigError, match="batch_size=0"):
        livr.evaluate("no/such/model", data, batch_size=0)


def test_a_result_is_not_written_to_a_file_where_a_folder_was_meant(
    data: Path, tmp_path: Path, livr_command: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, err = livr_command("eval", "mini", "--data", data, "--out", f"{tmp_path}/new/")
    assert code == 2 and f"--out {tmp_path}/new/ is a folder; give the name of a file" in err
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_was_asked_its_validation_questions_only_says_so(
    data: Path, tmp_path: Path, checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "generate", lambda self, asked, *_, **__: ["A"] * len(asked))
    run = as_run(tmp_path / "a run", checkpoints("qwen3_vl"), b'{"method": "livr", "seed": 1}')
    livr.evaluate(run, data, "val")
    command = re.escape(f"run `livr eval '{run}' --data {data}` first")
    with pytest.raises(DataError, match=f"was evaluated on the val split only; {command}"):
        read_run(run)
    livr.evaluate(run, data)
    assert read_run(run).scores["split"] == "test"
    (run / "predictions-test.jsonl").unlink()
    with pytest.raises(DataError, match=r"No such file or directory; evaluate the run again"):
        read_run(run)


def as_run(folder: Path, checkpoint: Path, trained: bytes) -> Path:
    """A folder that is asked as a checkpoint and written to as a run."""
    shutil.copytree(checkpoint, folder)
    (folder / "train.json").write_bytes(trained)
    return folder


def test_a_run_remembers_its_data_for_every_working_directory(
    data: Path, tmp_path: Path, checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "generate", lambda self, asked, *_, **__: ["A"] * len(asked))
    run = as_run(tmp_path / "run", checkpoints("qwen3_vl"), b'{"method": "livr", "seed": 1}')
    monkeypatch.chdir(data.parent)
    result = livr.evaluate(run, data.name)
    assert result.data == data.name
    scores = json.loads((run / "scores.json").read_text())
    assert (scores["data"], scores["task"], scores["seed"]) == (str(data.resolve()), "mixed", 1)
    assert from_anywhere("blink:BLINK/Jigsaw") == "blink:BLINK/Jigsaw"


@pytest.mark.parametrize("record", [b"{", b"\xff", b"[]"])
def test_a_damaged_record_of_training_is_refused_before_anything_is_asked(
    record: bytes, data: Path, tmp_path: Path, checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    def generate(*_: object, **__: object) -> list[str]:
        raise AssertionError("asked")

    monkeypatch.setattr(Model, "generate", generate)
    run = as_run(tmp_path / "run", checkpoints("qwen3_vl"), record)
    with pytest.raises(ModelError, match=r"train\.json .*; copy the run again"):
        livr.evaluate(run, data)
    assert not list(run.glob("predictions*"))


def test_a_run_that_may_not_be_written_is_asked_all_the_same(
    data: Path,
    tmp_path: Path,
    checkpoints,
    monkeypatch: pytest.MonkeyPatch,
    livr_command: Callable[..., tuple[int, str, str]],
) -> None:
    monkeypatch.setattr(Model, "generate", lambda self, asked, *_, **__: ["A"] * len(asked))
    run = as_run(tmp_path / "run", checkpoints("qwen3_vl"), b'{"method": "livr", "seed": 1}')
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, how: path != run and may(path, how))
    before = sorted(run.iterdir())
    code, out, said = livr_command("eval", run, "--data", data)
    assert (code, out) == (2, "")
    assert f"nothing may be written in {run}" in said and "with --out FILE" in said
    code, _, said = livr_command("eval", run, "--data", data, "--out", tmp_path / "x.json")
    assert code == 0 and f"Nothing may be written in {run}" in said
    assert json.loads((tmp_path / "x.json").read_text())["accuracy"] == 1
    assert sorted(run.iterdir()) == before


def test_a_result_is_written_anew_and_other_json_stays(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "generate", lambda self, asked, *_, **__: ["A"] * len(asked))
    model = livr.load("mini")
    for _ in range(2):
        livr.evaluate(model, data, out=tmp_path / "x.json")
    write_json(tmp_path / "scores.json", {"task": "mixed", "ci95": [0, 1], "split": "test"})
    with pytest.raises(ConfigError, match=r"scores\.json is there already and was not written"):
        livr.evaluate(model, data, out=tmp_path / "scores.json")
    manifest = (data / "manifest.json").read_bytes()
    with pytest.raises(ConfigError, match=r"manifest\.json is there already and was not written"):
        livr.evaluate(model, data, out=data / "manifest.json")
    assert (data / "manifest.json").read_bytes() == manifest
