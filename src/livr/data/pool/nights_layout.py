"""Writes triplets of embedded photographs in the layout of NIGHTS, for visual similarity.

Nobody voted on these: the better candidate is a second view of the reference's own section of
a photograph; the worse one shows another section of the same photograph, or another photograph
of the same kind. All three get light changes drawn from the same ranges.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image, ImageEnhance

from livr.data.pool import SPLITS, PoolImage, load_pool
from livr.data.pool.scenes import decode
from livr.data.sources import nights
from livr.data.sources.folder import write_splits_file

SIDE = 112
OTHER_PHOTO = 0.45  # chance of pairing a photograph with another one
VOTES = 10
Window = tuple[float, float, float]
"""Centre x, centre y, side, as shares of the shorter picture side."""


def write(folder: Path, sizes: dict[str, int], seed: int) -> None:
    """Writes data.csv, ref/ and distort/ below `folder`."""
    used: list[tuple[str, str, Iterable[object]]] = []
    with (folder / "data.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*nights.COLUMNS, "prompt", "is_imagenet"))
        number = 0
        for split in SPLITS:
            rng = random.Random(f"pool triplets {split} {seed}")
            entries = [e for e in load_pool(split) if not e.has_alpha]
            for entry, other in _pairs(entries, sizes.get(split, 0), rng):
                key = f"{number:05d}"
                left_wins = rng.random() < 0.5
                paths = _write_triplet(folder, key, entry, other, left_wins, rng)
                votes = (int(left_wins), int(not left_wins), VOTES)
                writer.writerow((key, *paths, *votes, split, entry.kind, False))
                used.append((key, split, {entry.group, other.group}))
                number += 1
    write_splits_file(folder, used)


def _pairs(
    entries: list[PoolImage], count: int, rng: random.Random
) -> Iterator[tuple[PoolImage, PoolImage]]:
    """Yields (reference, source of the worse candidate).

    Two different photographs come twice with swapped roles, so that no property of a
    photograph alone tells whether it is the better candidate.
    """
    made = index = 0
    while made < count:
        entry = entries[index % len(entries)]
        other = _other(entry, entries, rng) if rng.random() < OTHER_PHOTO else entry
        index += 1
        for pair in [(entry, other), (other, entry)][: 1 if other is entry else 2][: count - made]:
            yield pair
            made += 1


def _other(entry: PoolImage, entries: list[PoolImage], rng: random.Random) -> PoolImage:
    alike = [e for e in entries if e.kind == entry.kind and e.group != entry.group]
    return rng.choice(alike or [e for e in entries if e.group != entry.group])


def _write_triplet(
    folder: Path,
    key: str,
    entry: PoolImage,
    other: PoolImage,
    left_wins: bool,
    rng: random.Random,
) -> tuple[str, str, str]:
    window = random_window(decode(entry), rng)
    x, y, side = window
    near = (
        x + rng.uniform(-0.08, 0.08) * side,
        y + rng.uniform(-0.08, 0.08) * side,
        side * rng.uniform(0.88, 1.12),
    )
    if other is entry:
        far = max(
            (random_window(decode(entry), rng) for _ in range(12)), key=lambda w: _apart(w, window)
        )
    else:
        far = random_window(decode(other), rng)
    reference = view(decode(entry), window, rng)
    candidates = [view(decode(entry), near, rng), view(decode(other), far, rng)]
    if not left_wins:
        candidates.reverse()
    part = key[:3]
    paths = (f"ref/{part}/{key}.png", f"distort/{part}/{key}_0.png", f"distort/{part}/{key}_1.png")
    for path, image in zip(paths, (reference, *candidates), strict=True):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        image.save(folder / path, compress_level=4)
    return paths


def random_window(image: Image.Image, rng: random.Random) -> Window:
    """Draws a square section with half to four fifths of the shorter side."""
    short = min(image.size)
    side = rng.uniform(0.5, 0.8)
    wide, high = image.width / short, image.height / short
    return (
        rng.uniform(side / 2, wide - side / 2),
        rng.uniform(side / 2, high - side / 2),
        side,
    )


def _apart(a: Window, b: Window) -> float:
    return max(abs(a[0] - b[0]), abs(a[1] - b[1])) / (a[2] + b[2])


def cut_window(image: Image.Image, window: Window, side: int) -> Image.Image:
    """Cuts a square section and scales it to `side` px."""
    short = min(image.size)
    width = min(window[2] * short, short)
    left = min(max(window[0] * short - width / 2, 0.0), image.width - width)
    top = min(max(window[1] * short - width / 2, 0.0), image.height - width)
    box = (left, top, left + width, top + width)
    return image.resize((side, side), Image.Resampling.BICUBIC, box=box)


def view(image: Image.Image, window: Window, rng: random.Random) -> Image.Image:
    """Cuts a section and changes its light a little."""
    cut = cut_window(image, window, SIDE)
    for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        cut = change(cut).enhance(rng.uniform(0.8, 1.2))
    return cut
