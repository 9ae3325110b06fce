from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from livr.data.target import staged_folder
from livr.files import told_as, whole_file, write_json, write_whole
from tests.full_disk import full_disk


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


def test_a_full_disk_is_told_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with full_disk() as limit, pytest.raises(OSError, match="File too large") as caught:
        limit(10)
        write_whole(path, "x" * 100)
    assert caught.value.filename == str(path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("copied", [False, True])
def test_a_folder_is_called_as_its_user_called_it(tmp_path: Path, copied: bool) -> None:
    out, source = tmp_path / "out", tmp_path / "source"
    source.write_bytes(b"x" * 100)
    full = pytest.raises(OSError, match="File too large")
    with full_disk() as limit, full as caught, staged_folder(out) as stage:
        limit(10)
        if copied:
            shutil.copy(source, stage / "a")
        else:
            (stage / "a").write_bytes(b"x" * 100)
    assert caught.value.filename == str(out / "a" if copied else out)
    assert list(tmp_path.iterdir()) == [source]


def test_a_temporary_name_is_not_told(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(FileNotFoundError) as caught, staged_folder(out) as stage:
        (stage / "in" / "a").write_text("x")
    assert caught.value.filename == str(out / "in" / "a")
    with pytest.raises(PermissionError) as refused, told_as(out, str(tmp_path / ".out-")):
        raise PermissionError(13, "Permission denied", str(tmp_path / ".out-8166rvqx"))
    assert refused.value.filename == str(out)
    with pytest.raises(FileNotFoundError) as other, told_as(out, str(tmp_path / ".out-")):
        (tmp_path / "elsewhere").stat()
    assert other.value.filename == str(tmp_path / "elsewhere")
