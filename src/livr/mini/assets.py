"""Material of the curriculum: the pool's training pictures, held in memory at a small size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image

PHOTO_SIDE = 256
CUTOUT_SIDE = 112


@dataclass(frozen=True)
class Picture:
    """One picture and what it shows.

    Attributes:
        image: RGB photograph, or RGBA cut-out cropped to its object.
        kind: What it shows, as a word of the curriculum.
        group: Group of near-duplicates it belongs to.
    """

    image: Image.Image
    kind: str
    group: int


@dataclass(frozen=True)
class Assets:
    """Photographs (scenes, RGB) and cut-outs (objects, RGBA) of one split."""

    photos: tuple[Picture, ...]
    cutouts: tuple[Picture, ...]

    def photos_of(self, kind: str) -> tuple[Picture, ...]:
        """All photographs of a kind."""
        return tuple(p for p in self.photos if p.kind == kind)


@lru_cache(maxsize=4)
def load_assets(splits: Sequence[str] = ("train",)) -> Assets:
    """Read the pool once.

    Args:
        splits: Splits of the pool to use. The curriculum uses "train" only; "val" serves the
            held-out accuracy.
    """
    from livr.data.pool import load_pool

    photos: list[Picture] = []
    cutouts: list[Picture] = []
    for split in splits:
        for entry in load_pool(split):
            image = entry.open()
            side = CUTOUT_SIDE if entry.has_alpha else PHOTO_SIDE
            image.thumbnail((side, side), Image.Resampling.LANCZOS)
            image = image.convert("RGBA" if entry.has_alpha else "RGB")
            picture = Picture(image, entry.kind, entry.group)
            (cutouts if entry.has_alpha else photos).append(picture)
    return Assets(tuple(photos), tuple(cutouts))
