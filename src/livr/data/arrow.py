"""Records from Arrow tables: of all columns those that are read, with stored numbers in words.

A `ClassLabel` is stored as a number and means a name; a float of 32 bits, widened to 64, shows
digits that nobody wrote.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from livr.data.columns import CHAT, KEYS, ORIGIN, misspelt, repeated
from livr.data.record import Record
from livr.data.rows import shortened
from livr.data.texts import not_utf8
from livr.errors import Problem

_Meaning = Callable[[Any], Any]
_ASKING = ("question", *CHAT)


def column_problems(schema: pa.Schema) -> list[str]:
    """Says what is wrong with the columns of a table of questions."""
    found = [f"the column {name} stands twice; keep one of them" for name in repeated(schema.names)]
    names = [f.name for f in schema if f.name != ORIGIN or _is_list(f.type)]
    found.extend(misspelt(tuple(names)))
    if not found and not set(_ASKING) & set(names):
        has = shortened(", ".join(schema.names)) or "none"
        found.append(f"there is no column {', '.join(_ASKING[:-1])} or {_ASKING[-1]}; it has {has}")
    return found


def read_columns(schema: pa.Schema) -> list[str]:
    """Returns the columns that are read; what stands in others cannot be wrong."""
    return [name for name in schema.names if name in KEYS]


def stored_features(schema: pa.Schema) -> dict[str, Any]:
    """Returns what `datasets` wrote about the columns of a parquet file; empty if nothing."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return features if isinstance(features, dict) else {}


def numbered_rows(
    batches: Iterable[Any], features: Mapping[str, Any], file: str, problems: list[Problem]
) -> Iterator[tuple[int, Record]]:
    """Yields (row counted from 1, record) of all rows that can be read.

    Args:
        batches: `pyarrow.Table` or `pyarrow.RecordBatch`, of columns that are read.
        features: Column -> its feature, in the form of `datasets.Features.to_dict()`.
        file: Name for messages.
        problems: Receives one entry for every value that cannot be read.
    """
    start = 1
    for batch in batches:
        meanings = {
            field.name: meaning
            for field in batch.schema
            if (meaning := _meaning(field.type, features.get(field.name)))
        }
        for number, record in _plain_rows(batch, start, file, problems):
            yield number, {key: _applied(meanings.get(key), v) for key, v in record.items()}
        start += batch.num_rows


def _plain_rows(
    batch: Any, start: int, file: str, problems: list[Problem]
) -> Iterator[tuple[int, Record]]:
    try:
        rows = batch.to_pylist()
    except (ValueError, OverflowError, pa.ArrowException):  # one value spoils the batch
        pass
    else:
        yield from enumerate(rows, start)
        return
    for index in range(batch.num_rows):
        record, before = {}, len(problems)
        for name in batch.schema.names:
            try:
                record[name] = batch.column(name)[index].as_py()
            except UnicodeDecodeError as error:
                problems.append(Problem(file, start + index, f'"{name}" {not_utf8(error)}'))
            except (ValueError, OverflowError, pa.ArrowException) as error:
                message = f'"{name}" cannot be read: {error}; write it as text'
                problems.append(Problem(file, start + index, message))
        if len(problems) == before:
            yield start + index, record


def _applied(meaning: _Meaning | None, value: Any) -> Any:
    return value if meaning is None or value is None else meaning(value)


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _meaning(kind: pa.DataType, feature: Any) -> _Meaning | None:
    """What turns a stored value into the one meant; None if they are the same."""
    if _is_list(kind):
        # Older versions write a list of one feature, and a Sequence of a dict as dict of lists.
        inner = feature[0] if isinstance(feature, list) and feature else feature
        inner = inner.get("feature", inner) if isinstance(inner, dict) else None
        item = _meaning(kind.value_type, inner)
        return None if item is None else lambda values: [_applied(item, v) for v in values]
    if pa.types.is_struct(kind):
        inner = feature.get("feature", feature) if isinstance(feature, dict) else {}
        inner = inner if isinstance(inner, dict) else {}
        parts = {
            field.name: part
            for field in kind
            if (part := _meaning(field.type, inner.get(field.name)))
        }
        if not parts:
            return None
        return lambda value: {key: _applied(parts.get(key), v) for key, v in value.items()}
    if isinstance(feature, dict) and feature.get("_type") == "ClassLabel":
        names = feature.get("names") or ()
        # -1 is what `datasets` stores where a label is not known.
        return lambda number: names[number] if 0 <= number < len(names) else None
    if pa.types.is_float32(kind) or pa.types.is_float16(kind):
        shortest = np.float32 if pa.types.is_float32(kind) else np.float16
        return lambda number: float(str(shortest(number)))
    return None
