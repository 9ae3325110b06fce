"""RoboSpatial-Home: yes-or-no questions about the space in a picture. A test set, public only.

Construction (METHOD.md section 4: a test of models trained on SAT-32k). The pointing questions
(context, 122: name points in an area, right inside a mask) are left out: METHOD does not say which
parts the paper's numbers cover, but 54.4, 62.3 and 66.7 are 124, 142 and 152 of the 228 yes-or-no
questions, and 54.4 and 66.7 are no number of all 350; so the paper's table does not need them. Yes
and no are given as choices, in either order equally often, as SAT gives its answers (ours); the
question's own words stay as they are.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from livr.data.pictures import to_rgb
from livr.data.sources import robospatial
from livr.data.tasks.base import Built, Request, Task, letters, place


@dataclass(frozen=True)
class RoboSpatialConfig:
    """Nothing to set."""


def build(request: Request, config: RoboSpatialConfig) -> Iterator[Built]:
    """Yields one question per row."""
    rows = robospatial.read_rows(request.folder, request.rng, request.drops)[: request.count]
    for row, answer in zip(rows, letters(2, len(rows), request.rng), strict=True):
        try:
            image = to_rgb(Image.open(io.BytesIO(row.picture)))
        except (UnidentifiedImageError, OSError):
            request.drops["image unreadable"] += 1
            continue
        others = [text for text in robospatial.ANSWERS if text != row.answer]
        choices = tuple(place(row.answer, others, answer))
        yield Built((image,), row.question, choices, answer, groups=(row.key,))


TASK = Task(
    name="robospatial",
    section="4.2 (further benchmarks)",
    source=robospatial.INFO,
    chance=1 / 2,
    answer_form="letter",
    paper=RoboSpatialConfig(),
    pool=RoboSpatialConfig(),
    build=build,
    splits=("test",),
)
