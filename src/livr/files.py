"""Files that appear whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_whole(path: Path, text: str) -> None:
    """Write a text file beside its place and move it there; makes the folder if needed.

    Whoever looks sees the old file or the new one, never a part, also after a crash.

    Args:
        path: The file.
        text: Its contents, written as UTF-8.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Write an indented JSON document, whole or not at all.

    Args:
        path: The file.
        value: What `json.dumps` takes.
    """
    write_whole(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
