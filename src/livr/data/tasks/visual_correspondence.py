"""Visual correspondence: find a point again in another picture of the scene. Four choices.

Construction (METHOD.md section 3, paper appendix A): HPatches pairs i < j with j - i >= 2 of the
six pictures; a point away from the borders is warped by the homography; REF marks it on the
source, A to D mark the target: the warped point and three points far from it and from each
other. Sequences are split 80/10/10, viewpoint and illumination separately. Ours: all four points
are drawn in the same way and one of them becomes REF, so that place and looks tell nothing.
Where the camera did not move, the true point lies where REF lies: that is the construction's own
shortcut, measured as point_distance_to_ref.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from livr.data.example import LETTERS
from livr.data.sources import hpatches
from livr.data.tasks.base import Built, Request, Task, choices_of, letters, place
from livr.data.tasks.drawing import Point, draw_points
from livr.data.tasks.points import far_apart, fit, inside, point_features, texture

CHOICES = 4
GAP = 2  # smallest j - i


@dataclass(frozen=True)
class CorrespondenceConfig:
    """Sizes of the task.

    Attributes:
        long_side: Pictures are scaled down to this many px.
        border: Points keep this distance from the edges, as a share of the longer side.
        apart: Points keep this distance from each other, as a share of the diagonal.
        texture: Smallest standard deviation of grey values around a point.
        tries: Points drawn before a pair is given up.
    """

    long_side: int = 640
    border: float = 0.08
    apart: float = 0.2
    texture: float = 0.0
    tries: int = 300


def build(request: Request, config: CorrespondenceConfig) -> Iterator[Built]:
    """Yields questions; every pair is used once before any is used again."""
    sequences = hpatches.read_sequences(request.folder, request.split, request.seed)
    numbers = [(i, j) for i, j in itertools.combinations(hpatches.PICTURES, 2) if j - i >= GAP]
    pairs = [(sequence, i, j) for sequence in sequences for i, j in numbers]
    answers = letters(CHOICES, request.count, request.rng)
    while answers:
        request.rng.shuffle(pairs)
        before = len(answers)
        for sequence, i, j in pairs:
            if not answers:
                break
            built = _question(request, config, sequence, i, j, answers[-1])
            if built is not None:
                answers.pop()
                yield built
        if len(answers) == before:
            request.drops["wanted but no pair has four fitting points"] += len(answers)
            return


def _question(
    request: Request,
    config: CorrespondenceConfig,
    sequence: hpatches.Sequence,
    i: int,
    j: int,
    answer: str,
) -> Built | None:
    try:
        with Image.open(sequence.picture(i)) as first, Image.open(sequence.picture(j)) as second:
            source, scale_i = fit(first.convert("RGB"), config.long_side)
            target, scale_j = fit(second.convert("RGB"), config.long_side)
    except OSError:
        request.drops["image missing or unreadable"] += 1
        return None
    matrix = sequence.homography(i, j)
    found: list[tuple[Point, Point]] = []
    border_i, border_j = (config.border * max(image.size) for image in (source, target))
    apart = config.apart * math.hypot(*target.size)
    radius = 0.04 * max(target.size)
    for _ in range(config.tries):
        start = (request.rng.uniform(0, source.width), request.rng.uniform(0, source.height))
        x, y = hpatches.warp(matrix, (start[0] / scale_i, start[1] / scale_i))
        end = (x * scale_j, y * scale_j)
        if (
            inside(start, source.size, border_i)
            and inside(end, target.size, border_j)
            and far_apart([*(point for _, point in found), end], apart)
            and texture(source, start, radius) >= config.texture
        ):
            found.append((start, end))
        if len(found) == CHOICES:
            break
    else:
        request.drops["pair without four fitting points"] += 1
        return None
    request.rng.shuffle(found)
    reference, true = found[0]
    points = place(true, [end for _, end in found[1:]], answer)
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


TASK = Task(
    name="visual_correspondence",
    section="4.1, appendix A",
    source=hpatches.INFO,
    chance=1 / CHOICES,
    answer_form="letter",
    paper=CorrespondenceConfig(),
    pool=CorrespondenceConfig(long_side=160, border=0.09, apart=0.22, texture=10.0),
    build=build,
    cues=("point_distance_to_ref",),
)
