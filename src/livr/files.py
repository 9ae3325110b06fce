"""Files that appear whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives the name of a file beside `path`, which is moved there if the block ends without error.

    Whoever looks sees the old file or the new one, never a part, also after a crash. The folder is
    made if needed. The name ends in `.part`, so what tells a format by it must be told.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        with suppress(OSError):  # must not hide what went wrong
            partial.unlink()
        raise


def write_whole(path: Path, text: str) -> None:
    """Write a text file, whole or not at all; see `whole_file`.

    Args:
        path: The file.
        text: Its contents, written as UTF-8.
    """
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write an indented JSON document, whole or not at all.

    Args:
        path: The file.
        value: What `json.dumps` takes.
    """
    write_whole(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
