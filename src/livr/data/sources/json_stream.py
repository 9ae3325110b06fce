"""Reads the top level of a large JSON object or list item by item, in constant memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from livr.errors import DataError

_CHUNK = 1 << 20


class _Reader:
    """A text buffer over a file that decodes one JSON value after another."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False
        self._decoder = json.JSONDecoder()

    def _fill(self) -> None:
        chunk = self._file.read(max(_CHUNK, len(self._text) - self._at))
        self._ended = not chunk
        self._text = self._text[self._at :] + chunk
        self._at = 0

    def peek(self) -> str:
        """Returns the next character that is no white space, or "" at the end."""
        while True:
            while self._at < len(self._text):
                if not self._text[self._at].isspace():
                    return self._text[self._at]
                self._at += 1
            if self._ended:
                return ""
            self._fill()

    def take(self, expected: str) -> None:
        """Consumes one character."""
        found = self.peek()
        if found != expected:
            raise ValueError(f"expected {expected!r}, found {found or 'the end of the file'!r}")
        self._at += 1

    def value(self) -> Any:
        """Decodes the next value. A number at the edge of the buffer waits for more text."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if self._ended:
                    raise
            else:
                if end < len(self._text) or self._ended:
                    self._at = end
                    return value
            self._fill()


def iter_items(path: Path) -> Iterator[tuple[str, Any]]:
    """Yields (key, value) of a JSON object; a list comes item by item under its key.

    Raises:
        DataError: The file is not a JSON object.
    """
    try:
        with path.open(encoding="utf-8") as file:
            reader = _Reader(file)
            reader.take("{")
            while reader.peek() != "}":
                key = reader.value()
                reader.take(":")
                yield from ((key, item) for item in _items(reader))
                if reader.peek() != "}":
                    reader.take(",")
    except (ValueError, OSError) as error:
        raise DataError(f"{path} is not a JSON object: {error}") from error


def iter_list(path: Path) -> Iterator[Any]:
    """Yields the items of a JSON list.

    Raises:
        DataError: The file is not a JSON list.
    """
    try:
        with path.open(encoding="utf-8") as file:
            reader = _Reader(file)
            if (found := reader.peek()) != "[":
                raise ValueError(f"expected '[', found {found or 'the end of the file'!r}")
            yield from _items(reader)
    except (ValueError, OSError) as error:
        raise DataError(f"{path} is not a JSON list: {error}") from error


def _items(reader: _Reader) -> Iterator[Any]:
    if reader.peek() != "[":
        yield reader.value()
        return
    reader.take("[")
    while reader.peek() != "]":
        yield reader.value()
        if reader.peek() != "]":
            reader.take(",")
    reader.take("]")
