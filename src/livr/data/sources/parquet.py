"""Parquet files of published data sets: opened, and refused where they are not what they should."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq

from livr.data.sources.folder import SourceInfo
from livr.errors import DataError


def open_parquet(path: Path, columns: Iterable[str], info: SourceInfo) -> pq.ParquetFile:
    """Open a file that must have some columns.

    Raises:
        DataError: It is not a parquet file, or a column is missing.
    """
    try:
        file = pq.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not a parquet file: {error}") from error
    missing = sorted(set(columns) - set(file.schema_arrow.names))
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}; see {info.url}")
    return file
