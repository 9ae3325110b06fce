"""Records from text files: JSON, JSON lines, csv. A record comes with its row."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from livr.data.columns import misspelt, repeated
from livr.data.lines import json_fault
from livr.data.record import Record
from livr.errors import DataError, Problem

COLUMNS = ("image", "question", "answer")
TEXTS = ("id", "task", "split", "score_group")
LISTS = {"choices": "|", "board": "|", "sources": ";", "helper_images": ";"}
"""Further columns of a csv: one text, or several with what stands between them."""
_LONGEST_CELL = 2**31 - 1
_Numbered = Iterator[tuple[int, Record]]
"""Records, each with its row: the line of a text file, else counted from 1."""
_Objects = list[tuple[dict[str, Any], str]]
"""JSON objects in which a key stands twice, with that key."""


def not_utf8(error: UnicodeDecodeError) -> str:
    """Says why bytes are no text, as the end of a sentence."""
    found = error.object[error.start]
    return f"is not UTF-8 text (a byte {found:#04x} cannot be read); save it as UTF-8"


def _parsed(text: str) -> tuple[Any, _Objects]:
    """A JSON value, and its objects with a repeated key: Python would keep the last value."""
    doubled: _Objects = []

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            doubled.append((result, repeated([key for key, _ in pairs])[0]))
        return result

    return json.loads(text, object_pairs_hook=build), doubled


def _repeated_key(row: Any, doubled: _Objects) -> str | None:
    """What is wrong with a row that holds one of these objects."""
    keys = {id(value): key for value, key in doubled}
    waiting = [row]
    while waiting:
        value = waiting.pop()
        if id(value) in keys:
            return f'the key "{keys[id(value)]}" stands twice in one object; keep one of them'
        if isinstance(value, dict | list):
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return None


def _without_repeats(
    path: Path, number: int, row: Any, doubled: _Objects, problems: list[Problem]
) -> _Numbered:
    """Yields the row, or notes that a key stands twice in it."""
    problem = _repeated_key(row, doubled) if doubled else None
    if problem is None:
        yield number, row
    else:
        problems.append(Problem(path.name, number, problem))


def from_json(path: Path, problems: list[Problem]) -> _Numbered:
    """Yields the items of a JSON list.

    Args:
        path: The file.
        problems: Receives one entry for every row that cannot be read.

    Raises:
        DataError: It is not UTF-8, not JSON or not a list.
    """
    try:
        rows, doubled = _parsed(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} {not_utf8(error)}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {json_fault(error)}") from error
    if not isinstance(rows, list):
        raise DataError(f"{path}: expected a list of rows, found {type(rows).__name__}")
    for number, row in enumerate(rows, start=1):
        yield from _without_repeats(path, number, row, doubled, problems)


def from_lines(path: Path, problems: list[Problem]) -> _Numbered:
    """Yields the JSON value of each line.

    Args:
        path: The file.
        problems: Receives one entry for every line that cannot be read.
    """
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, start=1):
            try:
                line = raw.decode("utf-8-sig").rstrip("\r\n")
                if not line.strip():
                    continue
                row, doubled = _parsed(line)
            except UnicodeDecodeError as error:
                problems.append(Problem(path.name, number, f"the line {not_utf8(error)}"))
            except (ValueError, RecursionError) as error:
                message = f"not JSON: {json_fault(error, in_line=True)}"
                problems.append(Problem(path.name, number, message))
            else:
                yield from _without_repeats(path, number, row, doubled, problems)


def from_csv(path: Path, problems: list[Problem]) -> _Numbered:
    """Yields the rows of a csv file.

    Args:
        path: The file.
        problems: Receives one entry for every row that cannot be read.

    Raises:
        DataError: It is not UTF-8, or a column is missing.
    """
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            # Not strict, a quote that nobody closes would take the rows below into its cell.
            yield from _csv_rows(csv.reader(file, strict=True), path, problems)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} {not_utf8(error)}") from error
    finally:
        csv.field_size_limit(limit)  # it holds for the whole program


def _csv_rows(table: Any, path: Path, problems: list[Problem]) -> _Numbered:
    rows = _csv_cells(table, path, problems)
    place, cells = next(rows, (1, []))
    header = [name.strip() for name in cells]
    missing = [name for name in COLUMNS if name not in header]
    if header and missing:
        raise DataError(
            f"{path}: the csv has no column {', '.join(missing)}; expected {','.join(COLUMNS)}, "
            f"found {','.join(header)}"
        )
    wrong = _header_problems(header)
    if wrong:
        problems.extend(Problem(path.name, place, message) for message in wrong)
        return
    for number, cells in rows:
        if len(cells) == len(header):
            yield number, _csv_record(dict(zip(header, cells, strict=True)))
            continue
        message = (
            f"the row has {len(cells)} cells but the header has {len(header)}; "
            "text that holds a comma needs quotes around it"
        )
        problems.append(Problem(path.name, number, message))


def _csv_cells(
    table: Any, path: Path, problems: list[Problem]
) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows that are not blank, up to the first that is no csv: where it ends is not known."""
    while True:
        number = table.line_num + 1  # a row may go on over several lines
        try:
            cells = next(table, None)
        except csv.Error as error:
            message = (
                f"the row that begins here is not csv ({error}), nothing below it was read; "
                "close every quote, and double those inside a quoted cell"
            )
            problems.append(Problem(path.name, number, message))
            return
        if cells is None:
            return
        if cells:
            yield number, cells


def _header_problems(header: list[str]) -> list[str]:
    twice = [f"the column {name} stands twice; keep one of them" for name in repeated(header)]
    return twice + list(misspelt(tuple(header), (*COLUMNS, *TEXTS, *LISTS)))


def _csv_record(row: dict[str, str]) -> Record:
    record: Record = {"question": row["question"], "answer": row["answer"]}
    record["images"] = [name.strip() for name in row["image"].split(";") if name.strip()]
    record.update({key: row[key] for key in TEXTS if row.get(key)})
    for key, mark in LISTS.items():
        values = [value.strip() for value in row.get(key, "").split(mark)]
        # An empty choice is a mistake to report, an empty name at the end is none.
        record[key] = values if mark == "|" and row.get(key) else [name for name in values if name]
    return record
