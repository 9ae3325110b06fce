"""Which writer emits the embedded images in the layout a task reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from livr.data.pool import (
    artbench_layout,
    coco_layout,
    counts,
    hpatches_layout,
    keypoint_layouts,
    mid_layout,
    nights_layout,
)

Writer = Callable[[Path, dict[str, int], int], None]

WRITERS: dict[str, Writer] = {
    "art_style": artbench_layout.write,
    "counting": counts.write,
    "functional_correspondence": keypoint_layouts.write_labels,
    "jigsaw": coco_layout.write_photographs,
    "localization": coco_layout.write_objects,
    "relative_reflectance": mid_layout.write,
    "semantic_correspondence": keypoint_layouts.write_pairs,
    "visual_correspondence": hpatches_layout.write,
    "visual_similarity": nights_layout.write,
}
