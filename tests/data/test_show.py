"""A contact sheet shows the whole question, its choices and the answer."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import ImageFont

from livr.data.example import Example
from livr.data.show import ANSWER, MOST_LINES, TEXT, _text, contact_sheet
from tests import tiny

CHOICES = ("Point A", "Point B", "Point C", "the very last point")
WIDTH = 450


def asked(words: int, **other: Any) -> Example:
    question = " ".join(f"word{i}" for i in range(words))
    given = {"id": "1", "task": "t", "question": question, "choices": CHOICES, "answer": "D"}
    return Example(images=(tiny.picture(1, (64, 48)),), **{**given, **other})


def said(example: Example) -> list[str]:
    return [text for text, _ in _text(example, WIDTH)]


@pytest.mark.parametrize("words", [1, 30, 60])
def test_the_last_choice_and_the_answer_are_there(words: int) -> None:
    lines = said(asked(words))
    assert lines[-1] == "answer: D"
    whole = " ".join(lines[:-1])
    assert "…" not in whole and whole.endswith("(D) the very last point")
    assert f"word{words - 1}" in whole


def test_a_question_without_end_is_cut_with_a_sign_and_keeps_its_choices() -> None:
    lines = said(asked(1000))
    assert len(lines) == MOST_LINES + 1 and lines.count("…") == 1
    assert lines[0].startswith("t: word0 ")
    assert " ".join(lines[:-1]).endswith("(D) the very last point")
    assert said(asked(1, choices=None, answer="yes " * 1000))[-1] == "…"


@pytest.mark.parametrize("text", ["x" * 300, "short " + "y" * 300, "漢" * 300])
def test_no_line_is_wider_than_its_place(text: str) -> None:
    example = asked(1, question=text, choices=None, answer=text)
    for line, (size, _, _) in _text(example, WIDTH):
        assert ImageFont.load_default(size=size).getlength(line) <= WIDTH
    assert "".join(said(example)).replace(" ", "").count(text[-1]) >= 600


def test_a_row_is_as_high_as_its_longest_text() -> None:
    one = contact_sheet([asked(1)])
    for words in (60, 120):
        lines = _text(asked(words), WIDTH)
        added = sum(how[1] for _, how in lines) - sum(how[1] for _, how in _text(asked(1), WIDTH))
        assert contact_sheet([asked(words), asked(1)]).height == one.height + added
    assert {TEXT, ANSWER} == {how for _, how in lines}


def test_columns() -> None:
    four = [asked(1)] * 4
    assert contact_sheet(four, 2).width * 2 == contact_sheet(four, 4).width
    assert contact_sheet(four, 2).height > contact_sheet(four, 4).height
