"""The same spot in another view, where places say nothing: only what is seen tells which it is.

In `pieces.spots` the mark nearest to REF's own place is the right one in 86 of 100 pictures, and a
model that looks at places alone is right as often. Here the wrong marks are spots of the same
picture too, and as many of them are nearer to REF's place as chance would have it.
"""

from __future__ import annotations

import math
import random

from PIL import Image

from livr.mini.assets import Assets
from livr.mini.backdrops import photo_crop, random_size
from livr.mini.scene import Point, Scene, blank
from livr.mini.skills.base import Draft
from livr.mini.skills.links import ask_links, mark_twice, note_links
from livr.mini.skills.pieces import to_copy
from livr.mini.skills.single import ask_marks, compose
from livr.mini.styles import relit

Window = tuple[float, float, float, float, float, float]
"""The affine map from the pixels of a view to those of the whole picture."""
SIDE = 0.55
"""Sides of a view over those of the whole picture."""
EDGE = 0.08
"""Share of a view's sides that is free of marks."""
APART = 0.18
"""Least distance of two marks over the view's diagonal."""
MARKS = 4
"""Marks of the second view."""


def window(size: tuple[int, int], whole: tuple[int, int], center: Point, turn: float) -> Window:
    """A view's map.

    Args:
        size: (width, height) of the view.
        whole: (width, height) of the whole picture.
        center: The point of the whole picture in the middle of the view.
        turn: Degrees.
    """
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    x, y = SIDE * whole[0] / size[0], SIDE * whole[1] / size[1]
    a, b, d, e = c * x, -s * y, s * x, c * y
    half = size[0] / 2, size[1] / 2
    return a, b, center[0] - a * half[0] - b * half[1], d, e, center[1] - d * half[0] - e * half[1]


def through(view: Window, point: Point) -> Point:
    """The point of the whole picture behind a pixel of a view."""
    a, b, c, d, e, f = view
    return a * point[0] + b * point[1] + c, d * point[0] + e * point[1] + f


def pairs(
    rng: random.Random, views: tuple[Window, Window], size: tuple[int, int]
) -> list[tuple[Point, Point]]:
    """Places of the same spots in both views, away from the edges."""
    w, h = size
    found = []
    for _ in range(80):
        here = (rng.uniform(EDGE, 1 - EDGE) * w, rng.uniform(EDGE, 1 - EDGE) * h)
        there = to_copy(views[1], through(views[0], here))
        if EDGE * w < there[0] < (1 - EDGE) * w and EDGE * h < there[1] < (1 - EDGE) * h:
            found.append((here, there))
    return found


def choose(
    rng: random.Random, spots: list[tuple[Point, Point]], nearer: int, apart: float
) -> list[tuple[Point, Point]]:
    """Four spots, the first to be REF; `nearer` of the others are nearer to REF's place than it is.

    Empty if the spots do not allow it.
    """
    for ref in rng.sample(spots, min(30, len(spots))):
        missing = {True: nearer, False: MARKS - 1 - nearer}
        chosen = [ref]
        for spot in rng.sample(spots, len(spots)):
            near = math.dist(spot[1], ref[0]) < math.dist(ref[1], ref[0])
            if missing[near] and all(math.dist(spot[1], q) > apart for _, q in chosen):
                chosen.append(spot)
                missing[near] -= 1
        if len(chosen) == MARKS:
            return chosen
    return []


def two_windows(
    rng: random.Random, size: tuple[int, int], whole: tuple[int, int]
) -> tuple[Window, Window]:
    """Two views on opposite sides of the middle, the second one turned."""
    (w, h), away, toward = whole, rng.uniform(0.02, 0.15), rng.uniform(0, 2 * math.pi)
    x, y = away * math.cos(toward) * w, away * math.sin(toward) * h
    one = window(size, whole, (w / 2 + x, h / 2 + y), 0)
    return one, window(size, whole, (w / 2 - x, h / 2 - y), rng.uniform(-35, 35))


def matches(rng: random.Random, assets: Assets, count: int) -> Draft:
    """Two views of a picture in different light, REF in the first and four marks in the second."""
    size = random_size(rng)
    if rng.random() < 0.3:
        whole = compose(rng, assets, marks=0).clean
    else:
        photo = rng.choice(assets.photos).image
        whole = photo_crop(rng, photo, (2 * size[0], 2 * size[1]))
    nearer = rng.randrange(MARKS)
    chosen: list[tuple[Point, Point]] = []
    while not chosen:
        views = two_windows(rng, size, whole.size)
        chosen = choose(rng, pairs(rng, views, size), nearer, APART * math.hypot(*size))

    def seen(view: Window) -> Scene:
        method, sampling = Image.Transform.AFFINE, Image.Resampling.BILINEAR
        return blank(relit(rng, whole.transform(size, method, view, sampling)))

    one, two = (seen(view) for view in views)
    found = mark_twice(rng, one, two, chosen)
    each = ask_marks(rng, two, " in image 2")
    asks = ask_links(rng, "same spot", found, two.marks) + rng.sample(each, min(3, len(each)))
    return Draft([one.image, two.image], asks, note_links(rng, (one, two), found))
