"""Visual similarity: which of two pictures is more like the reference? Two choices.

Construction (METHOD.md section 3, paper appendix A): NIGHTS triplets, decided by human votes,
at least 6 of them; the official splits stay apart. Ours: the order of the two is drawn again
so that both letters are equally frequent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from livr.data.pictures import to_rgb
from livr.data.sources import nights
from livr.data.tasks.base import Built, Request, Task, choices_of, letters, place


@dataclass(frozen=True)
class SimilarityConfig:
    """Thresholds of the task.

    Attributes:
        min_votes: Fewest human votes on a triplet.
    """

    min_votes: int = 6


def build(request: Request, config: SimilarityConfig) -> Iterator[Built]:
    """Yields one question per triplet."""
    triplets = list(
        nights.read_triplets(request.folder, request.split, config.min_votes, request.drops)
    )
    request.rng.shuffle(triplets)
    answers = letters(2, request.count, request.rng)
    for triplet in triplets:
        if not answers:
            return
        better, worse = triplet.left, triplet.right
        if not triplet.left_wins:
            better, worse = worse, better
        paths = (triplet.reference, *place(better, [worse], answers[-1]))
        looks = [_looks(path) for path in paths[1:]]
        if not triplet.reference.is_file() or any(look is None for look in looks):
            request.drops["image missing or unreadable"] += 1
            continue
        names = ("candidate_brightness", "candidate_contrast", "candidate_warmth")
        yield Built(
            images=paths,
            question=request.question(),
            choices=choices_of("visual_similarity"),
            answer=answers.pop(),
            groups=(triplet.key,),
            features={
                name: tuple(look[index] for look in looks if look is not None)
                for index, name in enumerate(names)
            },
        )


def _looks(path: Path) -> tuple[float, float, float] | None:
    """Brightness, contrast and warmth of a picture, or None if it cannot be read."""
    try:
        with Image.open(path) as opened:
            rgb_HW3 = np.asarray(to_rgb(opened).resize((64, 64)), dtype=np.float32)
    except OSError:
        return None
    red, _, blue = rgb_HW3.reshape(-1, 3).mean(axis=0)
    return float(rgb_HW3.mean()), float(rgb_HW3.std()), float(red - blue)


TASK = Task(
    name="visual_similarity",
    section="4.1, appendix A",
    source=nights.INFO,
    chance=1 / 2,
    answer_form="letter",
    paper=SimilarityConfig(),
    pool=SimilarityConfig(),
    build=build,
)
