from __future__ import annotations

from pathlib import Path

import pytest

from livr.data.example import Example
from livr.errors import DataError
from livr.evaluate.score import (
    Prediction,
    judge,
    read_predictions,
    score,
    score_by_task,
    score_groups,
    write_predictions,
)
from livr.evaluate.stats import wilson

QUESTION = Example(id="q1", images=(), question="?", choices=("cat", "dog"), answer="B")


def test_a_text_is_judged() -> None:
    right, wrong, unread = (judge(QUESTION, text) for text in ("B", "A", "perhaps"))
    assert (right.prediction, right.correct) == ("B", True)
    assert (wrong.prediction, wrong.correct) == ("A", False)
    assert (unread.prediction, unread.correct, unread.text) == (None, False, "perhaps")


def test_the_score_counts_unread_texts_as_wrong() -> None:
    result = score([judge(QUESTION, text) for text in ("B", "B", "A", "perhaps")])
    assert (result.n, result.correct, result.accuracy, result.unparsed) == (4, 2, 0.5, 0.25)
    assert result.ci95[0] < 0.5 < result.ci95[1]


def test_each_task_has_its_score() -> None:
    rows = [QUESTION.model_copy(update={"task": name}) for name in ("b", "a", "b", "a")]
    judged = [judge(row, text) for row, text in zip(rows, ("B", "A", "B", "eh"), strict=True)]
    parts = score_by_task(rows, judged)
    assert list(parts) == ["a", "b"]
    assert (parts["a"].accuracy, parts["a"].n, parts["a"].unparsed) == (0.0, 2, 0.5)
    assert parts["b"].accuracy == 1.0
    assert score_by_task(rows[::2], judged[::2]) == {}


def test_a_group_is_right_if_all_of_it_is() -> None:
    names = ("one", "one", "two", "two", "three", "three", None)
    rows = [QUESTION.model_copy(update={"score_group": name}) for name in names]
    judged = [judge(r, text) for r, text in zip(rows, "BBBAAAB", strict=True)]
    result = score(judged)
    assert (result.n, result.correct) == (7, 4)
    assert result.groups is not None
    assert (result.groups.n, result.groups.accuracy) == (3, 1 / 3)
    assert (result.groups.size, result.groups.label) == (2, "pairs")
    expected = wilson(1, 3)
    assert result.groups.ci95 == (expected.low, expected.high)
    assert result.fields()["groups"]["n"] == 3
    assert "groups" not in score(judged[-1:]).fields()


def test_groups_over_several_runs_and_of_several_sizes() -> None:
    found = score_groups([0, 0, 0, None, 1], [[True] * 5, [True, False, True, True, True]])
    assert found is not None
    assert (found.n, found.accuracy, found.size, found.label) == (2, 0.75, 0, "groups")
    assert score_groups([None, None], [[True, True]]) is None
    assert score_groups([], [[True]]) is None


def test_a_file_names_groups_where_there_are_some(tmp_path: Path) -> None:
    rows = [judge(QUESTION, "B"), judge(QUESTION.model_copy(update={"score_group": "p"}), "A")]
    write_predictions(path := tmp_path / "p.jsonl", rows)
    assert ["score_group" in line for line in path.read_text().splitlines()] == [False, True]
    assert read_predictions(path) == rows


def test_no_predictions_have_no_score() -> None:
    with pytest.raises(ValueError):
        score([])


def test_predictions_survive_the_file(tmp_path: Path) -> None:
    rows = [judge(QUESTION, text) for text in ("B", "Ü\n“A”\u2028B", "")]
    write_predictions(tmp_path / "predictions-test.jsonl", rows)
    assert read_predictions(tmp_path / "predictions-test.jsonl") == rows
    assert [path.name for path in tmp_path.iterdir()] == ["predictions-test.jsonl"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "predictions-test.jsonl"
    write_predictions(path, [judge(QUESTION, "B")])

    def broken() -> object:
        yield judge(QUESTION, "A")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_predictions(path, broken())  # type: ignore[arg-type]
    assert [row.prediction for row in read_predictions(path)] == ["B"]


def test_every_broken_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    good = Prediction(id="1", prediction="B", answer="B", correct=True, text="B")
    path.write_text(f'{good.model_dump_json()}\nnot json\n{{"id": "2"}}\n', encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_predictions(path)
    assert [problem.row for problem in caught.value.problems] == [2, 3]


@pytest.mark.parametrize("content", [None, ""])
def test_missing_and_empty_files(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "p.jsonl"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"p\.jsonl"):
        read_predictions(path)
