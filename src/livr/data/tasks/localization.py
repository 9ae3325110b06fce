"""Localization: which of two drawn boxes fits the object? Two choices.

Construction (METHOD.md section 3, paper appendix A): a non-crowd COCO instance whose box
covers 15 to 50 % of the photograph and whose mask fills at least 60 % of the box. The
distractor is the true box with its corners jittered until its IoU with the true box lies in
[0.2, 0.5]. Both are drawn, labelled A and B. Ours: one instance per photograph; the
distractor covers 15 to 50 % too; it is as often larger as smaller, as often more as less
central, as often wider as narrower than the true box, so that none of these gives the answer
away.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from livr.data.pictures import to_rgb
from livr.data.sources import coco
from livr.data.tasks.base import (
    Built,
    Quota,
    Request,
    Task,
    choices_of,
    letters,
    place,
)
from livr.data.tasks.drawing import Box, draw_boxes


@dataclass(frozen=True)
class LocalizationConfig:
    """Thresholds of the task.

    Attributes:
        cover: Range of the box area as a share of the photograph.
        fill: Smallest share of the box the mask fills.
        iou: Range of the distractor's IoU with the true box.
        jitter: A corner moves by at most this share of the box size.
        tries: Distractors drawn before a photograph is given up.
    """

    cover: tuple[float, float] = (0.15, 0.50)
    fill: float = 0.60
    iou: tuple[float, float] = (0.2, 0.5)
    jitter: float = 0.7
    tries: int = 400


@dataclass(frozen=True, slots=True)
class _Target:
    image: coco.CocoImage
    box: Box
    category: str


def build(request: Request, config: LocalizationConfig) -> Iterator[Built]:
    """Yields questions, one per photograph."""
    targets = _targets(request, config)
    request.rng.shuffle(targets)
    answers = letters(2, request.count, request.rng)
    quota = Quota(request.count, signs=3)
    used: set[str] = set()
    for quota.relaxed in (False, True):
        for target in targets:
            if not answers:
                return
            if target.image.key in used:
                continue
            built = _question(request, config, target, answers[-1], quota)
            if built is not None:
                used.add(target.image.key)
                answers.pop()
                yield built


def _targets(request: Request, config: LocalizationConfig) -> list[_Target]:
    """Lists the instances which meet the thresholds; no picture is opened."""
    part = coco.read_part(request.folder, request.split, request.seed)
    result = []
    for item in coco.read_annotations(part):
        image = part.images[item["image_id"]]
        x, y, width, height = item["bbox"]
        cover = width * height / (image.width * image.height)
        if item.get("iscrowd"):
            request.drops["crowd"] += 1
        elif not config.cover[0] <= cover <= config.cover[1]:
            request.drops["box too small or too large"] += 1
        else:
            try:
                area = coco.mask_area(item["segmentation"], image.width, image.height)
            except (KeyError, ValueError, TypeError):
                request.drops["segmentation cannot be read"] += 1
                continue
            if area < config.fill * width * height:
                request.drops["mask fills too little of its box"] += 1
                continue
            name = part.categories.get(item["category_id"], "object")
            result.append(_Target(image, (x, y, x + width, y + height), name))
    return result


def _question(
    request: Request, config: LocalizationConfig, target: _Target, answer: str, quota: Quota
) -> Built | None:
    size = (target.image.width, target.image.height)
    other = distractor(target.box, size, config, quota, request.rng)
    if other is None:
        request.drops["no distractor found"] += 1
        return None
    try:
        with Image.open(target.image.path) as opened:
            photo = to_rgb(opened)
    except OSError:
        request.drops["image missing or unreadable"] += 1
        return None
    quota.take(_pattern(target.box, other, size))
    first, second = place(target.box, [other], answer)
    return Built(
        images=(draw_boxes(photo, {"A": first, "B": second}),),
        question=request.question(label=target.category),
        choices=choices_of("localization"),
        answer=answer,
        groups=(target.image.key,),
        features={
            "box_area": (area_of(first), area_of(second)),
            "box_centre_distance": (_off_centre(first, size), _off_centre(second, size)),
            "box_width_to_height": (_width_to_height(first), _width_to_height(second)),
        },
    )


def distractor(
    box: Box,
    size: tuple[int, int],
    config: LocalizationConfig,
    quota: Quota,
    rng: random.Random,
) -> Box | None:
    """Jitters the corners of `box` until the result may serve as wrong choice, or None."""
    left, top, right, bottom = box
    reach_x, reach_y = config.jitter * (right - left), config.jitter * (bottom - top)
    for _ in range(config.tries):
        x0 = min(max(left + rng.uniform(-reach_x, reach_x), 0.0), size[0])
        x1 = min(max(right + rng.uniform(-reach_x, reach_x), 0.0), size[0])
        y0 = min(max(top + rng.uniform(-reach_y, reach_y), 0.0), size[1])
        y1 = min(max(bottom + rng.uniform(-reach_y, reach_y), 0.0), size[1])
        other = (x0, y0, x1, y1)
        if x1 <= x0 or y1 <= y0:
            continue
        cover = area_of(other) / (size[0] * size[1])
        if not config.cover[0] <= cover <= config.cover[1]:
            continue
        if config.iou[0] <= iou(box, other) <= config.iou[1] and quota.open(
            _pattern(box, other, size)
        ):
            return other
    return None


def area_of(box: Box) -> float:
    """Returns the area in px."""
    return (box[2] - box[0]) * (box[3] - box[1])


def iou(a: Box, b: Box) -> float:
    """Returns the intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0.0) * max(height, 0.0)
    return both / (area_of(a) + area_of(b) - both)


def _pattern(true: Box, other: Box, size: tuple[int, int]) -> tuple[bool, ...]:
    return (
        area_of(true) > area_of(other),
        _off_centre(true, size) > _off_centre(other, size),
        _width_to_height(true) > _width_to_height(other),
    )


def _off_centre(box: Box, size: tuple[int, int]) -> float:
    return math.hypot((box[0] + box[2] - size[0]) / 2, (box[1] + box[3] - size[1]) / 2)


def _width_to_height(box: Box) -> float:
    return (box[2] - box[0]) / (box[3] - box[1])


TASK = Task(
    name="localization",
    section="4.1, appendix A",
    source=coco.INFO,
    chance=1 / 2,
    answer_form="letter",
    paper=LocalizationConfig(),
    pool=LocalizationConfig(),
    build=build,
)
