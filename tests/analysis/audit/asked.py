"""Questions for the tests of an audit's parts."""

from __future__ import annotations

from tests import tiny

from livr.data.example import Example


def question(i: int, answer: str, text: str = "How many?", images: int = 1) -> Example:
    pictures = tuple(tiny.picture(10 * i + j) for j in range(images))
    return Example(id=str(i), task="t", images=pictures, question=text, answer=answer)


def about_photographs(number: int, questions: int) -> list[Example]:
    """Questions about photographs, one after the other."""
    return [
        Example(id=f"{p}-{q}", images=(), question="?", answer="x", sources=(f"photograph {p}",))
        for p in range(number)
        for q in range(questions)
    ]
