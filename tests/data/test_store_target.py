"""The folder that is written: never one that is read, and either the old one or the new."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from livr.data.convert import convert, export_parquet
from livr.data.dedup_folder import dedup_folder
from livr.data.example import Example
from livr.data.store import load_split, write_dataset
from livr.data.target import staged_folder, writable_target
from livr.errors import DataError

from . import layouts


def files(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def make_set(folder: Path, first: int = 0) -> Path:
    images = [Image.new("RGB", (6, 5), (number, 2, 3)) for number in range(first, first + 3)]
    rows = [
        Example(id=f"{i}", images=(im,), question="?", answer="x") for i, im in enumerate(images)
    ]
    write_dataset(folder, {"train": rows[:2], "test": rows[2:]}, overwrite=True)
    return folder


def rows_file(folder: Path, *images: str) -> Path:
    folder.mkdir(exist_ok=True)
    rows = [{"image": name, "question": "?", "answer": "x"} for name in images]
    (folder / "rows.json").write_text(json.dumps(rows))
    return folder / "rows.json"


def test_convert_takes_no_input_away(tmp_path: Path) -> None:
    for place in ("source", "pictures"):
        (tmp_path / place).mkdir()
        layouts.noise(tmp_path / place / "0.png", 0)
    (tmp_path / "linked").mkdir()
    source = rows_file(tmp_path / "source", "0.png")
    (tmp_path / "linked/rows.json").symlink_to(source)
    (tmp_path / "away.json").write_text(
        json.dumps([{"image": "pictures/0.png", "question": "?", "answer": "x"}])
    )
    parquet = tmp_path / "parquet"
    export_parquet(make_set(tmp_path / "set"), parquet / "train")
    before = files(tmp_path)
    wrong = [
        (source, source.parent, None),
        (source, tmp_path / "pictures", tmp_path / "pictures"),
        (tmp_path / "linked/rows.json", tmp_path / "linked", source.parent),
        (tmp_path / "away.json", tmp_path / "pictures", None),
        (parquet, parquet, None),
        (parquet, parquet / "train", None),
    ]
    for given, out, images in wrong:
        with pytest.raises(DataError, match="is read here and would be deleted"):
            convert(given, out, images, val=0, test=0, overwrite=True)
        assert files(tmp_path) == before, (given, out)
    for _ in range(2):  # a folder of ours inside the source's is written again
        convert(source, source.parent / "out", val=0, test=0, overwrite=True)


def test_export_takes_no_input_away(tmp_path: Path) -> None:
    root = make_set(tmp_path / "set")
    before = files(root)
    for out in (root, tmp_path / "link", root / "images"):
        if out.name == "link":
            out.symlink_to("set")
        with pytest.raises(DataError, match="is read here and would be deleted"):
            export_parquet(root, out, overwrite=True)
        assert files(root) == before
    for _ in range(2):
        assert export_parquet(root, root / "parquet", overwrite=True) == {"train": 2, "test": 1}


def test_dedup_takes_no_input_away(tmp_path: Path) -> None:
    both = tmp_path / "both"
    root, bench = make_set(both / "set"), make_set(both / "bench", first=200)
    (bench / "images/test/manifest.json").write_text("{}")  # as if it were a set of its own
    before = files(tmp_path)
    for out in (both, root, bench, root / "images", bench / "images" / "test"):
        with pytest.raises(DataError, match="is read here and would be deleted"):
            dedup_folder(root, bench, out, overwrite=True)
        assert files(tmp_path) == before


def test_without_overwrite_the_input_is_named_as_well(tmp_path: Path) -> None:
    root = make_set(tmp_path / "set")
    with pytest.raises(DataError, match="is read here"):
        writable_target(root, inputs=[root / "train.jsonl"])
    with pytest.raises(DataError, match="add --overwrite"):
        writable_target(root, inputs=[tmp_path / "else"])
    assert writable_target(root, overwrite=True, inputs=[tmp_path / ".."]) == root


def test_a_folder_that_may_not_be_deleted_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_set(tmp_path / "set")
    before = files(tmp_path)
    locked = root / "images" / "train"
    real = os.access

    def access(path: str | Path, mode: int) -> bool:  # root may do anything
        return Path(path) != locked and real(path, mode)

    monkeypatch.setattr("livr.data.target.os.access", access)
    with pytest.raises(DataError, match=r"may not delete what is in .*images/train"):
        write_dataset(root, {}, overwrite=True)
    assert files(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_an_old_folder_that_stays_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_set(tmp_path / "set")
    real: Callable[..., None] = shutil.rmtree

    def stuck(path: Path, ignore_errors: bool) -> None:
        if not path.name.endswith("-old"):
            real(path, ignore_errors=ignore_errors)

    monkeypatch.setattr("livr.data.target.shutil.rmtree", stuck)
    with pytest.raises(DataError, match="is written and complete, but") as caught:
        make_set(root, first=100)
    with Image.open(str(load_split(root, "train")[0].images[0])) as image:
        assert image.getpixel((0, 0)) == (100, 2, 3)
    [old] = [path for path in tmp_path.iterdir() if path != root]
    assert f"lies in {old}; delete it" in str(caught.value)


def test_the_old_folder_comes_back_if_the_new_one_cannot_be_put_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_set(tmp_path / "set")
    before = files(tmp_path)
    real = Path.replace

    def stopped(self: Path, target: Path) -> Path:
        if target == root and not self.name.endswith("-old"):
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        make_set(root, first=100)
    assert files(tmp_path) == before


def test_a_failure_takes_its_folders_away_and_no_others(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        convert(tmp_path / "gone.json", tmp_path / "a/b/c")
    with pytest.raises(ValueError), staged_folder(tmp_path / "a/b/c"):
        raise ValueError
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError), staged_folder(tmp_path / "a/b/c"):
        raise ValueError
    assert [path.name for path in tmp_path.rglob("*")] == ["a"]


def test_a_name_that_is_no_text_is_written(tmp_path: Path) -> None:
    odd = os.fsdecode(b"f\xff")
    manifest = write_dataset(tmp_path / odd, {}, {"name": odd})
    assert json.loads((tmp_path / odd / "manifest.json").read_text()) == manifest
    root = make_set(tmp_path / "set")
    export_parquet(root, tmp_path / f"{odd}-parquet")
    dedup_folder(root, make_set(tmp_path / f"{odd}-bench", first=200), tmp_path / "clean")
