"""The lines of a data set file, read into rows, and every way their form can be wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from livr.data.json_text import json_fault, parsed, repeated_key
from livr.data.rows import Row, shortened
from livr.errors import Problem

_PICTURES = ("images", "helper_images")


class Line(NamedTuple):
    """A line of a data set file that holds a JSON object.

    Attributes:
        number: 1-based line.
        row: The row.
        whole: False if only id and pictures of the row could be read, and the rest is blank.
    """

    number: int
    row: Row
    whole: bool


def read_rows(path: Path, file: str, problems: list[Problem]) -> Iterator[Line]:
    """Yields every line that holds a JSON object; those with wrong keys or types in part.

    Args:
        path: The JSON-lines file.
        file: Its name in messages.
        problems: Receives an entry for all that is wrong with the form of a line, or one for an
            empty file.
    """
    seen = False
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, start=1):
            if not raw.strip():
                continue
            seen = True
            value, found = _object(raw)
            if value is None:
                problems.extend(Problem(file, number, message) for message in found)
                continue
            row, wrong = _validated(value)
            problems.extend(Problem(file, number, message) for message in (*found, *wrong))
            yield Line(number, *_in_part(value)) if row is None else Line(number, row, True)
    if not seen:
        problems.append(Problem(file, None, "the file is empty; add rows or delete it"))


def parse_line(raw: bytes) -> tuple[Row | None, list[str]]:
    """Parses one line. Returns the row or None, and what is wrong with the line."""
    value, found = _object(raw)
    if value is None:
        return None, found
    row, wrong = _validated(value)
    return row, [*found, *wrong]


def _object(raw: bytes) -> tuple[dict[str, Any] | None, list[str]]:
    """The JSON object of a line, or None if there is none, and what is wrong."""
    try:
        value, doubled = parsed(raw.decode("utf-8-sig").rstrip("\r\n"))
    except UnicodeDecodeError as error:
        return None, [f"not UTF-8 text (byte {error.start}); save the file as UTF-8"]
    except (ValueError, RecursionError) as error:
        return None, [f"not a JSON object on one line: {json_fault(error, in_line=True)}"]
    if not isinstance(value, dict):
        return None, [f"expected a JSON object {{...}}, found {type(value).__name__}"]
    twice = repeated_key(value, doubled)
    return value, [] if twice is None else [twice]


def _validated(value: dict[str, Any]) -> tuple[Row | None, list[str]]:
    try:
        return Row.model_validate(value), []
    except ValidationError as error:
        return None, [_explain(item) for item in error.errors()]


def _in_part(value: dict[str, Any]) -> tuple[Row, bool]:
    """A row of wrong form, so that what it says is checked in the same run; and if it is whole.

    Numbers count as text, and unknown keys as none. If that is not enough, id and pictures remain.
    """
    known = {key: item for key, item in value.items() if key in Row.model_fields}
    texts = {key: item if key in _PICTURES else _as_text(item) for key, item in known.items()}
    try:
        return Row.model_validate(texts), True
    except ValidationError:
        name = texts.get("id")
        pictures = {key: _texts_in(known.get(key)) for key in _PICTURES}
        blank = Row(id=name if isinstance(name, str) else "", images=[], question="", answer="")
        return blank.model_copy(update=pictures), False


def _as_text(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return str(value) if _is_number(value) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _texts_in(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]


def _explain(item: Any) -> str:
    key = shortened(".".join(str(part) for part in item["loc"]))
    if item["type"] == "missing":
        return f'the key "{key}" is missing'
    if item["type"] == "extra_forbidden":
        known = ", ".join(Row.model_fields)
        return f'unknown key "{key}"; a row has: {known}'
    value = item["input"]
    shown = shortened(json.dumps(value, ensure_ascii=False))
    if item["type"] == "list_type":
        return f'"{key}" must be a list, ["...", ...], found {shown}'
    if item["loc"][0] in _PICTURES:
        return f'"{key}" must be the path of a picture, found {shown}'
    if not _is_number(value):
        return f'"{key}" must be text, found {shown}'
    return (
        f'"{key}" must be text, found {shown}; write "{shown}" in quotes, or use livr data '
        "convert, which accepts numbers"
    )
