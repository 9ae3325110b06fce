"""Pictures composed of embedded cut-outs on embedded photographs, with true masks."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance

from livr.data.pool import PoolImage, load_pool

MIN_CONTRAST = 38.0  # mean colour distance between an object and what it covers
MAX_OVERLAP = 0.03  # share of an object another one may cover
TOO_THIN = ("manta",)  # cannot be seen at the resolution of the embedded model
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scene:
    """A composed picture.

    Attributes:
        image: RGB.
        masks_HW: One mask per object, as it is visible.
        labels: Kind of each object.
        groups: Source groups of background and objects.
    """

    image: Image.Image
    masks_HW: tuple[Mask, ...]
    labels: tuple[str, ...]
    groups: tuple[int, ...]


@lru_cache(maxsize=512)
def decode(entry: PoolImage) -> Image.Image:
    """Returns the decoded embedded image; kept in memory (under 100 MB in all)."""
    return entry.open()


def cutouts(split: str) -> dict[str, list[PoolImage]]:
    """Returns the cut-outs of a split by kind."""
    result: dict[str, list[PoolImage]] = defaultdict(list)
    for entry in load_pool(split):
        if entry.has_alpha and entry.name not in TOO_THIN:
            result[entry.kind].append(entry)
    return dict(result)


def backgrounds(split: str, without: str) -> list[PoolImage]:
    """Returns photographs of a split on which no `without` object can be seen."""
    avoid = {without, "object", "tool", "music"}
    return [e for e in load_pool(split) if not e.has_alpha and e.kind not in avoid]


def background(entry: PoolImage, size: tuple[int, int], rng: random.Random) -> Image.Image:
    """Cuts a random window of the given size, with muted contrast so that objects stand out."""
    image = decode(entry)
    width, height = size
    scale = max(width / image.width, height / image.height) * rng.uniform(1.0, 1.5)
    scaled = image.resize(
        (max(width, round(image.width * scale)), max(height, round(image.height * scale))),
        Image.Resampling.BILINEAR,
    )
    left = rng.randint(0, scaled.width - width)
    top = rng.randint(0, scaled.height - height)
    window = scaled.crop((left, top, left + width, top + height))
    if rng.random() < 0.5:
        window = window.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return ImageEnhance.Contrast(window).enhance(rng.uniform(0.45, 0.75))


def vary(entry: PoolImage, side: int, rng: random.Random, tilt: float = 25.0) -> Image.Image:
    """Returns the cut-out tilted, mirrored and relit.

    `side` is the geometric mean of its width and height in px before tilting; no side
    becomes longer than 1.6 times that.
    """
    image = decode(entry)
    scale = side / max((image.width * image.height) ** 0.5, max(image.size) / 1.6)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = image.rotate(rng.uniform(-tilt, tilt), Image.Resampling.BICUBIC, expand=True)
    image = image.crop(image.getchannel("A").getbbox())
    alpha = image.getchannel("A")
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.85, 1.2))
    image.putalpha(alpha)
    return image


def stands_out(canvas: Image.Image, item: Image.Image, at: tuple[int, int]) -> bool:
    """True if the item's colours differ enough from what it would cover."""
    box = (at[0], at[1], at[0] + item.width, at[1] + item.height)
    under_HW3 = np.asarray(canvas.crop(box), dtype=np.float32)
    over_HW4 = np.asarray(item, dtype=np.float32)
    inside = over_HW4[..., 3] > 128
    if not inside.any():
        return False
    difference = np.abs(over_HW4[..., :3][inside] - under_HW3[inside]).mean()
    return bool(difference >= MIN_CONTRAST)


def paste(
    canvas: Image.Image,
    item: Image.Image,
    taken: list[Mask],
    rng: random.Random,
    tries: int = 40,
) -> bool:
    """Pastes the item where it overlaps others little and stands out. False if there is no place.

    `taken` holds the full masks of the objects pasted before; the new one is appended, and
    what it covers is removed from the others.
    """
    room = (canvas.width - item.width, canvas.height - item.height)
    if min(room) < 0:
        return False
    alpha = np.asarray(item.getchannel("A")) > 128
    size = int(alpha.sum())
    for attempt in range(tries):
        x, y = rng.randint(0, room[0]), rng.randint(0, room[1])
        window = np.s_[y : y + item.height, x : x + item.width]
        if any(
            (mask[window] & alpha).sum() > MAX_OVERLAP * min(size, int(mask.sum()))
            for mask in taken
        ):
            continue
        if attempt < tries // 2 and not stands_out(canvas, item, (x, y)):
            continue
        full = np.zeros((canvas.height, canvas.width), dtype=np.bool_)
        full[window] = alpha
        for mask in taken:
            mask &= ~full
        taken.append(full)
        canvas.paste(item, (x, y), item)
        return True
    return False
