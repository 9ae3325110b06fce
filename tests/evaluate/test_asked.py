"""What was asked has a hash: of the question and of what its pictures hold, wherever they lie."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests import tiny

import livr
from livr.data.example import Example
from livr.data.store import write_dataset
from livr.errors import DataError
from livr.evaluate.asked import hashes
from livr.evaluate.score import read_predictions, write_predictions
from livr.model.model import Model


def asked(image: object, **other: object) -> str:
    given = {"question": "Which?", "choices": ("one", "two"), "answer": "A"} | other
    return hashes([Example(id="1", images=(image,), **given)])[0]


def test_equal_names_are_not_equal_pictures(tmp_path: Path) -> None:
    for folder, seed in (("a", 0), ("copy", 0), ("b", 1)):
        (tmp_path / folder).mkdir()
        tiny.picture(seed).save(tmp_path / folder / "1.png")
    first = asked(tmp_path / "a/1.png")
    assert asked(tmp_path / "copy/1.png") == first
    assert asked(tmp_path / "b/1.png") != first
    others = ({"question": "Why?"}, {"choices": ("two", "one")}, {"answer": "B"}, {"board": ("S",)})
    assert len({first, *(asked(tmp_path / "a/1.png", **other) for other in others)}) == 5
    assert asked(tiny.picture(0)) == asked(tiny.picture(0)) != asked(tiny.picture(1))


def test_a_picture_that_went_away_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the picture .*gone\.png cannot be read"):
        asked(tmp_path / "gone.png")


def test_answers_remember_what_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        Example(id=str(i), images=(tiny.picture(i),), question="Which?", answer="one")
        for i in range(2)
    ]
    write_dataset(tmp_path / "data", {"test": rows})
    monkeypatch.setattr(Model, "generate", lambda self, asked, *_, **__: ["one"] * len(asked))
    found = livr.evaluate(livr.load("mini"), tmp_path / "data").predictions
    assert len({row.asked for row in found} - {""}) == 2
    write_predictions(tmp_path / "answers.jsonl", found)
    assert tuple(read_predictions(tmp_path / "answers.jsonl")) == found
    # Answers of before know nothing, and can be read.
    older = [{k: v for k, v in json.loads(line).items() if k != "asked"}
             for line in (tmp_path / "answers.jsonl").read_text().splitlines()]  # fmt: skip
    (tmp_path / "older.jsonl").write_text("".join(json.dumps(row) + "\n" for row in older))
    assert [row.asked for row in read_predictions(tmp_path / "older.jsonl")] == ["", ""]
