"""Rows in other people's formats, read without regard to splits."""

from __future__ import annotations

from pathlib import Path

from livr.data.example import Example
from livr.data.formats import read_parts


def read_examples(
    source: str | Path, images: Path | None = None, unpack: Path | None = None
) -> list[Example]:
    """All splits in one list."""
    parts = read_parts(source, images, unpack)
    return [example for examples in parts.values() for example in examples]
