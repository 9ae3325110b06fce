"""Judged answers, their file, and the score of a set of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from livr.data.example import Example
from livr.errors import DataError, Problem
from livr.evaluate.answers import extract, is_correct
from livr.evaluate.stats import wilson
from livr.files import write_whole


class Prediction(BaseModel):
    """One judged answer; a row of `predictions-<split>.jsonl`.

    Attributes:
        id: The question's id.
        prediction: The answer read from the text, or None if it gives none.
        answer: The right answer.
        correct: Whether the two agree.
        text: What the model wrote.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    prediction: str | None
    answer: str
    correct: bool
    text: str


@dataclass(frozen=True)
class Score:
    """The score of a set of answers.

    Attributes:
        n: Number of questions.
        correct: Right answers.
        accuracy: Their share. An answer that cannot be read is wrong.
        ci95: Wilson's 95 % interval of the accuracy.
        unparsed: Share of texts from which no answer could be read.
    """

    n: int
    correct: int
    accuracy: float
    ci95: tuple[float, float]
    unparsed: float


def judge(example: Example, text: str) -> Prediction:
    """Read the answer from a generated text and compare it with the right one."""
    found = extract(text, example)
    return Prediction(
        id=example.id,
        prediction=found,
        answer=example.answer,
        correct=is_correct(found, example),
        text=text,
    )


def score(predictions: Sequence[Prediction]) -> Score:
    """Accuracy with its interval, and the share of unreadable texts.

    Raises:
        ValueError: There are no predictions.
    """
    n = len(predictions)
    correct = sum(row.correct for row in predictions)
    interval = wilson(correct, n)
    return Score(
        n=n,
        correct=correct,
        accuracy=correct / n,
        ci95=(interval.low, interval.high),
        unparsed=sum(row.prediction is None for row in predictions) / n,
    )


def score_by_task(
    examples: Sequence[Example], predictions: Sequence[Prediction]
) -> dict[str, Score]:
    """One score per task (BLINK: per subset), by name; none if there is only one."""
    rows: dict[str, list[Prediction]] = {}
    for example, row in zip(examples, predictions, strict=True):
        rows.setdefault(example.task, []).append(row)
    return {name: score(rows[name]) for name in sorted(rows)} if len(rows) > 1 else {}


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """Write one JSON object a line. The file appears when it is complete."""
    write_whole(path, "".join(row.model_dump_json() + "\n" for row in predictions))


def read_predictions(path: Path) -> list[Prediction]:
    """Read what `write_predictions` wrote.

    Raises:
        DataError: The file is missing or empty, or a row is not a prediction; all such rows
            are named.
    """
    try:
        # Not splitlines: a model may write line separators that JSON leaves as they are.
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the predictions {path}: {error}") from error
    if lines == [""]:
        raise DataError(f"{path} holds no predictions")
    rows, problems = [], []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(Prediction.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or "row"
            problems.append(Problem(path.name, number, f"{name}: {first['msg']}"))
    if problems:
        raise DataError(f"{path} is not a file of predictions", problems)
    return rows
