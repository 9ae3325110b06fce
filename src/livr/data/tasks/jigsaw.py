"""Jigsaw: which patch completes the photograph? Two choices.

Construction (METHOD.md section 3, paper appendix A): a canvas 400 px wide and 170 to 230 px
high is cropped from a photograph and its lower right quadrant is blacked out. The choices are
that quadrant and a patch of the same size from the same photograph which meets the canvas,
does not overlap the quadrant, and whose centre is at least a set fraction of the canvas width
away. The order is random. Ours: the fraction is 0.3; the right patch is as often brighter as
darker, more as less contrasted, warmer as colder in colour than the wrong one; patches that
look alike are refused. The helper image for Mirage is the canvas before the quadrant was blacked
out (ours: METHOD.md section 5 reports Mirage on jigsaw, but not its helper images).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
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

IntBox = tuple[int, int, int, int]


@dataclass(frozen=True)
class JigsawConfig:
    """Sizes of the task.

    Attributes:
        width: Canvas width in px.
        heights: Range of the canvas height in px.
        distance: Smallest distance of the patch centres as a share of the canvas width.
        difference: Smallest mean absolute difference of the two patches, 0 to 255.
        tries: Crops drawn before a photograph is given up.
    """

    width: int = 400
    heights: tuple[int, int] = (170, 230)
    distance: float = 0.3
    difference: float = 8.0
    tries: int = 60


def build(request: Request, config: JigsawConfig) -> Iterator[Built]:
    """Yields questions, one per photograph."""
    part = coco.read_part(request.folder, request.split, request.seed)
    images = [part.images[key] for key in sorted(part.images)]
    request.rng.shuffle(images)
    answers = letters(2, request.count, request.rng)
    quota = Quota(request.count, signs=3)
    for quota.relaxed in (False, True):
        left = []
        for image in images:
            if not answers:
                return
            photo = _open(request, config, image)
            if photo is None:
                continue
            built = _question(request, config, (photo, image.key), answers[-1], quota)
            if built is None:
                request.drops["no wrong patch found"] += 1
                left.append(image)
                continue
            answers.pop()
            yield built
        images = left


def _open(request: Request, config: JigsawConfig, image: coco.CocoImage) -> Image.Image | None:
    if image.width < config.width or image.height < config.heights[1]:
        request.drops["photograph smaller than the canvas"] += 1
        return None
    try:
        with Image.open(image.path) as opened:
            return to_rgb(opened)
    except OSError:
        request.drops["image missing or unreadable"] += 1
        return None


def _question(
    request: Request,
    config: JigsawConfig,
    source: tuple[Image.Image, str],
    answer: str,
    quota: Quota,
) -> Built | None:
    rng = request.rng
    photo, key = source
    for _ in range(config.tries):
        height = 2 * rng.randint(math.ceil(config.heights[0] / 2), config.heights[1] // 2)
        left = rng.randint(0, photo.width - config.width)
        top = rng.randint(0, photo.height - height)
        canvas = (left, top, left + config.width, top + height)
        true = (left + config.width // 2, top + height // 2, canvas[2], canvas[3])
        wide, high = true[2] - true[0], true[3] - true[1]
        x, y = rng.randint(0, photo.width - wide), rng.randint(0, photo.height - high)
        other = (x, y, x + wide, y + high)
        if not wrong_patch_allowed(canvas, true, other, config.distance):
            continue
        right, wrong = photo.crop(true), photo.crop(other)
        pattern = tuple(a > b for a, b in zip(_looks(right), _looks(wrong), strict=True))
        if _difference(right, wrong) < config.difference or not quota.open(pattern):
            continue
        quota.take(pattern)
        board = photo.crop(canvas)
        board.paste((0, 0, 0), (config.width // 2, height // 2, config.width, height))
        images = (board, *place(right, [wrong], answer))
        return Built(
            images=images,
            question=request.question(),
            choices=choices_of("jigsaw"),
            answer=answer,
            groups=(key,),
            features=_features(images),
            helper_images=(photo.crop(canvas),),
        )
    return None


def wrong_patch_allowed(canvas: IntBox, true: IntBox, other: IntBox, distance: float) -> bool:
    """True if `other` meets the canvas, is clear of `true` and its centre is far enough."""
    far = math.hypot(other[0] - true[0], other[1] - true[1]) >= distance * (canvas[2] - canvas[0])
    return far and _meets(canvas, other) and not _meets(true, other)


def _meets(a: IntBox, b: IntBox) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _looks(patch: Image.Image) -> tuple[float, float, float]:
    """Brightness, contrast and warmth (red minus blue) of a patch."""
    rgb_HW3 = np.asarray(patch, dtype=np.float32)
    red, _, blue = rgb_HW3.reshape(-1, 3).mean(axis=0)
    return float(rgb_HW3.mean()), float(rgb_HW3.std()), float(red - blue)


def _difference(a: Image.Image, b: Image.Image) -> float:
    first, second = np.asarray(a, dtype=np.float32), np.asarray(b, dtype=np.float32)
    return float(np.abs(first - second).mean())


def _features(images: tuple[Image.Image, ...]) -> dict[str, tuple[float, ...]]:
    names = ("patch_brightness", "patch_contrast", "patch_warmth")
    return dict(zip(names, zip(_looks(images[1]), _looks(images[2]), strict=True), strict=True))


TASK = Task(
    name="jigsaw",
    section="4.1, appendix A",
    source=coco.INFO,
    chance=1 / 2,
    answer_form="letter",
    paper=JigsawConfig(),
    pool=JigsawConfig(width=144, heights=(62, 82)),
    build=build,
)
