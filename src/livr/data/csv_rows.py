"""Records from csv, as people and spreadsheets write it. A record comes with its row.

What stands between the cells is what Excel's line `sep=` names in front, else what the header can
be read with. Names of columns are read without regard to case, and blank rows are passed over.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from livr.data.columns import misspelt, repeated
from livr.data.record import Record
from livr.data.rows import shortened
from livr.data.texts import not_utf8
from livr.errors import DataError, Problem

COLUMNS = ("image", "question", "answer")
TEXTS = ("id", "task", "split", "score_group")
LISTS = {"choices": "|", "board": "|", "sources": ";", "helper_images": ";"}
"""Further columns of a csv: one text, or several with what stands between them."""
_KNOWN = (*COLUMNS, *TEXTS, *LISTS)
_LONGEST_CELL = 2**31 - 1
_MARKS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
"""What may stand between cells, and its name."""
_SEP = re.compile(r'"?sep=([,;\t|])"?', re.IGNORECASE)
_Numbered = Iterator[tuple[int, Record]]
"""Records, each with the line that its row begins in."""


class _Form(NamedTuple):
    """What stands between the cells of a file, and how many lines stand above its header."""

    mark: str
    above: int


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
            form = _form(file)
            # Not strict, a quote that nobody closes would take the rows below into its cell.
            table = csv.reader(file, delimiter=form.mark, strict=True)
            yield from _records(table, form, path, problems)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} {not_utf8(error)} (in Excel: CSV UTF-8)") from error
    finally:
        csv.field_size_limit(limit)  # it holds for the whole program


def _form(file: TextIO) -> _Form:
    """Looks at the first lines, and leaves the file where its header begins."""
    first = file.readline()
    if told := _SEP.fullmatch(first.strip("\r\n ")):
        return _Form(told[1], 1)
    while first and not first.strip():
        first = file.readline()
    file.seek(0)
    fits = (mark for mark in _MARKS if set(COLUMNS) <= set(_header(_cells(first, mark))))
    return _Form(next(fits, ","), 0)


def _cells(line: str, mark: str) -> Sequence[str]:
    return next(csv.reader([line], delimiter=mark), [])


def _header(cells: Sequence[str]) -> list[str]:
    """The names of the columns; those that are read in lower case."""
    names = [cell.strip() for cell in cells]
    return [name.lower() if name.lower() in _KNOWN else name for name in names]


def _records(table: Any, form: _Form, path: Path, problems: list[Problem]) -> _Numbered:
    rows = _rows(table, form, path, problems)
    place, cells = next(rows, (1, []))
    header = _header(cells)
    missing = [name for name in COLUMNS if name not in header]
    if header and missing:
        raise DataError(
            f"{path}: the csv has no column {', '.join(missing)}; expected {','.join(COLUMNS)}, "
            f"found {shortened(','.join(header))}; name the columns so in the first line, with "
            "commas between them"
        )
    wrong = _header_problems(header)
    if wrong:
        problems.extend(Problem(path.name, place, message) for message in wrong)
        return
    for number, cells in rows:
        if len(cells) != len(header):
            message = (
                f"the row has {len(cells)} cells but the header has {len(header)}; "
                f"text that holds a {_MARKS[form.mark]} needs quotes around it"
            )
            problems.append(Problem(path.name, number, message))
            continue
        record = _record(dict(zip(header, cells, strict=True)))
        if len(record["choices"]) == 1:
            message = (
                f"there is one choice, {shortened(record['choices'][0])!r}; put | between "
                "choices, as in yes|no, or leave the cell empty for an open question"
            )
            problems.append(Problem(path.name, number, message))
            record["choices"] = []
        yield number, record


def _rows(
    table: Any, form: _Form, path: Path, problems: list[Problem]
) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows that are not blank, up to the first that is no csv: where it ends is not known."""
    while True:
        number = form.above + table.line_num + 1  # a row may go on over several lines
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
        if any(cell.strip() for cell in cells):
            yield number, cells


def _header_problems(header: list[str]) -> list[str]:
    twice = [f"the column {name} stands twice; keep one of them" for name in repeated(header)]
    return twice + list(misspelt(tuple(header), _KNOWN))


def _record(row: dict[str, str]) -> Record:
    record: Record = {"question": row["question"], "answer": row["answer"]}
    record["images"] = [name.strip() for name in row["image"].split(";") if name.strip()]
    record.update({key: row[key] for key in TEXTS if row.get(key)})
    for key, mark in LISTS.items():
        cell = row.get(key, "")
        if key == "choices" and "|" not in cell:
            mark = ";"  # one choice alone is none, so nothing else can be meant
        values = [value.strip() for value in cell.split(mark)]
        # An empty choice is a mistake to report, an empty name at the end is none.
        record[key] = values if mark == "|" and cell else [name for name in values if name]
    return record
