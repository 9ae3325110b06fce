"""What comes into which split, and why a split is smaller than asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from livr.data.check import check_folder
from livr.data.convert import convert
from livr.errors import DataError

from . import layouts


def source(folder: Path, *changes: dict[str, Any]) -> Path:
    rows = []
    for number, change in enumerate(changes):
        layouts.noise(folder / f"{number}.png", number)
        rows.append({"image": f"{number}.png", "question": "?", "answer": "3", **change})
    (folder / "rows.json").write_text(json.dumps(rows))
    return folder / "rows.json"


def test_rows_with_a_common_helper_come_into_one_split(tmp_path: Path) -> None:
    layouts.noise(tmp_path / "way.png", 99)
    helped = [{"helper_images": ["way.png"]}] * 10
    manifest = convert(source(tmp_path, *helped), tmp_path / "out", val=0.2, test=0.2)
    assert manifest["counts"] == {"train": 10}
    assert check_folder(tmp_path / "out").problems == []
    # The same pixels as another row's own picture.
    changes = [{"helper_images": ["0.png"]} if n else {} for n in range(10)]
    assert convert(source(tmp_path, *changes), tmp_path / "two")["counts"] == {"train": 10}


def test_a_split_that_came_out_smaller_is_explained(tmp_path: Path) -> None:
    manifest = convert(source(tmp_path, *[{"image": "0.png"}] * 50), tmp_path / "out")
    assert manifest["counts"] == {"train": 50}
    val, test = manifest["notes"]
    assert val.startswith("val: 0 of the 5 row(s) asked for. Rows that show the same picture")
    assert test.startswith("test: 0 of the 5 row(s)")
    assert "1 such group(s), the largest of 50" in test
    manifest = convert(source(tmp_path, {}, {}, {}), tmp_path / "few", test=0)
    assert manifest["notes"] == [
        "val: no row, 0.1 of 3 rounds to none; give more rows or a larger share"
    ]
    assert "notes" not in convert(source(tmp_path, *[{}] * 10), tmp_path / "ten")


def test_rows_that_the_check_would_refuse_are_refused(tmp_path: Path) -> None:
    wrong = source(
        tmp_path,
        {},
        {"id": "same", "choices": ["yes", "yes "], "answer": "A"},
        {"id": "off", "board": ["SF", "FG"], "answer": "U"},
        {"id": "none", "task": " "},
    )
    with pytest.raises(DataError) as caught:
        convert(wrong, tmp_path / "out", val=0, test=0)
    assert [(p.file, p.row) for p in caught.value.problems] == [
        ("rows.json", row) for row in (2, 3, 4)
    ]
    assert "read the same" in caught.value.problems[0].message
    assert not (tmp_path / "out").exists()
