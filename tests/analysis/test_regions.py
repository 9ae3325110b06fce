"""Named regions outside their image mark nothing."""

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


@pytest.mark.parametrize("box", [[-50, 10, -5, 40], [10, -40, 30, -5], [70, 10, 90, 40]])
def test_a_box_outside_marks_nothing(tmp_path: Path, box: list[float]) -> None:
    assert regions(tmp_path, box) == [None]
    [mask] = regions(tmp_path, [0, 0, 10, 5], box)
    assert isinstance(mask, np.ndarray)
    assert mask.sum() == 50


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
