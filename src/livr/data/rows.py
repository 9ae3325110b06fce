"""One line of a data set file: its schema, and what can be wrong with what it says."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from livr.data.example import IMAGE_PLACEHOLDER, LETTERS, Example
from livr.data.lake import board_problem

ADDITIVE = ("helper_images", "board", "score_group", "sources")


class Row(BaseModel):
    """One question as stored. Image paths are relative to the data set folder.

    The keys in ADDITIVE are written only where they say something.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: str
    task: str = "custom"
    images: list[str]
    question: str
    choices: list[str] | None = None
    answer: str
    helper_images: list[str] = []
    board: list[str] | None = None
    score_group: str | None = None
    sources: list[str] = []

    def to_example(self, folder: Path) -> Example:
        """Returns the example with absolute image paths."""
        return Example(
            id=self.id,
            task=self.task,
            images=tuple(folder / image for image in self.images),
            question=self.question,
            choices=None if self.choices is None else tuple(self.choices),
            answer=self.answer,
            helper_images=tuple(folder / image for image in self.helper_images),
            board=None if self.board is None else tuple(self.board),
            score_group=self.score_group,
            sources=tuple(self.sources),
        )


def dump_row(row: Row) -> str:
    """Returns the row as one JSON line with a fixed key order, without line end."""
    values = row.model_dump()
    kept = {key: value for key, value in values.items() if value or key not in ADDITIVE}
    return json.dumps(kept, ensure_ascii=False)


def is_unicode(text: str) -> bool:
    """Whether it can be written. JSON can name half of a character, a lone surrogate: \\ud800."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shortened(text: str) -> str:
    """Returns a value as messages show it: a picture in base64 would fill the screen."""
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= 120 else f"{text[:60]}... ({len(text):,} letters)"


def content_problems(row: Row) -> list[str]:
    """Returns what is wrong with a well-formed row, images aside."""
    found = _lone_surrogates(row)
    if not row.id.strip():
        found.append("the id is empty")
    if not row.question.replace(IMAGE_PLACEHOLDER, "").strip():
        found.append("the question is empty")
    if not row.answer.strip():
        found.append("the answer is empty")
    elif row.choices is not None:
        found.extend(_choice_problems(row.choices, row.answer))
    if row.board is not None and (problem := board_problem(tuple(row.board))):
        found.append(problem)
    if row.score_group is not None and not row.score_group.strip():
        found.append("the score_group is empty; name it, or leave the key out")
    if not all(name.strip() for name in row.sources):
        found.append("one of the sources is empty; name it, or leave it out")
    if not row.images:
        found.append("the row has no image")
    marks = row.question.count(IMAGE_PLACEHOLDER)
    if marks not in (0, len(row.images)):
        found.append(
            f"the question has {marks} {IMAGE_PLACEHOLDER} marks but the row has "
            f"{len(row.images)} images; use one mark per image, or none"
        )
    return found


def _lone_surrogates(row: Row) -> list[str]:
    """Text that no file and no tokenizer takes; image paths have a message of their own."""
    found = []
    for key, value in row.model_dump(exclude={"images", "helper_images"}).items():
        text = value if isinstance(value, str) else "".join(value or ())
        if not is_unicode(text):
            shown = shortened(text)
            found.append(f'"{key}" holds a lone surrogate, half of a character: {shown}; mend it')
    return found


def _choice_problems(choices: list[str], answer: str) -> list[str]:
    if not 2 <= len(choices) <= len(LETTERS):
        return [f"{len(choices)} choices; expected 2 to {len(LETTERS)}, or null if open-ended"]
    found = [f"choice {LETTERS[i]} is empty" for i, text in enumerate(choices) if not text.strip()]
    repeated = sorted({text for text in choices if choices.count(text) > 1})
    if repeated:
        found.append(f"the same choice twice: {', '.join(map(repr, repeated))}")
    letters = LETTERS[: len(choices)]
    if answer not in letters or len(answer) != 1:
        hint = ""
        if answer in choices:
            hint = f'; write "{LETTERS[choices.index(answer)]}" for that choice'
        found.append(
            f"the answer {answer!r} is not among the choices; expected a letter "
            f"{letters[0]} to {letters[-1]}{hint}"
        )
    return found
