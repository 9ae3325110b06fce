"""Visual correspondence: find a point again in another picture of the scene. Four choices.

Construction (METHOD.md section 3, paper appendix A): HPatches pairs i < j with j - i >= 2 of the
six pictures; a point away from the borders is warped by the homography; REF marks it on the
source, A to D mark the target: the warped point and three points far from it and from each
other. Sequences are split 80/10/10, viewpoint and illumination separately. Ours: all four points
are drawn in the same way and the first becomes REF, so that place and looks tell nothing.
Where the camera did not move, the true point lies where REF lies: that is the construction's own
shortcut, measured as point_distance_to_ref. On the embedded pictures the camera always moves, and
the places of the points do not tell the answer (`Balance`).
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from livr.data.example import LETTERS
from livr.data.pictures import to_rgb
from livr.data.sources import hpatches
from livr.data.tasks.base import Built, Request, Task, choices_of, letters, place
from livr.data.tasks.drawing import Point, draw_points
from livr.data.tasks.points import Balance, far_apart, fit, inside, point_features, texture

CHOICES = 4
GAP = 2  # smallest j - i
RADIUS = 0.04  # of the longer side: what is looked at around a point


@dataclass(frozen=True)
class CorrespondenceConfig:
    """Sizes of the task.

    Attributes:
        long_side: Pictures are scaled down to this many px.
        border: Points keep this distance from the edges, as a share of the longer side.
        apart: Points keep this distance from each other, as a share of the diagonal.
        texture: Smallest standard deviation of grey values around a point.
        tries: Points drawn before a pair is given up.
        balanced: Choose REF so that places do not tell the answer, see `Balance`. The paper
            takes any point.
    """

    long_side: int = 640
    border: float = 0.08
    apart: float = 0.2
    texture: float = 0.0
    tries: int = 300
    balanced: bool = False


def build(request: Request, config: CorrespondenceConfig) -> Iterator[Built]:
    """Yields questions; every pair is used once before any is used again."""
    sequences = hpatches.read_sequences(request.folder, request.split, request.seed)
    numbers = [(i, j) for i, j in itertools.combinations(hpatches.PICTURES, 2) if j - i >= GAP]
    pairs = [(sequence, i, j) for sequence in sequences for i, j in numbers]
    answers = letters(CHOICES, request.count, request.rng)
    balance = Balance(request.count) if config.balanced else None
    while answers:
        request.rng.shuffle(pairs)
        before = len(answers)
        for sequence, i, j in pairs:
            if not answers:
                break
            built = _question(request, config, sequence, (i, j), answers[-1], balance)
            if built is not None:
                answers.pop()
                yield built
        if len(answers) == before and not (balance and balance.loosen()):
            request.drops["wanted but no pair has four fitting points"] += len(answers)
            return


def _question(
    request: Request,
    config: CorrespondenceConfig,
    sequence: hpatches.Sequence,
    numbers: tuple[int, int],
    answer: str,
    balance: Balance | None,
) -> Built | None:
    i, j = numbers
    try:
        with Image.open(sequence.picture(i)) as first, Image.open(sequence.picture(j)) as second:
            source, scale_i = fit(to_rgb(first), config.long_side)
            target, scale_j = fit(to_rgb(second), config.long_side)
    except OSError:
        request.drops["image missing or unreadable"] += 1
        return None
    scales = (scale_i, scale_j)
    candidates = _candidates(request, config, sequence.homography(i, j), (source, target), scales)
    if balance is None:
        found = _four(config, candidates, target.size)
    else:
        spots = _spots(request, config, target)
        found = _balanced_four(config, candidates, spots, target.size, balance, request.rng)
    if found is None:
        request.drops["pair without four fitting points"] += 1
        return None
    radius = RADIUS * max(target.size)
    reference, true, *others = found
    points = place(true, others, answer)
    near = tuple(math.dist(point, reference) for point in points)
    marked = draw_points(target, dict(zip(LETTERS, points, strict=False)))
    return Built(
        images=(draw_points(source, {"REF": reference}), marked),
        question=request.question(),
        choices=choices_of("visual_correspondence"),
        answer=answer,
        groups=(sequence.key,),
        features={**point_features(target, points, radius), "point_distance_to_ref": near},
    )


def _candidates(
    request: Request,
    config: CorrespondenceConfig,
    matrix: hpatches.Matrix,
    images: tuple[Image.Image, Image.Image],
    scales: tuple[float, float],
) -> list[tuple[Point, Point]]:
    """Draws points with their places on source and target, both away from the borders."""
    (source, target), (scale_i, scale_j) = images, scales
    border_i, border_j = (config.border * max(image.size) for image in images)
    radius = RADIUS * max(source.size)
    found: list[tuple[Point, Point]] = []
    for _ in range(config.tries):
        start = (request.rng.uniform(0, source.width), request.rng.uniform(0, source.height))
        x, y = hpatches.warp(matrix, (start[0] / scale_i, start[1] / scale_i))
        end = (x * scale_j, y * scale_j)
        if (
            inside(start, source.size, border_i)
            and inside(end, target.size, border_j)
            and (not config.texture or texture(source, start, radius) >= config.texture)
        ):
            found.append((start, end))
    return found


def _four(
    config: CorrespondenceConfig, candidates: list[tuple[Point, Point]], size: tuple[int, int]
) -> list[Point] | None:
    """Returns REF, its place on the target and three other candidates' places there."""
    found: list[tuple[Point, Point]] = []
    for start, end in candidates:
        if far_apart([*(other for _, other in found), end], config.apart * math.hypot(*size)):
            found.append((start, end))
        if len(found) == CHOICES:
            return [found[0][0], *(point for _, point in found)]
    return None


def _spots(request: Request, config: CorrespondenceConfig, target: Image.Image) -> list[Point]:
    """Draws places for wrong points, under the conditions that hold for the true one."""
    border, radius = config.border * max(target.size), RADIUS * max(target.size)
    drawn = [
        (request.rng.uniform(0, target.width), request.rng.uniform(0, target.height))
        for _ in range(config.tries)
    ]
    return [
        point
        for point in drawn
        if inside(point, target.size, border) and texture(target, point, radius) >= config.texture
    ]


def _balanced_four(
    config: CorrespondenceConfig,
    candidates: list[tuple[Point, Point]],
    spots: list[Point],
    size: tuple[int, int],
    balance: Balance,
    rng: random.Random,
) -> list[Point] | None:
    """Like `_four`, with wrong points from anywhere on the target, until `balance` agrees."""
    apart = config.apart * math.hypot(*size)
    for start, end in candidates:
        for nearer in rng.sample(range(CHOICES), CHOICES):
            rng.shuffle(spots)
            near = [math.dist(start, spot) < math.dist(start, end) for spot in spots]
            points, missing = [end], {True: nearer, False: CHOICES - 1 - nearer}
            for spot, closer in zip(spots, near, strict=True):
                if missing[closer] and far_apart([*points, spot], apart):
                    points.append(spot)
                    missing[closer] -= 1
            if len(points) == CHOICES and balance.accept(size, start, points):
                return [start, *points]
    return None


TASK = Task(
    name="visual_correspondence",
    section="4.1, appendix A",
    source=hpatches.INFO,
    chance=1 / CHOICES,
    answer_form="letter",
    paper=CorrespondenceConfig(),
    pool=CorrespondenceConfig(
        long_side=160, border=0.09, apart=0.18, texture=10.0, tries=60, balanced=True
    ),
    build=build,
    cues=("point_distance_to_ref",),
)
