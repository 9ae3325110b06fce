"""COCO 2017: photographs with instance masks.

Layout as published: `annotations/instances_{train2017,val2017}.json` and the photographs in
`train2017/` and `val2017/`. Boxes are x, y, width, height in px; masks are polygons, or
run lengths (also compressed) for crowds. Annotations are streamed; no picture is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pycocotools import mask as mask_tools

from livr.data.sources.folder import SourceInfo, read_splits_file, require, split_groups
from livr.data.sources.json_stream import iter_items
from livr.errors import DataError

INFO = SourceInfo(
    name="COCO 2017",
    url="https://cocodataset.org/#download",
    licence="annotations CC-BY-4.0; photographs under their Flickr terms",
    layout=(
        "annotations/instances_train2017.json",
        "annotations/instances_val2017.json",
        "train2017/*.jpg",
        "val2017/*.jpg",
    ),
)
SHARES = {"train": 0.8, "val": 0.2}


@dataclass(frozen=True, slots=True)
class CocoImage:
    """One photograph. Sizes in px."""

    path: Path
    key: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class CocoPart:
    """The photographs of one split, and the names of the categories."""

    annotations: Path
    images: dict[int, CocoImage]
    categories: dict[int, str]


def read_part(folder: Path, split: str, seed: int) -> CocoPart:
    """Lists the photographs of one split.

    Split rule: `splits.csv` (key: file name) if there is one, over train2017. Otherwise train
    and val are disjoint parts of train2017 and test is val2017 (ours; the paper tests on BLINK).

    Raises:
        DataError: The folder is not COCO 2017 or a file is malformed.
    """
    fixed = read_splits_file(folder)
    part = "val2017" if split == "test" and fixed is None else "train2017"
    name = f"annotations/instances_{part}.json"
    require(folder, INFO, name, part)
    path = folder / name
    images: dict[int, CocoImage] = {}
    categories: dict[int, str] = {}
    for key, item in iter_items(path):
        try:
            if key == "images":
                file = item["file_name"]
                size = int(item["width"]), int(item["height"])
                images[item["id"]] = CocoImage(folder / part / file, file, *size)
            elif key == "categories":
                categories[item["id"]] = item["name"]
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path}: malformed entry under {key}: {error!r}") from error
    if part == "train2017":
        shares = SHARES if fixed is None else {}
        chosen = split_groups((i.key for i in images.values()), seed, shares, fixed)
        images = {k: v for k, v in images.items() if chosen.get(v.key) == split}
    return CocoPart(path, images, categories)


def read_annotations(part: CocoPart) -> Iterator[dict[str, Any]]:
    """Streams the annotations of the photographs in `part`, as they stand in the file."""
    for key, item in iter_items(part.annotations):
        if key == "annotations" and item.get("image_id") in part.images:
            yield item


def mask_area(segmentation: Any, width: int, height: int) -> float:
    """Returns the area of a mask in px, from polygons or (compressed) run lengths.

    Raises:
        ValueError: The segmentation is empty or of an unknown form.
    """
    if isinstance(segmentation, list):
        polygons = [polygon for polygon in segmentation if len(polygon) >= 6]
        if not polygons:
            raise ValueError("no polygon with three points")
        runs = mask_tools.merge(mask_tools.frPyObjects(polygons, height, width))
    elif isinstance(segmentation, dict) and isinstance(segmentation.get("counts"), list):
        runs = mask_tools.frPyObjects(segmentation, height, width)
    elif isinstance(segmentation, dict) and isinstance(segmentation.get("counts"), str | bytes):
        runs = segmentation
    else:
        raise ValueError("neither polygons nor run lengths")
    return float(mask_tools.area(runs))
