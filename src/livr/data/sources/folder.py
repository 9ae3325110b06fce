"""What is common to all sources: description, clear errors, which group is in which split."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from livr.errors import DataError, Problem

SPLITS_FILE = "splits.csv"


@dataclass(frozen=True)
class SourceInfo:
    """A public data set.

    Attributes:
        name: Its name.
        url: Where to get it.
        licence: Licence of the data as its authors state it.
        layout: The files expected below the source folder, one line each.
    """

    name: str
    url: str
    licence: str
    layout: tuple[str, ...]


def require(folder: Path, info: SourceInfo, *paths: str) -> None:
    """Checks that `folder` holds every given path (a glob pattern relative to it).

    Raises:
        DataError: Says what was expected, what was found, where to get the data.
    """
    there = folder.is_dir()
    missing = [path for path in paths if not there or next(folder.glob(path), None) is None]
    if not missing:
        return
    if not folder.exists():
        found = "the folder does not exist"
    elif not folder.is_dir():
        found = "it is a file, not a folder"
    else:
        names = sorted(p.name for p in folder.iterdir())
        found = ", ".join(names[:12]) + (" ..." if len(names) > 12 else "") if names else "nothing"
    raise DataError(
        "\n".join(
            [
                f"{folder} is not a {info.name} folder",
                f"  expected: {'; '.join(info.layout)}",
                f"  missing:  {', '.join(missing)}",
                f"  found:    {found}",
                f"  get it:   {info.url}",
                f"  licence:  {info.licence}",
            ]
        )
    )


@contextmanager
def open_table(path: Path) -> Iterator[csv.DictReader[str]]:
    """Gives the rows of a csv file with a header, in UTF-8 with or without its mark in front.

    Raises:
        DataError: It is not UTF-8, or not csv.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield csv.DictReader(file)
    except UnicodeDecodeError as error:
        found = f"a byte {error.object[error.start]:#04x} cannot be read"
        raise DataError(f"{path} is not UTF-8 text ({found}); save it as UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as csv ({error}); save it again") from error


@dataclass(frozen=True)
class SplitsFile:
    """The contents of `splits.csv`.

    Attributes:
        splits: Key (image, sequence, scene) -> train, val or test.
        groups: Key -> the original pictures it was made from, where the file says so.
    """

    splits: Mapping[str, str]
    groups: Mapping[str, tuple[str, ...]]


def read_splits_file(folder: Path) -> SplitsFile | None:
    """Reads `splits.csv` (columns key, split and optionally group) if the source folder has one.

    With this file a user decides herself which source image, sequence or scene belongs to
    which split; without it the split rule of the task applies. `group` names the original
    pictures, separated by spaces, if a source picture was made from others. Ours.

    Raises:
        DataError: It is no csv in UTF-8, a column or a split name is wrong, or a group is in two
            splits.
    """
    path = folder / SPLITS_FILE
    if not path.is_file():
        return None
    splits: dict[str, str] = {}
    groups: dict[str, tuple[str, ...]] = {}
    split_of: dict[str, str] = {}
    problems = []
    with open_table(path) as reader:
        if not {"key", "split"} <= set(reader.fieldnames or ()):
            found = ", ".join(reader.fieldnames or ()) or "none"
            raise DataError(f"{path}: expected columns key and split, found {found}")
        for number, row in enumerate(reader, start=2):
            split = row["split"]
            if split not in ("train", "val", "test"):
                problems.append(Problem(SPLITS_FILE, number, f"unknown split {split!r}"))
            splits[row["key"]] = split
            if row.get("group"):
                groups[row["key"]] = tuple(row["group"].split())
            for group in groups.get(row["key"], ()):
                if split_of.setdefault(group, split) != split:
                    problems.append(Problem(SPLITS_FILE, number, f"group {group} is in two splits"))
    if problems:
        raise DataError(f"{path} has {len(problems)} problem(s):", problems)
    return SplitsFile(splits, groups)


def write_splits_file(folder: Path, rows: Iterable[tuple[str, str, Iterable[object]]]) -> None:
    """Writes `splits.csv` from (key, split, groups)."""
    with (folder / SPLITS_FILE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("key", "split", "group"))
        for key, split, groups in rows:
            writer.writerow((key, split, " ".join(sorted({str(group) for group in groups}))))


def split_groups(
    groups: Iterable[str], seed: int, shares: Mapping[str, float], fixed: SplitsFile | None
) -> dict[str, str]:
    """Assigns every group to a split, independent of the order of `groups`.

    Args:
        groups: Names; repeated names count once.
        seed: Seed of the data set.
        shares: Split -> share of the groups; the last split takes the rest.
        fixed: Assignment from `splits.csv`, which wins; groups it does not name are left out.
    """
    names = sorted(set(groups))
    if fixed is not None:
        return {name: fixed.splits[name] for name in names if name in fixed.splits}
    names.sort(key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())
    result: dict[str, str] = {}
    start = 0
    splits: Sequence[str] = list(shares)
    for index, split in enumerate(splits):
        last = index == len(splits) - 1
        end = len(names) if last else start + round(shares[split] * len(names))
        result.update(dict.fromkeys(names[start:end], split))
        start = end
    return result
