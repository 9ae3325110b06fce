from __future__ import annotations

import json
from pathlib import Path

import pytest

from livr.files import whole_file, write_json, write_whole


def test_a_file_appears_whole_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    write_whole(path, "ä\n")
    write_whole(path, "ö\n")
    assert path.read_text(encoding="utf-8") == "ö\n"
    assert [found.name for found in path.parent.iterdir()] == ["a.txt"]


def test_of_a_block_that_fails_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with whole_file(path) as partial:
        partial.write_bytes(b"old")
        assert not path.exists()
    with pytest.raises(KeyboardInterrupt), whole_file(path) as partial:
        partial.write_bytes(b"ha")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["a.png"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\udc80")
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": 1}
