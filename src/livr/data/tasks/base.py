"""What every task is made of: a frozen description and a builder from source files."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, TypeVar

from PIL import Image

from livr.data.example import LETTERS
from livr.data.prompts import CHOICES, TEMPLATES
from livr.data.sources.folder import SourceInfo
from livr.errors import ConfigError

Config = TypeVar("Config")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Built:
    """One question before it has an id.

    Attributes:
        images: Pictures to store, or paths to copy unchanged.
        question: Text without the choices.
        choices: Texts of the choices, or None.
        answer: Letter or text.
        groups: Source images (sequences, scenes) this question shows. A group must not occur
            in two splits.
        features: For shortcut tests: name -> one number per choice. Only what a predictor
            could use without understanding the question belongs here.
        helper_images: Pictures of the way to the answer, or none.
        board: Map of a path question, or None.
        score_group: Name of the questions that are right only together, or None.
    """

    images: tuple[Image.Image | Path, ...]
    question: str
    choices: tuple[str, ...] | None
    answer: str
    groups: tuple[str, ...]
    features: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    helper_images: tuple[Image.Image | Path, ...] = ()
    board: tuple[str, ...] | None = None
    score_group: str | None = None


@dataclass
class Request:
    """What a builder is asked for.

    Attributes:
        folder: The source data in its original layout.
        split: train, val or test.
        count: Number of questions wanted; fewer may come if the source is exhausted.
        seed: Seed of the whole data set.
        task: Name of the task.
        rng: Random numbers of this task and split.
        drops: Receives reason -> number of source records left out.
        template: Wording of the question; None for our own.
    """

    folder: Path
    split: str
    count: int
    seed: int
    task: str
    rng: random.Random
    drops: Counter[str] = field(default_factory=Counter)
    template: str | None = None

    def question(self, **fields: str) -> str:
        """Returns the task's question with its fields filled in.

        Raises:
            ConfigError: The template has a field this task does not know.
        """
        template = self.template or TEMPLATES[self.task]
        try:
            return template.format(**fields)
        except (KeyError, IndexError, ValueError) as error:
            known = ", ".join(fields) or "no field"
            raise ConfigError(
                f"the wording {template!r} does not fit {self.task}, which fills {known}: {error}"
            ) from error


@dataclass(frozen=True)
class Task(Generic[Config]):
    """One task of METHOD.md section 3.

    Attributes:
        name: Name on the command line and in rows.
        section: Where the paper describes it.
        source: The public data set with its licence.
        chance: Accuracy of guessing, 0 to 1.
        answer_form: letter, number, text or path.
        paper: Sizes and thresholds for the public data set.
        pool: The same for the embedded images: smaller pictures, the same construction.
        build: Makes the questions of one split.
        cues: Features that belong to the construction itself. Their predictors are reported,
            but not held to chance.
        majority: Share of the most frequent answer by construction; None if all are alike.
        generated: The questions are made by program and need no source.
        splits: The splits it has; a benchmark may have test alone.
    """

    name: str
    section: str
    source: SourceInfo
    chance: float
    answer_form: Literal["letter", "number", "text", "path"]
    paper: Config
    pool: Config
    build: Callable[[Request, Config], Iterator[Built]]
    cues: tuple[str, ...] = ()
    majority: float | None = None
    generated: bool = False
    splits: tuple[str, ...] = ("train", "val", "test")


def balanced(values: Sequence[Value], count: int, rng: random.Random) -> list[Value]:
    """Returns `count` values in random order, each value as often as the others (±1)."""
    full, rest = divmod(count, len(values))
    result = [*list(values) * full, *rng.sample(list(values), rest)]
    rng.shuffle(result)
    return result


def letters(number: int, count: int, rng: random.Random) -> list[str]:
    """Returns `count` answer letters out of the first `number`, uniform."""
    return balanced(LETTERS[:number], count, rng)


def place(true: Value, others: Sequence[Value], answer: str) -> list[Value]:
    """Returns the choices with `true` at the place of the letter `answer`."""
    result = list(others)
    result.insert(LETTERS.index(answer), true)
    return result


def readable(path: Path) -> bool:
    """True if the file is a picture, as far as its header says."""
    try:
        with Image.open(path) as opened:
            opened.verify()
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def choices_of(task: str) -> tuple[str, ...]:
    """Returns the task's fixed choice texts."""
    return CHOICES[task]


class Quota:
    """Keeps sign patterns of nuisance features equally frequent.

    If the right choice were brighter, larger or more central than the wrong one in most
    questions, a model could answer without understanding. A builder offers candidates with
    their pattern of signs; a pattern that is ahead of the rarest one is refused. If a source is
    too small for that, the builder relaxes the quota; the shortcut figures show what it cost.
    Ours.
    """

    def __init__(self, count: int, signs: int, slack: int | None = None) -> None:
        patterns = 2**signs
        self.slack: int = max(1, count // (25 * patterns)) if slack is None else slack
        self.relaxed = False
        self._used: dict[tuple[bool, ...], int] = dict.fromkeys(
            itertools.product((False, True), repeat=signs), 0
        )

    def open(self, pattern: tuple[bool, ...]) -> bool:
        """True if a question with this pattern is still wanted."""
        return self.relaxed or self._used[pattern] < min(self._used.values()) + self.slack

    def take(self, pattern: tuple[bool, ...]) -> None:
        """Counts a question with this pattern."""
        self._used[pattern] += 1
