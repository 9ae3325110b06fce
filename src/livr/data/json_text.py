"""JSON as Python does not read it: a key that stands twice is noticed, and faults are explained."""

from __future__ import annotations

import json
import sys
from typing import Any

from livr.data.columns import repeated
from livr.data.rows import shortened

Objects = list[tuple[dict[str, Any], str]]
"""JSON objects in which a key stands twice, with that key."""


def parsed(text: str) -> tuple[Any, Objects]:
    """Returns a JSON value, and its objects with a repeated key: Python keeps the last value.

    Raises:
        ValueError: It is not JSON; see `json_fault`.
        RecursionError: It is nested too deeply.
    """
    doubled: Objects = []

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            doubled.append((result, repeated([key for key, _ in pairs])[0]))
        return result

    return json.loads(text, object_pairs_hook=build), doubled


def repeated_key(value: Any, doubled: Objects) -> str | None:
    """Returns what is wrong with a JSON value that is or holds one of these objects."""
    keys = {id(item): key for item, key in doubled}
    waiting = [value] if keys else []
    while waiting:
        item = waiting.pop()
        if id(item) in keys:
            key = shortened(keys[id(item)])
            return f'the key "{key}" stands twice in one object; keep one of them'
        if isinstance(item, dict | list):
            waiting.extend(item.values() if isinstance(item, dict) else item)
    return None


def json_fault(error: Exception, in_line: bool = False) -> str:
    """Says why `json.loads` refused a text.

    Args:
        error: What it raised.
        in_line: The text was one line of a file; only the place in it is said.
    """
    if in_line and isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, at column {error.colno}"
    if isinstance(error, json.JSONDecodeError | RecursionError):
        return str(error)
    # Python reads no longer whole numbers; its own message advises to change Python's settings.
    return f"a number has more than {sys.get_int_max_str_digits():,} digits; put it in quotes"
