"""What is no example is said in words."""

from __future__ import annotations

from pathlib import Path

import pytest

import livr
from livr.errors import DataError

GIVEN = {"id": "1", "images": ["a.png"], "question": "Which?", "choices": ["a", "b"]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": "a.png"}, r"images: 'a.png' is no list; give images=\['a.png'\]"),
        ({"images": Path("a.png")}, r"images: PosixPath.* give images=\[PosixPath\('a.png'\)\]"),
        ({"images": [3]}, r"images: Input should be .*, not 3"),
        ({"choices": "yes"}, r"choices: 'yes' is no list"),
        ({"choices": ["yes"]}, r"choices: 1 given; expected 2 to 26, or None if open-ended"),
        ({"choices": list(map(str, range(27)))}, r"choices: 27 given; expected 2 to 26"),
        ({"choice": ["a"]}, r"choice: no such field; known here: id, task, images, question"),
        ({"id": 1, "question": None}, r"id: .* valid string, not 1\n  question: .*, not None"),
    ],
)
def test_every_wrong_field_is_named(change: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=f"no Example can be made of this:\\n  {words}"):
        livr.Example(**GIVEN | change)


def test_a_field_that_is_missing() -> None:
    with pytest.raises(DataError, match=r"\n  id: missing\n  images: missing"):
        livr.Example(question="Which?")


def test_as_many_choices_as_there_are_letters() -> None:
    assert len(livr.Example(**GIVEN | {"choices": list(map(str, range(26)))}).choices or ()) == 26
    assert livr.Example(**GIVEN | {"choices": None}).choices is None
