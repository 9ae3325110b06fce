"""PixMo-Count: parquet files with image URLs, counts and points; pictures in a local cache.

Layout as published on the Hugging Face hub: `data/{train,validation,test}-*.parquet` with the
columns image_url, image_sha256 (of the bytes), count, points, label. The data set holds no
pictures. They are looked up in `images/`, named by the SHA-256 of the URL (as the Molmo code
caches them), with or without an ending.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from livr.data.sources.folder import SourceInfo, require
from livr.data.sources.parquet import open_parquet, read_batches, to_rows

INFO = SourceInfo(
    name="PixMo-Count",
    url="https://huggingface.co/datasets/allenai/pixmo-count",
    licence="ODC-BY-1.0 (the pictures keep the terms of their web pages)",
    layout=(
        "data/{train,validation,test}-*.parquet",
        "images/<sha256 of the URL>",
    ),
)
PARTS = {"train": "train", "val": "validation", "test": "test"}
COLUMNS = ("image_url", "image_sha256", "count", "label")
CACHE = "images"


@dataclass(frozen=True)
class CountRecord:
    """One row: how many things of a kind a picture shows."""

    url: str
    sha256: str
    count: int
    label: str


def url_key(url: str) -> str:
    """Returns the cache name of a URL."""
    return hashlib.sha256(url.encode("utf-8")).hexdigest()


def read_records(folder: Path, split: str) -> Iterator[CountRecord]:
    """Streams the rows of one official split.

    Raises:
        DataError: The folder is not PixMo-Count or a column is missing.
    """
    pattern = f"data/{PARTS[split]}-*.parquet"
    require(folder, INFO, pattern)
    for path in sorted(folder.glob(pattern)):
        file = open_parquet(path, COLUMNS, INFO)
        for batch in read_batches(file, path, COLUMNS):
            for row in to_rows(batch, path):
                yield CountRecord(
                    row["image_url"], row["image_sha256"] or "", int(row["count"]), row["label"]
                )


def find_image(folder: Path, record: CountRecord, drops: Counter[str]) -> Path | None:
    """Returns the cached picture, or None if it is gone or no longer the annotated one."""
    key = url_key(record.url)
    plain = folder / CACHE / key
    path = plain if plain.is_file() else next(iter(sorted(plain.parent.glob(f"{key}.*"))), None)
    if path is None:
        drops["image is gone (not in the cache)"] += 1
        return None
    if record.sha256 and hashlib.sha256(path.read_bytes()).hexdigest() != record.sha256:
        drops["image changed since it was annotated (sha256)"] += 1
        return None
    return path
