"""Which writer emits the embedded images in the layout a task reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from livr.data.pool import coco_layout, counts, nights_layout

Writer = Callable[[Path, dict[str, int], int], None]

WRITERS: dict[str, Writer] = {
    "counting": counts.write,
    "jigsaw": coco_layout.write_photographs,
    "localization": coco_layout.write_objects,
    "visual_similarity": nights_layout.write,
}
