"""Data sets of one or more parts, each perhaps a split: parquet files, saved datasets, the hub."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from livr.data.arrow import column_problems, numbered_rows, read_columns, stored_features
from livr.data.lines import parse_line
from livr.data.record import Record
from livr.data.rows import shortened
from livr.data.sources.parquet import open_file, read_batches
from livr.data.store import stored_splits
from livr.errors import DataError, Problem

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
_SAVED = ("state.json", "dataset_dict.json")
"""What `save_to_disk` writes, for a dataset and for a dict of them."""
_TEXTS = (".csv", ".json", ".jsonl")
_LISTED = 5


class Placed(NamedTuple):
    """A record and where it stands.

    Attributes:
        split: The split that the source puts it into, if it names any.
        file: Its file or part.
        row: Its row in that file: the line of a text file, else counted from 1.
        record: What it says.
    """

    split: str | None
    file: str
    row: int
    record: Record


_Numbered = Iterator[tuple[int, Record]]
_Part = tuple[str, str, Callable[[], _Numbered]]
"""The name of a part, its file for messages, and what reads it."""


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


def stated_split(record: Record) -> str | None:
    """Returns the split that a record itself names under `split`, or None if it names none.

    Raises:
        ValueError: What it names is no split.
    """
    value = record.get("split")
    if value is None or value == "":
        return None
    split = split_of(value) if isinstance(value, str) else None
    if split is None:
        raise ValueError(
            f'"split" must be train, val or test, found {shortened(repr(value))}; correct it, or '
            "give the column another name to have the rows divided"
        )
    return split


def from_folder(path: Path, problems: list[Problem]) -> Iterator[Placed]:
    """Yields every row of a folder.

    Args:
        path: The folder.
        problems: Receives one entry for everything that cannot be read.

    Raises:
        DataError: The folder holds no data set, or only some of its parts name a split.
    """
    parts = list(_parts(path, problems))
    splits = {name: split_of(name) for name, _, _ in parts}
    unnamed = sorted(name for name, split in splits.items() if split is None)
    if 0 < len(unnamed) < len(splits):
        raise DataError(
            f"{path} has parts named after a split, and {', '.join(unnamed)}, which is none of "
            "train, val and test; rename or move it, or convert the parts one by one"
        )
    for name, file, read in parts:
        for number, record in read():
            yield Placed(splits[name], file, number, record)


def _parts(path: Path, problems: list[Problem]) -> Iterator[_Part]:
    below = sorted(file for file in path.rglob("*") if file.suffix.lower() == ".parquet")
    files = [file for file in below if file.is_file()]
    for file in files:
        name = str(file.relative_to(path))
        read = functools.partial(from_parquet, file, name, problems)
        yield str(PurePath(name).with_suffix("")), name, read
    if files:
        return
    if not any((path / name).is_file() for name in _SAVED):
        raise DataError(_no_dataset(path))
    import datasets  # slow to import

    try:
        loaded = datasets.load_from_disk(str(path))
    except Exception as error:  # damaged files raise whatever the reader stumbles over
        raise DataError(
            f"{path} holds a saved dataset that is damaged ({_fault(error)}); save it again with "
            "save_to_disk"
        ) from error
    if isinstance(loaded, datasets.DatasetDict):
        named = [(str(name), part) for name, part in loaded.items()]
    else:
        named = [("", loaded)]
    for name, part in named:
        file_name = name or path.name
        yield name, file_name, functools.partial(_stored_rows, part, file_name, problems)


def _no_dataset(path: Path) -> str:
    """What to do with a folder that holds neither parquet files nor a saved dataset."""
    if any(_is_ours(path / f"{split}.jsonl") for split in stored_splits(path)):
        return (
            f"{path} is a livr data set already: it can be used as it is, livr data check {path} "
            "looks for mistakes"
        )
    texts = sorted(file.name for file in path.iterdir() if file.suffix.lower() in _TEXTS)
    nothing = f"{path} holds neither parquet files nor a dataset written by save_to_disk"
    if not texts:
        return f"{nothing}; give a folder that holds one, or a csv, json or jsonl file"
    if len(texts) == 1:
        return f"{nothing}, but {texts[0]}; convert that file: livr data convert {path / texts[0]}"
    shown = ", ".join(texts[:_LISTED]) + (", ..." if len(texts) > _LISTED else "")
    return (
        f"{nothing}, but {shown}; convert one of them, as in livr data convert {path / texts[0]}, "
        "or put their rows into one file first, with a column split"
    )


def _is_ours(file: Path) -> bool:
    """Whether the first row of a file named after a split is a row of ours."""
    if not file.is_file():
        return False
    with file.open("rb") as lines:
        first = next((line for line in lines if line.strip()), b"")
    return parse_line(first)[0] is not None


def _fault(error: Exception) -> str:
    """The text of a KeyError alone would be a quoted word."""
    return f"{type(error).__name__}: {shortened(str(error))}"


def from_parquet(path: Path, name: str, problems: list[Problem]) -> _Numbered:
    """Yields the records of one parquet file, each with its row.

    Args:
        path: The file.
        name: Its name in messages.
        problems: Receives one entry for everything that cannot be read.

    Raises:
        DataError: It is no parquet file, or damaged.
    """
    file = open_file(path)
    schema = file.schema_arrow
    wrong = column_problems(schema)
    if wrong:
        problems.extend(Problem(name, None, message) for message in wrong)
        return
    batches = read_batches(file, path, read_columns(schema), size=64)
    yield from numbered_rows(batches, stored_features(schema), name, problems)


def _stored_rows(dataset: Any, name: str, problems: list[Problem]) -> _Numbered:
    """Rows as stored: `datasets` would decode each picture, and stop at a damaged one."""
    schema = dataset.features.arrow_schema
    wrong = column_problems(schema)
    if wrong:
        problems.extend(Problem(name, None, message) for message in wrong)
        return
    kept = dataset.select_columns(read_columns(schema)).with_format("arrow")
    yield from numbered_rows(_batches(kept, name), dataset.features.to_dict(), name, problems)


def _batches(dataset: Any, name: str) -> Iterator[Any]:
    try:
        yield from dataset.iter(batch_size=64)
    except Exception as error:  # damaged files raise whatever the reader stumbles over
        raise DataError(f"{name} is damaged ({_fault(error)}); save or load it again") from error


def from_hub(source: str, problems: list[Problem]) -> _Numbered:
    """Yields the records of one split of a data set on the hub, `NAME[:SPLIT]`, with their rows.

    Args:
        source: Name and split.
        problems: Receives one entry for everything that cannot be read.

    Raises:
        DataError: It cannot be loaded.
    """
    name, _, split = source.partition(":")
    if not name.strip():
        raise DataError("hf: names no data set; write hf:NAME or hf:NAME:SPLIT")
    import datasets  # slow to import

    try:
        loaded = datasets.load_dataset(name, split=split or "train")
    except Exception as error:  # scripts, configurations and files fail in many ways
        reason = _fault(error)
        raise DataError(f"{source} cannot be loaded from the Hugging Face hub: {reason}") from error
    yield from _stored_rows(loaded, source, problems)
