"""Writes annotated embedded pictures in the layouts of SPair-71k and of FunKPoint."""

from __future__ import annotations

import csv
import json
import random
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from livr.data.pool import SPLITS
from livr.data.pool.keypoints import POINTS, Annotated, View, load_keypoints, render
from livr.data.pool.scenes import backgrounds
from livr.data.sources import funkpoint
from livr.data.sources.folder import write_splits_file

SPARE = 1.6  # pairs of labelled pictures written per question: the builder refuses some
SPARE_PAIRS = 4  # the same for pairs of views, which cost nothing
VIEWS = {"train": 10, "val": 24, "test": 24}  # views of a picture for semantic pairs
ACTION = "hold it by the grip and work with the other end"
CATEGORIES = {"fish": 3, "windmill": 1}  # shares of the semantic pairs
Used = list[tuple[str, str, Iterable[object]]]


def _annotated(split: str, *categories: str) -> list[Annotated]:
    return [a for a in load_keypoints() if a.entry.split == split and a.category in categories]


def write_pairs(folder: Path, sizes: dict[str, int], seed: int) -> None:
    """Writes the layout of SPair-71k, for semantic correspondence; all pairs stand under trn."""
    for name in ("Layout/large", "PairAnnotation/trn", "JPEGImages"):
        (folder / name).mkdir(parents=True)
    used: Used = []
    lines: list[str] = []
    for split in SPLITS:
        wanted = sizes.get(split, 0)
        if not wanted:
            continue
        rng = random.Random(f"pool pairs {split} {seed}")
        views = _write_views(folder, split, wanted, rng, used)
        shares = [name for name in CATEGORIES for _ in range(CATEGORIES[name])]
        for _ in range(SPARE_PAIRS * wanted):
            category = rng.choice(shares)
            first, second = _two_objects(views[category], rng)
            lines.append(_write_pair(folder, len(lines), first, second, category))
    (folder / "Layout/large/trn.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_splits_file(folder, used)


Named = tuple[str, int, View]
"""Picture name, source group, view."""


def _write_views(
    folder: Path, split: str, wanted: int, rng: random.Random, used: Used
) -> dict[str, list[Named]]:
    views: dict[str, list[Named]] = defaultdict(list)
    scenery = backgrounds(split, "fish")
    for item in _annotated(split, *CATEGORIES):
        target = folder / "JPEGImages" / item.category
        target.mkdir(exist_ok=True)
        for _ in range(min(VIEWS[split], max(2, wanted // 4))):
            view = render(item, scenery, rng)
            name = f"{split}_{len(views[item.category]):05d}"
            view.image.save(target / f"{name}.jpg", quality=92, subsampling=0)
            views[item.category].append((name, item.entry.group, view))
            used.append((f"{item.category}/{name}", split, view.groups))
    return views


def _two_objects(views: list[Named], rng: random.Random) -> tuple[Named, Named]:
    while True:
        first, second = rng.sample(views, 2)
        if first[1] != second[1]:
            return first, second


def _write_pair(folder: Path, number: int, first: Named, second: Named, category: str) -> str:
    name = f"{number:06d}-{first[0]}-{second[0]}:{category}"
    value = {
        "src_imname": f"{first[0]}.jpg",
        "trg_imname": f"{second[0]}.jpg",
        "src_kps": [[round(v, 2) for v in point] for point in first[2].points],
        "trg_kps": [[round(v, 2) for v in point] for point in second[2].points],
        "kps_ids": [str(index) for index in range(POINTS)],
        "category": category,
    }
    path = folder / "PairAnnotation" / "trn" / f"{name}.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return name


def write_labels(folder: Path, sizes: dict[str, int], seed: int) -> None:
    """Writes the layout of FunKPoint, for functional correspondence."""
    used: Used = []
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*funkpoint.COLUMNS, "wnid", "object_category", "difficulty"))
        for split in SPLITS:
            rng = random.Random(f"pool labels {split} {seed}")
            items = _annotated(split, "handtool")
            scenery = backgrounds(split, "tool")
            for index in range(2 * round(SPARE * sizes.get(split, 0))):
                item = items[index % len(items)]
                view = render(item, scenery, rng)
                key = f"{item.entry.name}/{split}_{index:05d}.jpg"
                path = folder / "images" / key
                path.parent.mkdir(parents=True, exist_ok=True)
                view.image.save(path, quality=92, subsampling=0)
                shares = [
                    round(value / side, 5)
                    for point in view.points
                    for value, side in zip(point, view.image.size, strict=True)
                ]
                writer.writerow((f"images/{key}", ACTION, *shares, item.entry.name, "tool", 0))
                used.append((key, split, view.groups))
    write_splits_file(folder, used)
