"""MMVP and V*Bench: the questions as published, whole pairs, and what is wrong said clearly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from livr.data.build import build_task
from livr.data.store import load_split
from livr.errors import DataError

from . import layouts


def build(task: str, source: Path, out: Path, count: int = 999) -> dict[str, Any]:
    return build_task(task, source, out, {"test": count}, seed=3)


def refused(task: str, source: Path, out: Path, count: int = 999) -> str:
    with pytest.raises(DataError) as caught:
        build(task, source, out, count)
    assert not out.exists()
    return str(caught.value)


def test_mmvp_holds_whole_pairs_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "mmvp"
    layouts.mmvp(folder)
    manifest = build("mmvp", folder, tmp_path / "set")
    assert manifest["dropped"]["test"] == {
        "image is missing": 1,
        "image unreadable": 1,
        "the answer is not one of the options": 1,
        "the index is not a number from 1": 1,
        "the index occurs twice": 1,
        "the options are not (a) ... (b) ...": 1,
        "the other question of its pair is left out": 5,
    }
    rows = load_split(tmp_path / "set", "test")
    assert [row.id for row in rows] == [f"mmvp-test-{index:05d}" for index in range(8)]
    for index, row in enumerate(rows):
        assert row.question == f"Is door {index // 2 + 1} open?"
        assert row.choices == ("Wide open", "Closed (locked)")
        assert row.answer == "AB"[index % 2]
        assert row.score_group == f"mmvp-pair-{index // 2 + 1:03d}"
        picture = folder / f"MMVP Images/{index + 1}.jpg"
        assert Path(str(row.images[0])).read_bytes() == picture.read_bytes()


def test_part_of_mmvp_is_drawn_by_pairs(tmp_path: Path) -> None:
    layouts.mmvp(tmp_path / "mmvp")
    manifest = build("mmvp", tmp_path / "mmvp", tmp_path / "set", 5)
    assert manifest["counts"] == {"test": 4}
    rows = load_split(tmp_path / "set", "test")
    assert rows[0].question == rows[1].question < rows[2].question == rows[3].question
    message = refused("mmvp", tmp_path / "mmvp", tmp_path / "one", 1)
    assert "come in pairs; give --test 2 or more" in message


def test_mmvp_that_is_not_the_published_file(tmp_path: Path) -> None:
    folder = tmp_path / "mmvp"
    layouts.mmvp(folder)
    table = folder / "Questions.csv"
    table.write_text("Index,Question,Options\n1,Is it?,(a) Yes (b) No\n")
    assert "has no column Correct Answer; see https" in refused("mmvp", folder, tmp_path / "set")
    table.write_bytes("Index,Question,Options,Correct Answer\n1,Où?".encode("latin-1"))
    assert "Questions.csv cannot be read as CSV" in refused("mmvp", folder, tmp_path / "set")
    table.write_text("Index,Question,Options,Correct Answer\n1\n")
    assert "could be built" in (message := refused("mmvp", folder, tmp_path / "set"))
    assert "no question: 1" in message
    table.unlink()
    assert "missing:  Questions.csv" in refused("mmvp", folder, tmp_path / "set")


def test_vstar_asks_the_question_alone(tmp_path: Path) -> None:
    folder = tmp_path / "vstar"
    layouts.vstar(folder)
    manifest = build("vstar", folder, tmp_path / "set")
    assert manifest["dropped"]["test"] == {
        "another category": 1,
        "image is missing": 1,
        "image unreadable": 1,
        "row without a picture's path": 1,
        "the label is not one of the choices": 1,
        "the text is not a question with choices (A) ... (B) ...": 2,
    }
    rows = load_split(tmp_path / "set", "test")
    assert [row.answer for row in rows] == ["A", "B", "C", "D", "A", "B", "A"]
    for index, row in enumerate(rows):
        attribute = index < 5
        assert row.question == f"What is thing {index} like?"
        if attribute:
            assert row.choices == ("red", "dark blue", "made of (old) wood", "wet")
        else:
            assert row.choices == ("left", "right")
        name = f"{'direct_attributes' if attribute else 'relative_position'}/sa_{index}.jpg"
        assert Path(str(row.images[0])).read_bytes() == (folder / name).read_bytes()
        assert name in manifest["groups"]["test"]


def test_part_of_vstar_keeps_the_order(tmp_path: Path) -> None:
    layouts.vstar(tmp_path / "vstar")
    build("vstar", tmp_path / "vstar", tmp_path / "set", 3)
    questions = [row.question for row in load_split(tmp_path / "set", "test")]
    assert len(questions) == 3 and questions == sorted(set(questions))


def test_vstar_lines_that_are_not_json_are_all_named(tmp_path: Path) -> None:
    folder = tmp_path / "vstar"
    layouts.vstar(folder)
    file = folder / "test_questions.jsonl"
    first = file.read_text().split("\n")[0]
    file.write_text("\n".join([first, "{broken", "", json.dumps(["a", "list"])]))
    message = refused("vstar", folder, tmp_path / "set")
    assert "2 problem(s)" in message
    assert "test_questions.jsonl:2: not JSON" in message
    assert "test_questions.jsonl:4: expected an object" in message
    file.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read as text in UTF-8" in refused("vstar", folder, tmp_path / "set")


@pytest.mark.parametrize("task", ["mmvp", "vstar"])
def test_they_are_test_sets_only(task: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"{task} has no train split.*--train 0"):
        build_task(task, tmp_path, tmp_path / "set", {"train": 4, "test": 4})
    with pytest.raises(DataError, match="no embedded pictures"):
        build_task(task, "pool", tmp_path / "set", {"test": 4})
