"""Parquet files of published data sets: opened, and refused where they are not what they should."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from livr.data.sources.folder import SourceInfo
from livr.errors import DataError


def open_file(path: Path) -> pq.ParquetFile:
    """Opens a parquet file.

    Raises:
        DataError: It is none.
    """
    try:
        return pq.ParquetFile(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{path} is not a parquet file: {error}") from error


def open_parquet(path: Path, columns: Iterable[str], info: SourceInfo) -> pq.ParquetFile:
    """Open a file that must have some columns.

    Raises:
        DataError: It is not a parquet file, or a column is missing.
    """
    file = open_file(path)
    missing = sorted(set(columns) - set(file.schema_arrow.names))
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}; see {info.url}")
    return file


def read_batches(
    file: pq.ParquetFile,
    path: Path,
    columns: Sequence[str],
    size: int = 65536,
    row_groups: Sequence[int] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yields the rows of a file, some at a time.

    Args:
        file: The file, opened.
        path: Its path, for messages.
        columns: What is read of it.
        size: Most rows at a time.
        row_groups: Which of its row groups; None for all.

    Raises:
        DataError: The file is damaged.
    """
    try:
        yield from file.iter_batches(size, row_groups=row_groups, columns=list(columns))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{path} is damaged, copy it again: {error}") from error


def to_rows(batch: pa.RecordBatch, path: Path) -> list[dict[str, Any]]:
    """Returns rows as Python values.

    Raises:
        DataError: A value has no form in Python, such as text that is not UTF-8.
    """
    try:
        rows: list[dict[str, Any]] = batch.to_pylist()
    except (ValueError, OverflowError, pa.ArrowException) as error:
        raise DataError(f"{path} holds a value that cannot be read: {error}") from error
    return rows
