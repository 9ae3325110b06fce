"""Records from JSON and JSON lines. A record comes with its row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from livr.data.json_text import Objects, json_fault, parsed, repeated_key
from livr.data.record import Record
from livr.errors import DataError, Problem

_Numbered = Iterator[tuple[int, Record]]
"""Records, each with its row: the line of a text file, else counted from 1."""


def not_utf8(error: UnicodeDecodeError) -> str:
    """Says why bytes are no text, as the end of a sentence."""
    found = error.object[error.start]
    return f"is not UTF-8 text (a byte {found:#04x} cannot be read); save it as UTF-8"


def _without_repeats(
    path: Path, number: int, row: Any, doubled: Objects, problems: list[Problem]
) -> _Numbered:
    """Yields the row, or notes that a key stands twice in it."""
    problem = repeated_key(row, doubled)
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
        rows, doubled = parsed(path.read_text(encoding="utf-8-sig"))
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
                row, doubled = parsed(line)
            except UnicodeDecodeError as error:
                problems.append(Problem(path.name, number, f"the line {not_utf8(error)}"))
            except (ValueError, RecursionError) as error:
                message = f"not JSON: {json_fault(error, in_line=True)}"
                problems.append(Problem(path.name, number, message))
            else:
                yield from _without_repeats(path, number, row, doubled, problems)
