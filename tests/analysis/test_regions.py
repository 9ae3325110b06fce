"""Named regions: boxes that mark something, and those that cannot."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from livr.analysis.regions import read_regions
from livr.errors import DataError


def regions(folder: Path, *boxes: list[float]) -> list[object]:
    rows = [json.dumps({"id": "1", "box": box}) for box in boxes]
    (folder / "regions.jsonl").write_text("\n".join(rows))
    return list(read_regions(folder, {"1": [(60, 50)]})["1"])


OUTSIDE: list[list[float]] = [
    [-50, 10, -5, 40], [10, -40, 30, -5], [60, 10, 90, 40], [10, 50, 30, 60],
]  # fmt: skip
EMPTY: list[list[float]] = [
    [30, 10, 10, 40],
    [10, 40, 30, 10],
    [10, 10, 10, 40],
    [10, 4.1, 30, 4.2],
]


@pytest.mark.parametrize("box", OUTSIDE + EMPTY)
def test_a_box_that_marks_nothing_is_named(tmp_path: Path, box: list[float]) -> None:
    with pytest.raises(DataError) as caught:
        regions(tmp_path, [0, 0, 10, 5], box, [0, 0, 60, 50], box)
    assert [problem.row for problem in caught.value.problems] == [2, 4]
    said = "outside its picture, which has 60 x 50 pixels" if box in OUTSIDE else "has no area"
    assert said in caught.value.problems[0].message


def test_boxes_of_one_picture_are_put_together(tmp_path: Path) -> None:
    [mask] = regions(tmp_path, [0, 0, 10, 5], [50, 45, 60, 50])
    assert isinstance(mask, np.ndarray)
    assert mask.sum() == 100


def test_a_box_across_the_border_is_cut(tmp_path: Path) -> None:
    [mask] = regions(tmp_path, [-5, -5, 10, 5])
    assert isinstance(mask, np.ndarray)
    assert mask.sum() == 50
    assert mask[:5, :10].all()


def test_an_endless_box_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "regions.jsonl").write_text('{"id": "1", "box": [0, 0, Infinity, 5]}')
    with pytest.raises(DataError, match=r"regions.jsonl:1"):
        read_regions(tmp_path, {"1": [(60, 50)]})


def test_blank_lines_a_mark_in_front_and_rare_line_ends_are_no_faults(tmp_path: Path) -> None:
    row = json.dumps({"id": "1\u2028", "box": [0, 0, 10, 5]}, ensure_ascii=False)
    (tmp_path / "regions.jsonl").write_text(f"\ufeff{row}\r\n\n", encoding="utf-8")
    [mask] = read_regions(tmp_path, {"1\u2028": [(60, 50)]})["1\u2028"]
    assert mask is not None and mask.sum() == 50


def test_rows_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    lines = [b"\xff", b"[" * 100_000, b'{"id": "1", "box": "0055"}', b"[]"]
    (tmp_path / "regions.jsonl").write_bytes(b"\n".join(lines))
    with pytest.raises(DataError) as caught:
        read_regions(tmp_path, {"1": [(60, 50)]})
    assert [problem.row for problem in caught.value.problems] == [1, 2, 3, 4]
    assert "not UTF-8" in caught.value.problems[0].message
    (tmp_path / "regions.jsonl").unlink()
    assert read_regions(tmp_path, {}) == {}
    (tmp_path / "regions.jsonl").symlink_to("nowhere")
    with pytest.raises(DataError, match="leads nowhere"):
        read_regions(tmp_path, {})
