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
