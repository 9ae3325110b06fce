"""How well de-duplication finds near duplicates, measured on made ones."""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from livr.data.dedup import Embedder, find_duplicates, thumbnail_embedding
from livr.data.example import Example
from livr.data.pool import load_pool


def _jpeg(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=25)
    return Image.open(buffer).convert("RGB")


def _crop(share: float) -> Callable[[Image.Image], Image.Image]:
    def cut(image: Image.Image) -> Image.Image:
        x, y = round(share * image.width), round(share * image.height)
        return image.crop((x, y, image.width - x, image.height - y)).resize(image.size)

    return cut


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "jpeg_25": _jpeg,
    "half_size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "blur_2": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "brighter_30": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "darker_30": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "flip": ImageOps.mirror,
    "crop_2": _crop(0.02),
    "crop_5": _crop(0.05),
}


def calibrate(embed: Embedder = thumbnail_embedding, limit: int | None = None) -> dict[str, float]:
    """Measures recall per change and precision on the embedded photographs.

    The test set is one picture per source group. Training shows every one of them once per
    change; precision is checked with the other groups' unchanged pictures: whatever they match
    is a false alarm.

    Args:
        embed: Prefilter.
        limit: Use only the first so many photographs.

    Returns:
        change -> recall, and `precision` over everything removed.
    """
    by_group = {entry.group: entry for entry in load_pool() if not entry.has_alpha}
    entries = list(by_group.values())[:limit]
    half = len(entries) // 2
    test = [_row(str(entry.group), entry.open()) for entry in entries[:half]]
    others = [_row(f"other-{entry.group}", entry.open()) for entry in entries[half:]]
    result: dict[str, float] = {}
    right, wrong = 0, len(find_duplicates(others, test, embed))
    for name, change in CHANGES.items():
        train = [_row(f"{name}-{entry.group}", change(entry.open())) for entry in entries[:half]]
        found = find_duplicates(train, test, embed)
        hits = sum(d.train_id.rpartition("-")[2] == d.test_id for d in found)
        right, wrong = right + hits, wrong + len(found) - hits
        result[name] = round(hits / half, 4)
    result["precision"] = round(right / max(1, right + wrong), 4)
    return result


def _row(name: str, image: Image.Image) -> Example:
    return Example(id=name, images=(image,), question="?", answer="?")
