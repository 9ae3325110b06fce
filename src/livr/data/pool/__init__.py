"""The embedded real images: about 250 photographs, cut-outs and paintings, all free to ship.

Every file is in the public domain or CC0; `manifest.csv` names licence, author and source
of each. `prepare.py` made the folder from the originals and documents what was changed.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from PIL import Image

from livr.errors import DataError

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
POOL_DIR = Path(__file__).parent


@dataclass(frozen=True)
class PoolImage:
    """One embedded image with its provenance.

    Attributes:
        path: Absolute path of the WebP file.
        kind: What it shows: animal, dam, fish, monument, music, object, painting, sea,
            solar, tool or windmill.
        name: File name without ending, unique within its kind and `has_alpha`.
        group: Pictures of the same thing share a group; a group lies in one split only.
        split: train, val or test.
        licence: SPDX-like licence name.
        author: Author as the source states it.
        source_url: Where the original can be found; empty if the collection names no URL.
        has_alpha: True for a cut-out (RGBA), False for a photograph or painting (RGB).
    """

    path: Path
    kind: str
    name: str
    group: int
    split: Split
    licence: str
    author: str
    source_url: str
    has_alpha: bool

    def open(self) -> Image.Image:
        """Returns the decoded picture, RGBA for a cut-out, otherwise RGB."""
        with Image.open(self.path) as image:
            return image.convert("RGBA" if self.has_alpha else "RGB")


@lru_cache(maxsize=1)
def _read_manifest() -> tuple[PoolImage, ...]:
    manifest = POOL_DIR / "manifest.csv"
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(
        PoolImage(
            path=POOL_DIR / row["path"],
            kind=row["kind"],
            name=row["name"],
            group=int(row["group"]),
            split=_as_split(row["split"]),
            licence=row["licence"],
            author=row["author"],
            source_url=row["source_url"],
            has_alpha=row["has_alpha"] == "1",
        )
        for row in rows
    )


def _as_split(name: str) -> Split:
    for split in SPLITS:
        if name == split:
            return split
    raise DataError(f"unknown split {name!r}; expected one of {', '.join(SPLITS)}")


def load_pool(split: str | None = None) -> list[PoolImage]:
    """Lists the embedded images in manifest order.

    Args:
        split: train, val or test; None returns all.

    Raises:
        DataError: The split does not exist.
    """
    images = _read_manifest()
    if split is None:
        return list(images)
    wanted = _as_split(split)
    return [image for image in images if image.split == wanted]
