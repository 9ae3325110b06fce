"""Errors of the disk in words: safetensors and torch have errors of their own for them."""

from __future__ import annotations

import re

from safetensors import SafetensorError

_WRITER = "inline_container"
"""Part of torch that writes files. When it cannot, it says where in it and not why."""
_NOT_WRITTEN = re.compile(r"Error while serializing: (?:I/O error: )?(.*?)(?: \(os error \d+\).*)?")


def disk_fault(error: BaseException) -> str | None:
    """What is wrong with a file or the disk, for people.

    Args:
        error: What stopped some work.

    Returns:
        None if the error is about something else.
    """
    if isinstance(error, OSError):
        if not error.strerror:
            return str(error) or type(error).__name__
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if _WRITER in str(error):
        return "a checkpoint could not be written, the disk may be full"
    if isinstance(error, SafetensorError):
        found = _NOT_WRITTEN.fullmatch(str(error))
        if found is not None:
            return f"weights could not be written: {found[1]}"
        return f"a file of weights is damaged: {error}"
    return None
