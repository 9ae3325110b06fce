"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk, a quota or a file that takes no more."""


@contextmanager
def told_as(path: Path, temporary: str) -> Iterator[None]:
    """Lets errors of the disk inside the block name what is written, as its user named it.

    Args:
        path: What is written in the end; a full disk is told without any name, and gets this one.
        temporary: How the paths begin of what is written in its place.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in FULL
        # Of a copy, the first name is the file that is read.
        named = error.filename2 if full and error.filename2 else error.filename
        if named is None and full:
            error.filename = str(path)
        elif isinstance(named, str) and named.startswith(temporary):
            _, slash, inside = named.removeprefix(temporary).partition("/")
            error.filename = f"{path}{slash}{inside}"
            error.filename2 = None
        raise


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives the name of a file beside `path`, which is moved there if the block ends without error.

    Whoever looks sees the old file or the new one, never a part, also after a crash. The folder is
    made if needed. The name ends in `.part`, so what tells a format by it must be told.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    try:
        with told_as(path, str(partial)):
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
