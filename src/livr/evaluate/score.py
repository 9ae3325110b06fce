"""Judged answers, their file, and the score of a set of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from livr.data.example import Example
from livr.errors import DataError, Problem
from livr.evaluate.answers import extract, is_correct
from livr.evaluate.clustered import clusters, share_interval
from livr.evaluate.shared import Sources, how_many, numbered
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
        score_group: The questions it counts with, see `Example`; left out of the file if None.
        task: The question's task, where a data set has several; left out of the file if None.
        sources: What it shares with other questions, see `livr.evaluate.shared`; left out of the
            file if empty.
        asked: Hash of the question and its pictures, see `livr.evaluate.asked`; empty in files
            from before there was one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    prediction: str | None
    answer: str
    correct: bool
    text: str
    score_group: str | None = None
    task: str | None = None
    sources: tuple[str, ...] = ()
    asked: str = ""


@dataclass(frozen=True)
class GroupScore:
    """The score of questions that count only together, as MMVP's pairs.

    Attributes:
        n: Number of groups.
        accuracy: Share of groups with every question right.
        ci95: Wilson's 95 % interval of it, with groups as the unit.
        size: Questions per group; 0 if groups differ.
    """

    n: int
    accuracy: float
    ci95: tuple[float, float]
    size: int

    @property
    def label(self) -> str:
        """What a group is called in print."""
        return "pairs" if self.size == 2 else "groups"


@dataclass(frozen=True)
class SourceScore:
    """What an accuracy says of other sources than those that its questions share.

    Attributes:
        n: Number of different sources, see `livr.evaluate.shared`.
        ci95: Wilson's 95 % interval for as many independent questions as the questions are worth
            (ours), see `livr.evaluate.clustered.design_effect`.
    """

    n: int
    ci95: tuple[float, float]


@dataclass(frozen=True)
class Score:
    """The score of a set of answers.

    Attributes:
        n: Number of questions.
        correct: Right answers.
        accuracy: Their share. An answer that cannot be read is wrong.
        ci95: Wilson's 95 % interval of the accuracy.
        unparsed: Share of texts from which no answer could be read.
        groups: The score of questions that count together, if there are any.
        by_source: The interval for other sources, if questions share some and not all share one.
    """

    n: int
    correct: int
    accuracy: float
    ci95: tuple[float, float]
    unparsed: float
    groups: GroupScore | None = None
    by_source: SourceScore | None = None

    def fields(self) -> dict[str, Any]:
        """As JSON; `groups` and `by_source` only where there are any."""
        found = {
            "n": self.n,
            "accuracy": self.accuracy,
            "ci95": list(self.ci95),
            "unparsed": self.unparsed,
        }
        more = {"groups": self.groups, "by_source": self.by_source}
        return found | {name: asdict(part) for name, part in more.items() if part is not None}


def judge(example: Example, text: str) -> Prediction:
    """Read the answer from a generated text and compare it with the right one."""
    found = extract(text, example)
    return Prediction(
        id=example.id,
        prediction=found,
        answer=example.answer,
        correct=is_correct(found, example),
        text=text,
        score_group=example.score_group,
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
        groups=score_groups(
            [row.score_group for row in predictions], [[row.correct for row in predictions]]
        ),
        by_source=_by_source(predictions),
    )


def sources_of(predictions: Sequence[Prediction]) -> Sources:
    """What each question shares with others; empty if none does."""
    sources = numbered([row.sources or (row.id,) for row in predictions])
    return sources if how_many(sources) < sum(map(len, sources)) else ()


def _by_source(predictions: Sequence[Prediction]) -> SourceScore | None:
    sources = sources_of(predictions)
    if clusters(sources) is None:
        return None
    right = [row.correct for row in predictions]
    interval = share_interval(right, sources)
    return SourceScore(how_many(sources), (interval.low, interval.high))


def score_groups(
    group_of: Sequence[str | int | None], runs: Sequence[Sequence[bool]]
) -> GroupScore | None:
    """Score questions by group, as a mean over runs that answered the same questions.

    Args:
        group_of: The group of each question, or None.
        runs: Right or wrong per question, for each run.

    Returns:
        None if no question has a group.

    >>> score_groups(["a", "a", "b", "b"], [[True, True, True, False]]).accuracy
    0.5
    """
    members: dict[str | int, list[int]] = defaultdict(list)
    for index, group in enumerate(group_of):
        if group is not None:
            members[group].append(index)
    if not members:
        return None
    n = len(members)
    right = sum(all(run[i] for i in rows) for run in runs for rows in members.values()) / len(runs)
    interval = wilson(right, n)
    sizes = {len(rows) for rows in members.values()}
    size = sizes.pop() if len(sizes) == 1 else 0
    return GroupScore(n, right / n, (interval.low, interval.high), size)


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
    write_whole(
        path, "".join(row.model_dump_json(exclude_defaults=True) + "\n" for row in predictions)
    )


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
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"cannot read the predictions {path}: {reason}; evaluate the run again with livr eval, "
            "or copy it again"
        ) from error
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
