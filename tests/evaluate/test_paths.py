"""Moves in generated texts: read where they are plain, and scored by walking the board."""

from __future__ import annotations

import pytest

from livr.data.example import Example
from livr.evaluate.paths import read_moves
from livr.evaluate.score import judge, score

BOARD = ("SFF", "HFF", "GFH")
QUESTION = Example(
    id="1", task="anything", images=(), question="Path?", answer="R,D,D,L", board=BOARD
)
READ = [
    ("R,D,D,L", "R,D,D,L"),
    ("r d d l", "R,D,D,L"),
    ("RDDL", "R,D,D,L"),
    ("Right, down, down, left.", "R,D,D,L"),
    ("right -> down -> down -> left", "R,D,D,L"),
    ("1. Right\n2. Down\n3. Down\n4. Left", "R,D,D,L"),
    ("right, then down and down, then left", "R,D,D,L"),
    ("The answer is: R, D, D, L", "R,D,D,L"),
    ("Down is a hole. The answer is R,D,D,L", "R,D,D,L"),
    ("R,D or R,R", None),
    ("Down is a hole, so R,D,D,L", None),
    ("The lake looks dull and I would lull about", None),
    ("7", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "moves"), READ)
def test_moves_are_read(text: str, moves: str | None) -> None:
    assert read_moves(text) == moves


@pytest.mark.parametrize(
    ("text", "correct"),
    [
        ("R,D,D,L", True),
        ("right right down left down left", True),  # another safe path
        ("D,D", False),
        ("U", False),
        ("R,D", False),
        ("R,R,D,D", False),
    ],
)
def test_every_safe_path_is_right(text: str, correct: bool) -> None:
    row = judge(QUESTION, text)
    assert row.correct is correct
    assert row.prediction is not None
    plain = QUESTION.model_copy(update={"board": None})
    assert judge(plain, "right right down left down left").correct is False


def test_garbage_counts_as_unreadable() -> None:
    result = score([judge(QUESTION, text) for text in ("R,D,D,L", "no idea")])
    assert (result.accuracy, result.unparsed) == (0.5, 0.5)
