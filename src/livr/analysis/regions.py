"""Parts of images that matter by construction: drawn marks, named boxes, pasted objects."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from livr.data.example import Example
from livr.data.pool.counts import PLURAL, compose
from livr.data.prompts import TEMPLATES
from livr.data.regions import box_problem, read_region_rows
from livr.data.store import REGIONS, is_there, row_file_fault
from livr.data.tasks.drawing import COLOURS
from livr.errors import DataError, Problem

Mask = NDArray[np.bool_]
Regions = Mapping[str, Sequence[Mask | None]]
"""Example id to one mask (H, W) per image; None where nothing is marked."""

MARKED_TASKS = (
    "localization",
    "visual_correspondence",
    "semantic_correspondence",
    "functional_correspondence",
    "relative_reflectance",
)
_FEWEST_PIXELS = 12


def drawn_marks(image: Image.Image) -> Mask | None:
    """The rectangles around everything drawn in the colour of a letter, or None."""
    pixels_HW3 = np.asarray(image.convert("RGB"))
    mask = np.zeros(pixels_HW3.shape[:2], dtype=np.bool_)
    for colour in COLOURS.values():
        ys, xs = (pixels_HW3 == np.array(colour, dtype=np.uint8)).all(-1).nonzero()
        if len(ys) >= _FEWEST_PIXELS:
            mask[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1] = True
    return mask if mask.any() and not mask.all() else None


def read_regions(folder: Path, sizes: Mapping[str, Sequence[tuple[int, int]]]) -> Regions:
    """Regions named in `regions.jsonl` of a data set.

    A row is `{"id": ..., "image": 0, "box": [left, top, right, bottom]}`, in pixels. What lies
    outside the image is cut off; a box that marks nothing is wrong.

    Args:
        folder: The data set; without the file there are no regions.
        sizes: Example id to the (width, height) of its images.

    Raises:
        DataError: A row is wrong; all such rows are named.
    """
    path = folder / REGIONS
    if not is_there(path):
        return {}
    if fault := row_file_fault(path):
        raise DataError(f"{path} {fault}")
    found: dict[str, list[Mask | None]] = {}
    problems: list[Problem] = []
    for number, region in read_region_rows(path, REGIONS, problems):
        name, index, box = region
        if name not in sizes:
            continue
        if not 0 <= index < len(sizes[name]):
            problems.append(Problem(REGIONS, number, f"{name} has no image {index}"))
            continue
        masks = found.setdefault(name, [None] * len(sizes[name]))
        width, height = sizes[name][index]
        if fault := box_problem(region, (width, height)):
            problems.append(Problem(REGIONS, number, fault))
            continue
        mask = masks[index]
        mask = np.zeros((height, width), dtype=np.bool_) if mask is None else mask
        left, top, right, bottom = (max(0, v) for v in box)
        mask[top:bottom, left:right] = True
        masks[index] = mask
    if problems:
        raise DataError(f"{path} has {len(problems)} problem(s):", problems)
    return found


def counted_objects(count: int, seed: int) -> tuple[list[Example], Regions]:
    """Counting questions about composed pictures whose objects are known to the pixel."""
    rng = random.Random(f"regions {seed}")
    examples: list[Example] = []
    regions: dict[str, Sequence[Mask | None]] = {}
    for i in range(count):
        label = rng.choice(sorted(PLURAL))
        objects = rng.randint(2, 5)
        scene = compose("test", label, objects, rng)
        example = Example(
            id=f"objects-{i}",
            task="counting",
            images=(scene.image,),
            question=TEMPLATES["counting"].format(label=PLURAL[label]),
            answer=str(objects),
        )
        examples.append(example)
        regions[example.id] = [np.any(scene.masks_HW, axis=0)]
    return examples, regions
