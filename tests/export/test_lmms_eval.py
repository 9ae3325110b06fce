"""lmms-eval on an exported folder, offline: a local task scores what `livr eval` scores."""

from __future__ import annotations

from importlib.util import find_spec

import pyarrow.parquet as pq
import pytest
import yaml

import livr
from livr.data.prompts import render
from livr.data.store import load_split
from livr.errors import DataError
from livr.evaluate.lmms_eval import messages, pictures, results, target, text, write_task
from livr.evaluate.score import judge
from tests import tiny
from tests.export.serving import NEEDS_SERVER, served


@pytest.fixture
def data(tmp_path):
    return tiny.dataset(tmp_path / "some-data", val=5)


def test_a_task_asks_and_scores_like_livr(data, tmp_path) -> None:
    out = tmp_path / "task"
    assert write_task(data, out) == "livr_some_data_test"
    settings, functions = (out / "livr_some_data_test.yaml").read_text().split("doc_to_messages")
    assert yaml.safe_load(settings)["test_split"] == "test" and "utils.messages" in functions
    rows = pq.read_table(out / "data" / "test.parquet").to_pylist()
    examples = load_split(data, "test")
    assert len(rows) == len(examples) == 5
    for row, example in zip(rows, examples, strict=True):
        (turn,) = messages(row)
        kinds = [part["type"] for part in turn["content"]]
        assert kinds.count("image") == len(example.images) == len(pictures(row))
        if "<image>" in example.question:
            assert kinds == ["text", "image", "text", "image", "text"]
        assert (text(row), target(row)) == (render(example), example.answer)
        bare = {name: value for name, value in row.items() if name != "images"}
        for said in (example.answer, "(A)", "B.", "7", "nonsense"):
            assert results(bare, [said]) == {"accuracy": float(judge(example, said).correct)}


def test_a_missing_split_leaves_nothing(data, tmp_path) -> None:
    (data / "test.jsonl").unlink()
    with pytest.raises(DataError, match="no split test"):
        write_task(data, tmp_path / "task")
    assert not (tmp_path / "task").exists()


def test_command_line(data, tmp_path, livr_command) -> None:
    out = tmp_path / "task"
    words = ("data", "export", data, "--lmms-eval", "--split", "val", "--out", out)
    code, text, err = livr_command(*words)
    assert code == 0, err
    assert "livr_some_data_val" in text
    assert (out / "livr_some_data_val.yaml").is_file()


@NEEDS_SERVER
@pytest.mark.skipif(find_spec("lmms_eval") is None, reason="lmms-eval is not installed")
@pytest.mark.usefixtures("in_process")
def test_the_score_is_that_of_livr_eval(trained, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    from lmms_eval.evaluator import simple_evaluate
    from lmms_eval.tasks import TaskManager

    run = trained("qwen3_vl")
    data = run.parent / "data"
    folder = livr.export(run, tmp_path / "out").path
    name = write_task(data, tmp_path / "task", "train")
    mine = livr.evaluate(run, data, "train")
    with served(folder) as address:
        found = simple_evaluate(
            model="openai",
            model_args=f"model={folder},base_url={address},api_key=none,max_retries=1",
            tasks=[name],
            batch_size=1,
            task_manager=TaskManager(include_path=str(tmp_path / "task"), include_defaults=False),
            log_samples=True,
        )
    assert found["results"][name]["accuracy,none"] == pytest.approx(mine.accuracy)
    said = {s["doc"]["id"]: s["filtered_resps"][0] for s in found["samples"][name]}
    assert {i: str(t).strip() for i, t in said.items()} == {p.id: p.text for p in mine.predictions}
