"""A question about one of several common keypoints: semantic and functional correspondence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from livr.data.example import LETTERS
from livr.data.pictures import to_rgb
from livr.data.tasks.base import Built, Request, choices_of, place
from livr.data.tasks.drawing import Point, draw_points
from livr.data.tasks.points import Balance, choose_keypoints, fit, point_features

CHOICES = 4


@dataclass(frozen=True)
class KeypointConfig:
    """Sizes of the task.

    Attributes:
        long_side: Pictures are scaled down to this many px.
        apart: Marked points keep this distance, as a share of the diagonal.
        balanced: Ask so that places do not tell the answer, see `Balance`. The paper asks for
            any keypoint.
    """

    long_side: int = 512
    apart: float = 0.06
    balanced: bool = False

    def balance(self, count: int) -> Balance | None:
        """Returns what keeps `count` questions balanced, or None."""
        return Balance(count) if self.balanced else None


@dataclass(frozen=True)
class KeypointPair:
    """Two pictures with common keypoints in the same order, in px of the files."""

    source: Path
    target: Path
    source_points: Sequence[Point]
    target_points: Sequence[Point]
    groups: tuple[str, ...]


def make_question(
    request: Request,
    config: KeypointConfig,
    pair: KeypointPair,
    question: str,
    answer: str,
    balance: Balance | None = None,
) -> Built | None:
    """Marks one keypoint on the source, it and three others on the target; None if impossible."""
    try:
        with Image.open(pair.source) as first, Image.open(pair.target) as second:
            source, scale_s = fit(to_rgb(first), config.long_side)
            target, scale_t = fit(to_rgb(second), config.long_side)
    except OSError:
        request.drops["image missing or unreadable"] += 1
        return None
    starts = [(x * scale_s, y * scale_s) for x, y in pair.source_points]
    ends = [(x * scale_t, y * scale_t) for x, y in pair.target_points]
    distance = config.apart * math.hypot(*target.size)
    options = choose_keypoints(ends, CHOICES, distance, request.rng)
    if not options:
        request.drops["fewer than four common keypoints apart from each other"] += 1
        return None
    chosen = options[0]
    if balance is not None:
        fitting = (
            option
            for option in options
            if balance.accept(target.size, starts[option[0]], [ends[index] for index in option])
        )
        chosen = next(fitting, [])
    if not chosen:
        request.drops["places would tell the answer"] += 1
        return None
    reference = starts[chosen[0]]
    points = place(ends[chosen[0]], [ends[index] for index in chosen[1:]], answer)
    near = tuple(math.dist(point, reference) for point in points)
    radius = 0.04 * max(target.size)
    return Built(
        images=(
            draw_points(source, {"REF": reference}),
            draw_points(target, dict(zip(LETTERS, points, strict=False))),
        ),
        question=question,
        choices=choices_of(request.task),
        answer=answer,
        groups=pair.groups,
        features={**point_features(target, points, radius), "point_distance_to_ref": near},
    )
