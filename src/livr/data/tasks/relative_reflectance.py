"""Relative reflectance: which of two points has the darker surface? Three choices.

Construction (METHOD.md section 3, paper appendix A): a Multi-Illumination picture under one of 25
lights; two separated points; Y is the mean luminance of the linear albedo over a disk at each;
rel = |Ya - Yb| / max(Ya, Yb, 1e-8). Up to 0.10 the answer is "about the same" (C, about a quarter
of the questions), otherwise the darker point. Test scenes are those named `everett*`. Ours: the
darker point is as often above as below, left as right of the other one; on the embedded pictures
the darker surface also looks as often brighter as darker, because of the light.
"""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from livr.data.pictures import to_rgb
from livr.data.sources import mid
from livr.data.tasks.base import Built, Quota, Request, Task, choices_of
from livr.data.tasks.drawing import Point, draw_points
from livr.data.tasks.points import brightness, far_apart, fit, point_features

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
SAME = 0.10
SAME_SHARE = 0.25


@dataclass(frozen=True)
class ReflectanceConfig:
    """Sizes of the task.

    Attributes:
        long_side: Pictures are scaled down to this many px.
        border: Points keep this distance from the edges, as a share of the longer side.
        apart: The points' distance, as a share of the diagonal.
        disk: Radius of the disk over which albedo is averaged, as a share of the longer side.
        tries: Pairs of points drawn before a picture is given up.
        balanced: In half of the questions with a darker point the light makes it look brighter.
            The paper takes any points.
    """

    long_side: int = 640
    border: float = 0.06
    apart: float = 0.2
    disk: float = 0.012
    tries: int = 200
    balanced: bool = False


def build(request: Request, config: ReflectanceConfig) -> Iterator[Built]:
    """Yields questions; every scene is used once before any is used again."""
    scenes = mid.read_scenes(request.folder, request.split, request.seed)
    answers = _answers(request.count, request.rng)
    quota = Quota(request.count, signs=3 if config.balanced else 2)
    while answers and scenes:
        request.rng.shuffle(scenes)
        before = len(answers)
        for scene in scenes:
            if not answers:
                break
            built = _question(request, config, scene, answers[-1], quota)
            if built is not None:
                answers.pop()
                yield built
        if len(answers) == before and quota.relaxed:
            request.drops["wanted but no scene has fitting points"] += len(answers)
            return
        quota.relaxed = len(answers) == before


def _answers(count: int, rng: random.Random) -> list[str]:
    same = round(SAME_SHARE * count)
    result = ["C"] * same + ["AB"[index % 2] for index in range(count - same)]
    rng.shuffle(result)
    return result


def _question(
    request: Request, config: ReflectanceConfig, scene: mid.Scene, answer: str, quota: Quota
) -> Built | None:
    path = request.rng.choice(scene.pictures)
    try:
        with Image.open(path) as opened:
            picture, _ = fit(to_rgb(opened), config.long_side)
    except OSError:
        request.drops["image missing or unreadable"] += 1
        return None
    luminance_HW = mid.read_albedo(scene) @ LUMINANCE
    points = _points(luminance_HW, picture, config, answer, quota, request.rng)
    if points is None:
        request.drops["no fitting points in this picture"] += 1
        return None
    radius = max(1.0, config.disk * max(picture.size))
    return Built(
        images=(draw_points(picture, dict(zip("AB", points, strict=True))),),
        question=request.question(),
        choices=choices_of("relative_reflectance"),
        answer=answer,
        groups=(scene.key,),
        features=point_features(picture, points, radius),
    )


def _points(
    luminance_HW: mid.Albedo,
    picture: Image.Image,
    config: ReflectanceConfig,
    answer: str,
    quota: Quota,
    rng: random.Random,
) -> tuple[Point, Point] | None:
    """Draws two points in px of the picture for which `answer` is right."""
    size = picture.size
    border, radius = config.border * max(size), config.disk * max(luminance_HW.shape)
    scale = (luminance_HW.shape[1] / size[0], luminance_HW.shape[0] / size[1])
    for _ in range(config.tries):
        a, b = (
            (rng.uniform(border, size[0] - border), rng.uniform(border, size[1] - border))
            for _ in range(2)
        )
        if not far_apart((a, b), config.apart * math.hypot(*size)):
            continue
        y_a, y_b = (
            disk_mean(luminance_HW, (x * scale[0], y * scale[1]), radius) for x, y in (a, b)
        )
        found = compare(y_a, y_b)
        if found == answer == "C":
            return a, b
        if "C" in (found, answer):
            continue
        dark, light = (a, b) if found == "A" else (b, a)
        pattern: tuple[bool, ...] = (dark[0] > light[0], dark[1] > light[1])
        if config.balanced:
            shown = (brightness(picture, p, config.disk * max(size)) for p in (dark, light))
            pattern += (operator.gt(*shown),)
        if quota.open(pattern):
            quota.take(pattern)
            return (dark, light) if answer == "A" else (light, dark)
    return None


def disk_mean(luminance_HW: mid.Albedo, centre: Point, radius: float) -> float:
    """Returns the mean over the pixels whose centre lies within `radius` px, at least one."""
    x, y = centre
    reach = math.ceil(radius)
    top, left = max(0, int(y) - reach), max(0, int(x) - reach)
    window = luminance_HW[top : int(y) + reach + 1, left : int(x) + reach + 1]
    ys, xs = np.mgrid[: window.shape[0], : window.shape[1]]
    far = np.hypot(xs + left - int(x), ys + top - int(y))
    return float(window[far <= max(radius, 0.5)].mean())


def compare(y_a: float, y_b: float) -> str:
    """Returns A or B for the darker one, C for about the same."""
    if abs(y_a - y_b) / max(y_a, y_b, 1e-8) <= SAME:
        return "C"
    return "A" if y_a < y_b else "B"


TASK = Task(
    name="relative_reflectance",
    section="4.1, appendix A",
    source=mid.INFO,
    chance=1 / 3,
    answer_form="letter",
    paper=ReflectanceConfig(),
    pool=ReflectanceConfig(long_side=160, disk=0.02, balanced=True),
    build=build,
    cues=("point_brightness",),
    majority=(1 - SAME_SHARE) / 2,
)
