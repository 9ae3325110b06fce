"""What the tasks with marked points share."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

import numpy as np
from PIL import Image

from livr.data.tasks.base import Quota
from livr.data.tasks.drawing import Point


def far_apart(points: Sequence[Point], distance: float) -> bool:
    """True if all points are at least `distance` px from each other."""
    return all(
        math.dist(a, b) >= distance for index, a in enumerate(points) for b in points[:index]
    )


def inside(point: Point, size: tuple[int, int], border: float) -> bool:
    """True if the point keeps `border` px from every edge."""
    return all(
        border <= value <= side - 1 - border for value, side in zip(point, size, strict=True)
    )


def fit(image: Image.Image, long_side: int) -> tuple[Image.Image, float]:
    """Scales down so that the longer side is at most `long_side`. Returns picture and factor."""
    scale = min(1.0, long_side / max(image.size))
    if scale == 1.0:
        return image, scale
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS), scale


def patch(image: Image.Image, point: Point, radius: float) -> Image.Image:
    """Cuts the square around a point, clipped to the picture."""
    box = (
        max(0, math.floor(point[0] - radius)),
        max(0, math.floor(point[1] - radius)),
        min(image.width, math.ceil(point[0] + radius + 1)),
        min(image.height, math.ceil(point[1] + radius + 1)),
    )
    return image.crop(box)


def texture(image: Image.Image, point: Point, radius: float) -> float:
    """Standard deviation of grey values around a point."""
    return float(np.asarray(patch(image, point, radius).convert("L"), dtype=np.float32).std())


def brightness(image: Image.Image, point: Point, radius: float) -> float:
    """Mean grey value around a point."""
    return float(np.asarray(patch(image, point, radius).convert("L"), dtype=np.float32).mean())


def point_features(
    image: Image.Image, points: Sequence[Point], radius: float
) -> dict[str, tuple[float, ...]]:
    """What a predictor could use without comparing pictures: where points lie, what is there."""
    middle = (image.width / 2, image.height / 2)
    return {
        "point_x": tuple(p[0] for p in points),
        "point_y": tuple(p[1] for p in points),
        "point_centre_distance": tuple(math.dist(p, middle) for p in points),
        "point_brightness": tuple(brightness(image, p, radius) for p in points),
        "point_texture": tuple(texture(image, p, radius) for p in points),
    }


class Balance:
    """Keeps places from telling the answer: two `Quota`s over the four marked points.

    The right point is equally often the nearest, the second, the third and the farthest one to
    where REF lies, and so it is to the middle of the picture. Ours.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._quotas = tuple(Quota(count, signs=2, slack=max(4, count // 60)) for _ in range(2))

    def loosen(self) -> bool:
        """Doubles the slack, for a source with too few fitting pictures; False if of no use."""
        useful = any(quota.slack < self._count for quota in self._quotas)
        for quota in self._quotas:
            quota.slack *= 2
        return useful

    def accept(self, size: tuple[int, int], reference: Point, points: Sequence[Point]) -> bool:
        """Takes a question with the right point first, if it is still wanted.

        Args:
            size: Of the picture with the points, in px.
            reference: Where REF lies in the other picture.
            points: The right point and three others.
        """
        true, *others = points
        patterns = []
        for place in (reference, (size[0] / 2, size[1] / 2)):
            nearer = sum(math.dist(place, other) < math.dist(place, true) for other in others)
            patterns.append((bool(nearer & 1), nearer > 1))
        taken = list(zip(self._quotas, patterns, strict=True))
        if not all(quota.open(pattern) for quota, pattern in taken):
            return False
        for quota, pattern in taken:
            quota.take(pattern)
        return True


def choose_keypoints(
    points: Sequence[Point], count: int, distance: float, rng: random.Random
) -> list[list[int]]:
    """Draws `count` keypoints that keep `distance` px from each other, the one to ask for first.

    Returns all such choices as places in `points`, in random order; none if there are not
    enough. No keypoint stands out.
    """
    fitting = [
        subset
        for subset in itertools.combinations(range(len(points)), count)
        if far_apart([points[index] for index in subset], distance)
    ]
    choices = []
    for subset in fitting:
        for true in subset:
            others = [index for index in subset if index != true]
            rng.shuffle(others)
            choices.append([true, *others])
    rng.shuffle(choices)
    return choices
