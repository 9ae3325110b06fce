"""Hand-annotated keypoints of embedded pictures, and new views of them.

`keypoints.csv` holds five points per picture, as shares of its width and height, set by eye:

- fish: mouth, eye, end of the tail, top of the back, bottom of the belly;
- windmill: hub, end of the highest sail, left and right foot of the tower, middle of the tower;
- handtool: working end, middle of the working part, neck, middle of the grip, end of the grip.
"""

from __future__ import annotations

import csv
import math
import random
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance

from livr.data.pool import POOL_DIR, PoolImage, load_pool
from livr.data.pool.scenes import background, decode

SIZE = (160, 128)
POINTS = 5
SPAN = (0.55, 0.76)  # share of the canvas the keypoints cover
MARGIN = 10  # px between a keypoint and the edge: room for its mark
NO_MIRROR = ("windmill",)  # their keypoints know left from right
Matrix = npt.NDArray[np.float64]
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Annotated:
    """An embedded picture with its keypoints as shares of width and height."""

    entry: PoolImage
    category: str
    points: Points


@lru_cache(maxsize=1)
def load_keypoints() -> tuple[Annotated, ...]:
    """Reads keypoints.csv."""
    entries = {entry.path.relative_to(POOL_DIR).as_posix(): entry for entry in load_pool()}
    with (POOL_DIR / "keypoints.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Annotated(
                entries[row["path"]],
                row["category"],
                tuple((float(row[f"p{n}_x"]), float(row[f"p{n}_y"])) for n in range(1, POINTS + 1)),
            )
            for row in csv.DictReader(file)
        )


@dataclass(frozen=True)
class View:
    """A rendered view. Points are (x, y) in px of the picture."""

    image: Image.Image
    points: Points
    groups: tuple[int, ...]


def render(item: Annotated, scenery: list[PoolImage], rng: random.Random) -> View:
    """Turns, scales, shifts, mirrors and relights a picture; cut-outs get a background."""
    photo = decode(item.entry)
    points_P2 = np.array(item.points) * photo.size
    if item.category not in NO_MIRROR and rng.random() < 0.5:
        photo = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        points_P2 = points_P2 * (-1, 1) + (photo.width, 0)
    angle = math.radians(rng.uniform(-30, 30))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turned_P2 = points_P2 @ turn.T
    low, high = turned_P2.min(axis=0), turned_P2.max(axis=0)
    scale = float((np.array(SIZE) / (high - low)).min()) * rng.uniform(*SPAN)
    room = np.array(SIZE) - scale * (high - low) - 2 * MARGIN
    offset = MARGIN + room * [rng.random(), rng.random()] - scale * low
    placed_P2 = scale * turned_P2 + offset
    # picture px -> photograph px, as Pillow wants it
    back = turn.T / scale
    shift = -back @ offset
    groups = [item.entry.group]
    if photo.mode == "RGBA":
        behind = rng.choice(scenery)
        groups.append(behind.group)
        image = background(behind, SIZE, rng)
        over = _affine(photo, back, shift)
        image.paste(over, (0, 0), over)
    else:
        image = _affine(photo, back, shift)
    for change in (ImageEnhance.Brightness, ImageEnhance.Color):
        image = change(image).enhance(rng.uniform(0.85, 1.2))
    return View(image, tuple((float(x), float(y)) for x, y in placed_P2), tuple(groups))


def _affine(photo: Image.Image, matrix: Matrix, shift: Matrix) -> Image.Image:
    """Samples the photograph; what lies beyond it gets the mean colour of its border."""
    (a, b), (c, d) = matrix.tolist()
    dx, dy = shift.tolist()
    return photo.transform(
        SIZE,
        Image.Transform.AFFINE,
        (a, b, dx, c, d, dy),
        Image.Resampling.BICUBIC,
        fillcolor=border_colour(photo) if photo.mode == "RGB" else None,
    )


def border_colour(photo: Image.Image) -> tuple[int, ...]:
    """Returns the mean colour along the four edges."""
    rgb_HW3 = np.asarray(photo)
    edge = np.concatenate([rgb_HW3[0], rgb_HW3[-1], rgb_HW3[:, 0], rgb_HW3[:, -1]])
    return tuple(round(float(v)) for v in edge.mean(axis=0))
