"""Which writer emits the embedded images in the layout a task reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from livr.data.pool import counts

Writer = Callable[[Path, dict[str, int], int], None]

WRITERS: dict[str, Writer] = {
    "counting": counts.write,
}
