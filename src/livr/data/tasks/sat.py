"""SAT: spatial aptitude questions, two or more choices. Public data set only.

Construction (METHOD.md section 4; the paper trains on 32,000 questions and tests on the official
val part, so test is val here, see the source); the choices are the row's answers in random order,
so that all letters are equally frequent.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from livr.data.example import LETTERS
from livr.data.pictures import to_rgb
from livr.data.sources import sat
from livr.data.tasks.base import Built, Request, Task, place


@dataclass(frozen=True)
class SatConfig:
    """Limits of the task.

    Attributes:
        max_choices: Rows with more answers are left out.
    """

    max_choices: int = 8


def build(request: Request, config: SatConfig) -> Iterator[Built]:
    """Yields one question per row, letters in turn for every number of choices."""
    decks: dict[int, list[str]] = defaultdict(list)
    made = 0
    for row in sat.read_rows(request.folder, request.split, request.rng):
        if made == request.count:
            return
        others = [answer for answer in row.answers if answer != row.correct]
        size = len(others) + 1
        if row.correct not in row.answers or not 2 <= size <= config.max_choices:
            request.drops["the right answer is not among two or more answers"] += 1
            continue
        try:
            images = tuple(to_rgb(Image.open(io.BytesIO(data))) for data in row.pictures)
        except (UnidentifiedImageError, OSError):
            images = ()
        if not images:
            request.drops["image missing or unreadable"] += 1
            continue
        if not decks[size]:
            decks[size] = request.rng.sample(LETTERS[:size], size)
        answer = decks[size].pop()
        request.rng.shuffle(others)
        made += 1
        yield Built(
            images=images,
            question=row.question,
            choices=tuple(place(row.correct, others, answer)),
            answer=answer,
            groups=row.keys,
        )


TASK = Task(
    name="sat",
    section="4.2 (further benchmarks)",
    source=sat.INFO,
    chance=1 / 2,
    answer_form="letter",
    paper=SatConfig(),
    pool=SatConfig(),
    build=build,
)
