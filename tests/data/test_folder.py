"""Tables beside the public data sets: text in UTF-8, with or without a mark in front."""

from __future__ import annotations

from pathlib import Path

import pytest

from livr.data.sources.folder import read_splits_file
from livr.errors import DataError

TEXT = "key,split,group\ncafé,train,one two\nb,test,\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_splits_are_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "splits.csv").write_text(TEXT, encoding=encoding)
    found = read_splits_file(tmp_path)
    assert found is not None
    assert found.splits == {"café": "train", "b": "test"}
    assert found.groups == {"café": ("one", "two")}


def test_wrong_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    path.write_bytes(TEXT.encode("latin-1"))
    with pytest.raises(DataError, match=r"splits\.csv is not UTF-8 text \(a byte 0xe9"):
        read_splits_file(tmp_path)
    for text, found in (("name,split\n", "name, split"), ("", "none")):
        path.write_text(text)
        with pytest.raises(DataError, match=f"expected columns key and split, found {found}"):
            read_splits_file(tmp_path)
    path.write_text("key,split\n" + "a" * 200_000 + ",train\n")
    with pytest.raises(DataError, match=r"splits\.csv cannot be read as csv"):
        read_splits_file(tmp_path)
