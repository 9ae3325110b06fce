"""Writes embedded images in the layout of COCO 2017, for localization and jigsaw."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as mask_tools

from livr.data.pool import SPLITS, PoolImage, load_pool
from livr.data.pool.scenes import Mask, Scene, background, backgrounds, cutouts, decode, paste, vary
from livr.data.sources.folder import write_splits_file

PART = "train2017"
SPARE = 1.25  # pictures written per question wanted: some are refused by the builder
NAMES = (
    ("fish", "fish"),
    ("hammer", "hammer"),
    ("measuringTape", "measuring tape"),
    ("plier", "pair of pliers"),
    ("scissors", "pair of scissors"),
    ("spray", "spray bottle"),
    ("multimeter", "multimeter"),
    ("cuttingTool", "side cutter"),
    ("volleyball", "ball"),
    ("pencil", "pencil"),
    ("erasers", "eraser"),
    ("duck", "duck"),
)
PLAIN = ("tool", "object")  # kinds photographed before an empty background: no puzzle
COVER = (0.17, 0.45)
FILL = 0.61  # the builder refuses objects that fill less of their box


class _Layout:
    """Collects pictures and annotations, then writes the annotation file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / PART).mkdir()
        (folder / "annotations").mkdir()
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.used: list[tuple[str, str, Iterable[object]]] = []

    def add(self, image: Image.Image, split: str, groups: Iterable[object]) -> int:
        number = len(self.images) + 1
        name = f"{number:012d}.jpg"
        image.save(self.folder / PART / name, quality=92, subsampling=0)
        self.images.append(
            {"id": number, "file_name": name, "width": image.width, "height": image.height}
        )
        self.used.append((name, split, groups))
        return number

    def annotate(self, image_id: int, label: str, mask_HW: Mask) -> None:
        runs = mask_tools.encode(np.asfortranarray(mask_HW.astype(np.uint8)))
        box = [float(v) for v in mask_tools.toBbox(runs)]
        self.annotations.append(
            {
                "id": len(self.annotations) + 1,
                "image_id": image_id,
                "category_id": category_id(label),
                "iscrowd": 0,
                "area": int(mask_tools.area(runs)),
                "bbox": box,
                "segmentation": {"size": runs["size"], "counts": runs["counts"].decode("ascii")},
            }
        )

    def finish(self) -> None:
        labels = sorted({label for _, label in NAMES})
        document = {
            "info": {"description": "embedded images of livr in the layout of COCO 2017"},
            "images": self.images,
            "annotations": self.annotations,
            "categories": [{"id": category_id(label), "name": label} for label in labels],
        }
        path = self.folder / "annotations" / f"instances_{PART}.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        write_splits_file(self.folder, self.used)


def category_id(label: str) -> int:
    """Returns the number of a category, from 1."""
    return sorted({name for _, name in NAMES}).index(label) + 1


def label_of(entry: PoolImage) -> str:
    """Returns what a cut-out is called in a question."""
    if entry.kind == "fish":
        return "fish"
    return next(label for prefix, label in NAMES if entry.name.startswith(prefix))


def write_objects(folder: Path, sizes: dict[str, int], seed: int) -> None:
    """Writes composed pictures with true masks, for localization."""
    layout = _Layout(folder)
    for split in SPLITS:
        rng = random.Random(f"pool objects {split} {seed}")
        for _ in range(round(SPARE * sizes.get(split, 0))):
            scene = compose(split, rng)
            number = layout.add(scene.image, split, scene.groups)
            for mask, label in zip(scene.masks_HW, scene.labels, strict=True):
                layout.annotate(number, label, mask)
    layout.finish()


@lru_cache(maxsize=len(SPLITS))
def full_objects(split: str) -> dict[str, list[PoolImage]]:
    """Returns by label the cut-outs that can fill enough of their box; thin ones never do."""
    result: dict[str, list[PoolImage]] = {}
    for entry in (entry for group in cutouts(split).values() for entry in group):
        if fill_of(decode(entry)) >= FILL - 0.05:
            result.setdefault(label_of(entry), []).append(entry)
    return result


def compose(split: str, rng: random.Random) -> Scene:
    """Composes a photograph with one large object and sometimes a small one of another kind."""
    entries = [entry for group in cutouts(split).values() for entry in group]
    by_label = full_objects(split)
    while True:
        # half fish, half the rest: fish are many, but all alike in outline
        label = "fish" if rng.random() < 0.5 else rng.choice(sorted(by_label))
        entry = rng.choice(by_label[label])
        size = (160, rng.randint(120, 160))
        side = round((rng.uniform(*COVER) * size[0] * size[1]) ** 0.5)
        item = vary(entry, side, rng, tilt=12.0)
        if fill_of(item) < FILL:
            continue
        scenery = rng.choice(backgrounds(split, entry.kind))
        canvas = background(scenery, size, rng)
        taken: list[Mask] = []
        if not paste(canvas, item, taken, rng):
            continue
        groups, labels = [scenery.group, entry.group], [label]
        extra = rng.choice(entries)
        if (
            label_of(extra) != label
            and rng.random() < 0.4
            and paste(canvas, vary(extra, 28, rng), taken, rng, tries=8)
        ):
            groups.append(extra.group)
            labels.append(label_of(extra))
        return Scene(canvas, tuple(taken), tuple(labels), tuple(groups))


def fill_of(item: Image.Image) -> float:
    """Returns the share of its box a cut-out fills."""
    return float((np.asarray(item.getchannel("A")) > 128).mean())


def write_photographs(folder: Path, sizes: dict[str, int], seed: int) -> None:
    """Writes several differently scaled and mirrored copies of every photograph, for jigsaw."""
    layout = _Layout(folder)
    for split in SPLITS:
        rng = random.Random(f"pool photographs {split} {seed}")
        entries = [e for e in load_pool(split) if not e.has_alpha and e.kind not in PLAIN]
        for index in range(round(SPARE * sizes.get(split, 0))):
            entry = entries[index % len(entries)]
            photo = decode(entry)
            scale = max(rng.uniform(180, 260) / photo.width, 110 / photo.height)
            view = photo.resize(
                (round(photo.width * scale), round(photo.height * scale)), Image.Resampling.LANCZOS
            )
            if rng.random() < 0.5:
                view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            layout.add(view, split, [entry.group])
    layout.finish()
