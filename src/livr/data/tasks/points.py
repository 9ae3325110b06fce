"""What the tasks with marked points share."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

import numpy as np
from PIL import Image

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


def choose_keypoints(
    target: Sequence[Point], count: int, distance: float, rng: random.Random
) -> list[int] | None:
    """Draws `count` keypoints that keep `distance` px from each other in the target picture.

    Returns their places in `target` in random order, or None if there are not enough. All
    subsets that fit are equally likely, so no keypoint stands out.
    """
    fitting = [
        subset
        for subset in itertools.combinations(range(len(target)), count)
        if far_apart([target[index] for index in subset], distance)
    ]
    if not fitting:
        return None
    chosen = list(rng.choice(fitting))
    rng.shuffle(chosen)
    return chosen
