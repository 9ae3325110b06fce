"""Data sets of one or more parts, each perhaps a split: parquet files, saved datasets, the hub."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any

from livr.data.record import Record
from livr.errors import DataError

_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
_Part = tuple[str, Iterable[Record]]
"""The name of a part, and its records."""


def split_of(name: str) -> str | None:
    """Returns the split that the name of a part tells, or None.

    It is a word of the name, as in `train`, `validation-00000-of-00002` or `counting_test`; where
    the last step of a path tells none, the folders above it are asked.

    >>> split_of("data/validation-00000-of-00002"), split_of("train/0000"), split_of("latest")
    ('val', 'train', None)
    """
    for step in reversed(PurePath(name).parts):
        found = {_SPLITS[word] for word in re.split(r"[\W_]+", step.lower()) if word in _SPLITS}
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def from_folder(path: Path) -> Iterator[tuple[str | None, Record]]:
    """Yields split and record of every row of a folder; None if its parts name no splits.

    Raises:
        DataError: The folder holds no data set, or only some of its parts name a split.
    """
    parts = list(_parts(path))
    splits = {name: split_of(name) for name, _ in parts}
    unnamed = sorted(name for name, split in splits.items() if split is None)
    if 0 < len(unnamed) < len(splits):
        raise DataError(
            f"{path} has parts named after a split, and {', '.join(unnamed)}, which is none of "
            "train, val and test; rename or move it, or convert the parts one by one"
        )
    for name, records in parts:
        for record in records:
            yield splits[name], record


def _parts(path: Path) -> Iterator[_Part]:
    files = sorted(path.rglob("*.parquet"))
    if files:
        for file in files:
            yield str(file.relative_to(path).with_suffix("")), from_parquet(file)
        return
    import datasets  # slow to import

    try:
        loaded = datasets.load_from_disk(str(path))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} holds neither parquet files nor a saved dataset: {error}"
        ) from error
    if isinstance(loaded, datasets.DatasetDict):
        for name, part in loaded.items():
            yield str(name), _stored_rows(part)
    else:
        yield "", _stored_rows(loaded)


def from_parquet(path: Path) -> Iterator[Record]:
    """Yields the records of one parquet file.

    Raises:
        DataError: It is none.
    """
    import pyarrow.parquet as pq  # only where parquet is read

    try:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=64):
            yield from batch.to_pylist()
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not a parquet file: {error}") from error


def _stored_rows(dataset: Any) -> Iterator[Record]:
    """Rows as stored: `datasets` would decode each picture, and stop at a damaged one."""
    for batch in dataset.with_format("arrow").iter(batch_size=64):
        yield from batch.to_pylist()


def from_hub(name: str) -> Iterator[Record]:
    """Yields the records of one split of a data set on the hub, `NAME[:SPLIT]`.

    Raises:
        DataError: It cannot be loaded.
    """
    import datasets  # slow to import

    repository, _, split = name.partition(":")
    try:
        yield from _stored_rows(datasets.load_dataset(repository, split=split or "train"))
    except (OSError, ValueError) as error:
        raise DataError(f"{name} cannot be loaded from the Hugging Face hub: {error}") from error
