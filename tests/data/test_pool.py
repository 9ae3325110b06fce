"""The embedded pictures: provenance, splits, and that what is composed is what is annotated."""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as mask_tools

from livr.data.pool import POOL_DIR, SPLITS, coco_layout, counts, hpatches_layout, load_pool
from livr.data.pool.keypoints import load_keypoints, render
from livr.data.pool.scenes import backgrounds
from livr.data.sources.hpatches import Sequence, warp
from livr.data.store import file_sha256
from livr.errors import DataError


def test_every_file_has_its_provenance() -> None:
    with (POOL_DIR / "manifest.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    files = {p.relative_to(POOL_DIR).as_posix() for p in (POOL_DIR / "images").rglob("*.webp")}
    assert {row["path"] for row in rows} == files
    assert sum((POOL_DIR / name).stat().st_size for name in files) <= 8_000_000
    for row in rows:
        assert row["licence"] in ("PD", "CC0-1.0")
        assert row["author"]
        assert row["original_path"]
        assert file_sha256(POOL_DIR / row["path"]) == row["sha256"]


def test_where_the_collection_names_no_url_it_names_an_author() -> None:
    without = [image for image in load_pool() if not image.source_url.startswith("http")]
    assert Counter(image.kind for image in without) == {"fish": 26, "painting": 8}


def test_splits_are_stratified_by_kind() -> None:
    for kind, total in Counter(image.kind for image in load_pool()).items():
        shares = Counter(image.split for image in load_pool() if image.kind == kind)
        assert set(shares) == set(SPLITS), kind
        assert shares["train"] / total >= 0.55, kind
    assert sum(len(load_pool(split)) for split in SPLITS) == len(load_pool())
    with pytest.raises(DataError, match="unknown split"):
        load_pool("dev")


def test_pictures_open_in_their_mode() -> None:
    for entry in load_pool()[::25]:
        assert entry.open().mode == ("RGBA" if entry.has_alpha else "RGB")


@pytest.mark.parametrize("count", [2, 10])
def test_a_counting_scene_shows_exactly_that_many(count: int) -> None:
    scene = counts.compose("val", "fish", count, random.Random(1))
    assert len(scene.masks_HW) == count
    total = np.sum([mask.astype(int) for mask in scene.masks_HW], axis=0)
    assert total.max() == 1  # what one object covers is no longer part of another
    assert min(mask.sum() for mask in scene.masks_HW) > 100
    assert set(scene.groups) <= {image.group for image in load_pool("val")}


def test_coco_masks_are_where_the_object_is(tmp_path: Path) -> None:
    coco_layout.write_objects(tmp_path, {"val": 6}, seed=1)
    document = json.loads((tmp_path / "annotations/instances_train2017.json").read_text())
    assert len(document["images"]) >= 6
    for annotation in document["annotations"]:
        mask_HW = mask_tools.decode(annotation["segmentation"])
        ys, xs = mask_HW.nonzero()
        x, y, width, height = annotation["bbox"]
        assert (xs.min(), ys.min()) == (x, y)
        assert (xs.max() + 1 - xs.min(), ys.max() + 1 - ys.min()) == (width, height)
        assert annotation["area"] == mask_HW.sum()


def test_hpatches_homographies_are_true(tmp_path: Path) -> None:
    hpatches_layout.write(tmp_path, {"val": 6}, seed=1)
    errors = []
    for folder in sorted((tmp_path / "hpatches-sequences-release").glob("v_*")):
        sequence = Sequence(folder)
        with Image.open(sequence.picture(2)) as a, Image.open(sequence.picture(5)) as b:
            first, second = (np.asarray(i.convert("L"), dtype=float) for i in (a, b))
        matrix = sequence.homography(2, 5)
        inside, apart = [], []
        for y in range(20, 100, 8):
            for x in range(20, 140, 8):
                u, v = warp(matrix, (x, y))
                if 2 <= u < 157 and 2 <= v < 117:
                    inside.append(abs(first[y, x] - second[round(v), round(u)]))
                    apart.append(abs(first[y, x] - second[119 - round(v), 159 - round(u)]))
        errors.append(np.mean(inside) / max(1.0, float(np.mean(apart))))
    assert np.mean(errors) < 0.5


def test_keypoints_stay_on_the_picture() -> None:
    scenery = backgrounds("train", "fish")
    categories = Counter(item.category for item in load_keypoints())
    assert min(categories.values()) >= 10
    for item in load_keypoints()[::9]:
        assert all(0 <= value <= 1 for point in item.points for value in point)
        view = render(item, scenery, random.Random(item.entry.name))
        width, height = view.image.size
        assert all(0 <= x <= width and 0 <= y <= height for x, y in view.points)


def test_a_rendered_view_moves_its_keypoints_along() -> None:
    item = next(i for i in load_keypoints() if i.entry.name == "hammer5" and not i.entry.has_alpha)
    view = render(item, [], random.Random(3))
    x, y = view.points[3]  # the middle of the red grip
    red, green, blue = view.image.getpixel((round(x), round(y)))
    assert red > 150 > max(green, blue)
