"""Writes composed pictures of several objects in the layout of PixMo-Count."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from livr.data.pool import SPLITS
from livr.data.pool.scenes import Mask, Scene, background, backgrounds, cutouts, paste, vary
from livr.data.sources import pixmo
from livr.data.sources.folder import write_splits_file
from livr.data.tasks.base import balanced

SIDE = 160
COUNTS = range(2, 11)
PLURAL = {"fish": "fish", "tool": "tools"}


def write(folder: Path, sizes: dict[str, int], seed: int) -> None:
    """Writes data/*.parquet and images/ below `folder`.

    Args:
        folder: Receives the layout.
        sizes: Split -> number of questions wanted; as many pictures are composed.
        seed: Seed of the data set.
    """
    (folder / "data").mkdir(parents=True)
    (folder / pixmo.CACHE).mkdir()
    used: list[tuple[str, str, Iterable[object]]] = []
    for split in SPLITS:
        rng = random.Random(f"pool counts {split} {seed}")
        wanted = sizes.get(split, 0)
        counts = [*balanced(COUNTS, wanted, rng), *COUNTS]  # one spare picture per count
        rows = []
        for index, count in enumerate(counts):
            row, scene = _write_row(folder, split, index, count, rng)
            rows.append(row)
            used.append((pixmo.url_key(row["image_url"]), split, scene.groups))
        name = f"{pixmo.PARTS[split]}-00000-of-00001.parquet"
        pq.write_table(pa.Table.from_pylist(rows), folder / "data" / name)
    write_splits_file(folder, used)


def _write_row(
    folder: Path, split: str, index: int, count: int, rng: random.Random
) -> tuple[dict[str, Any], Scene]:
    label = rng.choice(sorted(PLURAL))
    scene = compose(split, label, count, rng)
    url = f"pool://counts/{split}/{index}"
    buffer = io.BytesIO()
    scene.image.save(buffer, "PNG", compress_level=4)
    data = buffer.getvalue()
    (folder / pixmo.CACHE / pixmo.url_key(url)).write_bytes(data)
    row = {
        "image_url": url,
        "image_sha256": hashlib.sha256(data).hexdigest(),
        "count": count,
        "points": [_centre(mask) for mask in scene.masks_HW],
        "label": PLURAL[label],
    }
    return row, scene


def _centre(mask_HW: Mask) -> dict[str, float]:
    ys, xs = mask_HW.nonzero()
    return {"x": float(xs.mean()), "y": float(ys.mean())}


def compose(split: str, label: str, count: int, rng: random.Random) -> Scene:
    """Composes a picture with exactly `count` objects of one kind, one to three different ones."""
    kinds = cutouts(split)[label]
    scenery = backgrounds(split, label)
    while True:
        entry = rng.choice(scenery)
        canvas = background(entry, (SIDE, SIDE), rng)
        chosen = rng.sample(kinds, min(len(kinds), rng.randint(1, 3)))
        base = rng.uniform(30, 46) if count <= 5 else rng.uniform(26, 34)
        taken: list[Mask] = []
        groups = [entry.group]
        for _ in range(count):
            item = rng.choice(chosen)
            varied = vary(item, round(base * rng.uniform(0.85, 1.15)), rng)
            if not paste(canvas, varied, taken, rng):
                break
            groups.append(item.group)
        if len(taken) == count:
            return Scene(canvas, tuple(taken), (label,) * count, tuple(groups))
