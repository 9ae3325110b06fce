"""Sample questions for a report, chosen by a rule that knows nothing of their content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from PIL import Image

from livr.analysis.runs import SPLIT, Run
from livr.data.example import IMAGE_PLACEHOLDER, LETTERS, Example, ImageInput
from livr.data.pictures import jpeg_uri, open_rgb
from livr.data.store import load_split
from livr.evaluate.asked import hashes
from livr.evaluate.score import Prediction

RULE = (
    "Every test question falls into one of four groups. From each group the page shows the first "
    "questions in the order of the test file, which was fixed before training."
)
GROUPS = (
    ("only {b} right", False, True),
    ("only {a} right", True, False),
    ("both right", True, True),
    ("both wrong", False, False),
)
MAX_SIDE = 288


@dataclass(frozen=True)
class Sample:
    """One question with the answers of two methods.

    Attributes:
        example: The question.
        images: Its images as data URIs.
        gold: The right answer in words.
        answers: What each method answered in words, and whether that is right.
    """

    example: Example
    images: tuple[str, ...]
    gold: str
    answers: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Group:
    """Test questions with the same outcome.

    Attributes:
        title: The outcome, with `{a}` and `{b}` for the two methods.
        count: How many questions it holds.
        samples: The first of them.
    """

    title: str
    count: int
    samples: tuple[Sample, ...]


def choose(a: Run, b: Run, per_group: int = 3) -> list[Group]:
    """Group the test questions of two runs by outcome and take the first of each group.

    Args:
        a: A run.
        b: Another run on the same questions. The data set folder of one of the two must still be
            there; else nothing is shown.
        per_group: Samples per group.

    Raises:
        DataError: The data set cannot be read.
    """
    data = a.data or b.data
    if data is None:
        return []
    examples = {example.id: example for example in load_split(data, SPLIT)}
    pairs = list(zip(a.predictions, b.predictions, strict=True))
    groups = []
    for title, right_a, right_b in GROUPS:
        same = [(x, y) for x, y in pairs if (x.correct, y.correct) == (right_a, right_b)]
        known = ((x, y) for x, y in same if x.id in examples and _is(examples[x.id], x))
        shown = [_sample(examples[x.id], x, y) for x, y in islice(known, per_group)]
        groups.append(Group(title, len(same), tuple(shown)))
    return groups


def _is(example: Example, asked: Prediction) -> bool:
    """Whether it is what was asked. The folder may hold other questions or pictures now."""
    if example.answer != asked.answer:
        return False
    return not asked.asked or hashes([example]) == [asked.asked]


def _sample(example: Example, *predictions: Prediction) -> Sample:
    question = example.question.replace(IMAGE_PLACEHOLDER, "").strip()
    return Sample(
        example=example.model_copy(update={"question": question}),
        images=tuple(data_uri(image) for image in example.images),
        gold=in_words(example.answer, example.choices),
        answers=tuple((_said(row, example.choices), row.correct) for row in predictions),
    )


def _said(row: Prediction, choices: Sequence[str] | None) -> str:
    if row.prediction is None:
        return f"no answer in “{row.text[:60]}”" if row.text.strip() else "nothing"
    return in_words(row.prediction, choices)


def in_words(answer: str, choices: Sequence[str] | None) -> str:
    """An answer with the text of its choice.

    >>> in_words("B", ["cat", "dog"]), in_words("7", None)
    ('(B) dog', '7')
    """
    if choices is None or answer not in LETTERS[: len(choices)]:
        return answer
    return f"({answer}) {choices[LETTERS.index(answer)]}"


def data_uri(source: ImageInput) -> str:
    """An image as the model sees it as a data URI: at most `MAX_SIDE` pixels a side, JPEG.

    Raises:
        DataError: It cannot be used; names the file.
    """
    image = open_rgb(source)
    image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return jpeg_uri(image)
