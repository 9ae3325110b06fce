"""lmms-eval on an exported folder, offline: a local task scores what `livr eval` scores."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

import livr
from livr.data.prompts import render
from livr.data.store import load_split
from livr.errors import DataError, ModelError
from livr.evaluate.lmms_eval import messages, pictures, results, target, text, write_task
from livr.evaluate.score import judge
from tests import tiny
from tests.export.serving import NEEDS_SERVER, free_port, served

PAGE = Path(__file__).parents[2] / "docs" / "serving.md"
NEEDS_LMMS_EVAL = pytest.mark.skipif(
    find_spec("lmms_eval") is None, reason="lmms-eval is not installed"
)


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


@pytest.mark.parametrize("said", ["REQUEST_FAILED after 5 retries] timed out", "BUDGET_EXCEEDED]"])
def test_an_answer_that_did_not_come_is_no_wrong_answer(said) -> None:
    row = {"id": "7", "task": "t", "question": "How many?", "choices": None, "answer": "3"}
    assert results(row, ["4"]) == {"accuracy": 0.0}
    with pytest.raises(ModelError, match=r"question 7: no answer, so there is no score"):
        results(row, [f"[LMMS_EVAL_{said}"])


def documented() -> list[list[str]]:
    """The commands under the page's heading "lmms-eval", as words."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## lmms-eval\n")[2]
    block = re.findall(r"^```\n(.*?)^```", section, re.MULTILINE | re.DOTALL)[0]
    lines = block.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines]


def test_the_page_shows_commands_that_exist(tmp_path, monkeypatch, livr_command) -> None:
    export, serve, _ = documented()
    monkeypatch.chdir(tmp_path)
    tiny.dataset(tmp_path / "my_parts")
    code, text, err = livr_command(*export[1:])
    assert code == 0, err
    assert text == "task: task livr_my_parts_test\n"
    assert find_spec(serve[serve.index("-m") + 1]) is not None


@contextmanager
def running(words: list[str], address: str, log: Path) -> Iterator[None]:
    """A server as a process of its own, once it answers."""
    with log.open("w") as file:
        process = subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 300
        while True:
            try:
                with urllib.request.urlopen(f"{address}/health", timeout=10):
                    break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.5)
        yield
    finally:
        process.terminate()
        process.wait(30)


@NEEDS_SERVER
@NEEDS_LMMS_EVAL
@pytest.mark.usefixtures("in_process")
def test_the_commands_of_the_page(trained, tmp_path, monkeypatch, livr_command) -> None:
    """As they stand there, in processes of their own, but for port and Python; answers are kept."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    run = trained("qwen3_vl")
    livr.export(run, "DIR")
    tiny.dataset(tmp_path / "my_parts", val=6)
    export, serve, ask = documented()
    assert livr_command(*export[1:])[0] == 0
    address = f"http://localhost:{free_port()}"
    place = {"python": sys.executable, "8000": address.rpartition(":")[2]}
    serve, ask = (
        [place.get(word, word).replace("http://localhost:8000", address) for word in words]
        for words in (serve, ask)
    )
    assert serve.pop() == "&"
    ask += ["--log_samples", "--output_path", "kept"]
    with running(serve, address, tmp_path / "server.log"):
        done = subprocess.run(
            ask, capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"}
        )
    mine = livr.evaluate(run, "my_parts", "test")
    found = re.search(r"\|livr_my_parts_test\|.*\|accuracy *\|[^|]*\| *([\d.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) == pytest.approx(mine.accuracy, abs=1e-3)
    (kept,) = Path("kept").rglob("*_samples_livr_my_parts_test.jsonl")
    rows = sorted(map(json.loads, kept.open(encoding="utf-8")), key=lambda row: row["doc_id"])
    assert [str(row["filtered_resps"]).strip() for row in rows] == [
        prediction.text for prediction in mine.predictions
    ]


@NEEDS_SERVER
@NEEDS_LMMS_EVAL
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
