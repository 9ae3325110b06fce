"""`livr data`: the commands end to end, with the exit codes a user sees."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from . import layouts

Run = Callable[..., tuple[int, str, str]]
SMALL = ("--train", "4", "--val", "2", "--test", "2")


@pytest.fixture
def run(livr_command: Run) -> Run:
    return partial(livr_command, "data")


def test_build_check_show_export(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "jigsaw"
    code, text, _ = run("build", "jigsaw", "--out", out, *SMALL, "--json")
    assert code == 0
    assert json.loads(text)["counts"] == {"train": 4, "val": 2, "test": 2}
    code, text, _ = run("check", out)
    assert (code, "4 train, 2 val, 2 test" in text) == (0, True)
    code, text, _ = run("show", out, "--out", tmp_path / "shown", "--count", 3)
    assert code == 0
    page = (tmp_path / "shown/show-train.html").read_text()
    assert page.count("<article>") == 3
    assert page.count("data:image/jpeg;base64,") == 9
    assert "http" not in page.replace("https://", "").partition("<main>")[2]
    with Image.open(tmp_path / "shown/show-train.png") as sheet:
        assert sheet.width > 600
    assert run("export", out, "--out", tmp_path / "parquet")[0] == 0
    code, _, problem = run("build", "jigsaw", "--out", out, *SMALL)
    assert (code, "--overwrite" in problem) == (2, True)


def test_all_tasks_have_a_folder_each(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from livr.data import tasks

    two = {name: tasks.TASKS[name] for name in ("counting", "jigsaw")}
    monkeypatch.setattr(tasks, "TASKS", two)
    code, text, _ = run("build", "all", "--out", tmp_path / "all", *SMALL)
    assert code == 0
    assert {path.name for path in (tmp_path / "all").iterdir()} == set(two)
    assert "none" in text


def test_user_errors_are_one_message_and_exit_2(run: Run, tmp_path: Path) -> None:
    for arguments, message in (
        (("build", "chess"), "there is no task 'chess'; choose one of counting, "),
        (("build", "chess"), "vsp, all"),
        (("build", "all", "--source", tmp_path), "one by one"),
        (("build", "jigsaw", "--source", tmp_path / "x", "--out", tmp_path / "o"), "get it"),
        (("check", tmp_path / "x"), "not a folder"),
        (("show", tmp_path / "x"), "not a folder"),
        (("convert", tmp_path / "x.json", "--out", tmp_path / "o"), "does not exist"),
        (("export", tmp_path, "--out", tmp_path / "o"), "has no train.jsonl"),
        (("dedup", tmp_path, "--against", tmp_path, "--out", tmp_path / "o"), "does not exist"),
    ):
        code, _, problem = run(*arguments)
        assert code == 2, (arguments, problem)
        assert message in problem, problem
        assert "Traceback" not in problem
    assert not (tmp_path / "o").exists()


def test_check_reports_problems_as_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"id": "1"}\n')
    code, text, _ = run("check", tmp_path, "--json")
    report = json.loads(text)
    assert code == 2
    assert report["ok"] is False
    assert {problem["row"] for problem in report["problems"]} == {1}
    code, _, problem = run("check", tmp_path)
    assert code == 2
    assert "train.jsonl:1" in problem


def test_convert_and_dedup(run: Run, tmp_path: Path) -> None:
    for number in range(6):
        layouts.noise(tmp_path / f"{number}.png", number)
    rows = [{"question": "?", "answer": "x", "image": f"{n}.png"} for n in range(6)]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    (tmp_path / "test.json").write_text(json.dumps(rows[:2]))
    shares = ("--val", 0, "--test", 0)
    assert run("convert", tmp_path / "rows.json", "--out", tmp_path / "set", *shares)[0] == 0
    assert run("convert", tmp_path / "test.json", "--out", tmp_path / "bench", *shares)[0] == 0
    code, text, _ = run(
        "dedup", tmp_path / "set", "--against", tmp_path / "bench", "--split", "train",
        "--out", tmp_path / "clean",
    )  # fmt: skip
    assert code == 0, text
    assert "train: 4 kept, 2 removed" in text
