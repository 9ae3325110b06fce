"""A picture that was changed makes another data set; one that was only copied does not."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import tiny
from tests.analysis.ablate.small import small_grid

from livr.analysis.ablate import pictures
from livr.analysis.ablate.cells import cells_of
from livr.analysis.ablate.sources import Sources, fingerprint
from livr.data.store import MANIFEST, load_split, write_dataset
from livr.errors import DataError

TRAIN, TEST = ("train", "val"), ("test",)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A data set without a manifest."""
    return tiny.dataset(tmp_path / "plain", train=4, val=2)


@pytest.fixture
def written(plain: Path, tmp_path: Path) -> Path:
    """The same with a manifest."""
    folder = tmp_path / "written"
    write_dataset(folder, {split: load_split(plain, split) for split in (*TRAIN, *TEST)})
    time.sleep(0.05)  # so that whatever is written now is newer than the manifest
    return folder


def swap(picture: Path) -> None:
    """Change a picture, not its size nor the time that it says it was changed."""
    before, text = picture.stat(), bytearray(picture.read_bytes())
    text[-20] ^= 1
    picture.write_bytes(text)
    os.utime(picture, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of pictures that are hashed."""
    names: list[str] = []
    real = pictures.file_sha256

    def file_sha256(path: Path) -> str:
        names.append(path.name)
        return real(path)

    monkeypatch.setattr(pictures, "file_sha256", file_sha256)
    return names


def test_naming_sources_changes_no_result(plain: Path, tmp_path: Path) -> None:
    prints = []
    for name, sources in (("bare", ()), ("named", ("scene 1",))):
        rows = [
            row.model_copy(update={"sources": sources}) for row in load_split(plain, *TRAIN[:1])
        ]
        write_dataset(tmp_path / name, {"train": rows})
        prints.append(fingerprint(str(tmp_path / name), ("train",)))
    lines = (tmp_path / "named" / "train.jsonl").read_text("utf-8")
    assert '"sources": ["scene 1"]' in lines
    assert prints[0] == prints[1]
    (tmp_path / "named" / "train.jsonl").write_text(lines.replace("many", "few"))
    assert fingerprint(str(tmp_path / "named"), ("train",)) != prints[0]


def test_a_picture_changed_after_its_manifest_counts(written: Path) -> None:
    train, test = fingerprint(str(written), TRAIN), fingerprint(str(written), TEST)
    swap(written / "images/train/00001-1.png")
    changed = fingerprint(str(written), TRAIN)
    assert changed != train and fingerprint(str(written), TEST) == test
    swap(written / "images/train/00001-1.png")
    assert fingerprint(str(written), TRAIN) == train


def test_a_copy_is_the_same_data_set(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "copy", copy_function=shutil.copyfile)
    for picture in (tmp_path / "copy" / "images").rglob("*.png"):
        os.utime(picture, (2e9, 2e9))
    (tmp_path / "copy/images/train/Thumbs.db").write_text("no row names this")
    for splits in (TRAIN, TEST):
        assert fingerprint(str(tmp_path / "copy"), splits) == fingerprint(str(written), splits)


def test_a_manifest_is_believed_of_older_pictures(
    written: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "_since", lambda one, other: one.st_mtime_ns > time.time_ns())
    before = fingerprint(str(written), TRAIN)
    assert read == []
    os.utime(written / "images/val/00000-0.png", (4e9, 4e9))
    assert fingerprint(str(written), TRAIN) == before
    assert read and set(read) == {p.name for p in (written / "images/val").iterdir()}


def test_pictures_that_no_manifest_holds_count_by_content(written: Path) -> None:
    (written / "more").mkdir()
    shutil.copyfile(written / "images/train/00000-0.png", written / "more/x.png")
    rows = (written / "train.jsonl").read_text("utf-8")
    (written / "train.jsonl").write_text(rows.replace("images/train/00000-0.png", "more/x.png", 1))
    before = fingerprint(str(written), TRAIN)
    swap(written / "more/x.png")
    assert fingerprint(str(written), TRAIN) != before
    manifest = json.loads((written / MANIFEST).read_text("utf-8"))
    del manifest["sha256"]
    (written / MANIFEST).write_text(json.dumps(manifest))
    before = fingerprint(str(written), TRAIN)
    swap(written / "images/train/00001-0.png")
    assert fingerprint(str(written), TRAIN) != before


def test_without_a_manifest_all_that_rows_name_counts(plain: Path) -> None:
    (plain / "images").rename(plain / "photos")
    for split in (*TRAIN, *TEST):
        file = plain / f"{split}.jsonl"
        file.write_text(file.read_text("utf-8").replace("images/", "./photos/"))
    before = [fingerprint(str(plain), splits) for splits in (TRAIN, TEST)]
    (plain / "photos/readme.txt").write_text("no row names this")
    assert [fingerprint(str(plain), splits) for splits in (TRAIN, TEST)] == before
    swap(plain / "photos/test-0-0.png")
    assert fingerprint(str(plain), TRAIN) == before[0]
    assert fingerprint(str(plain), TEST) != before[1]


def test_results_of_before_stay_good(plain: Path) -> None:
    """The value that data sets without a manifest had when they counted by size only."""
    for number, picture in enumerate(sorted((plain / "images").iterdir())):
        picture.write_bytes(b"x" * (100 + number))
    assert fingerprint(str(plain), TEST) == "343ec423d44a6cbf"


def test_a_grid_notices_that_a_picture_is_another(
    plain: Path, tmp_path: Path, checkpoints: Callable[..., Path]
) -> None:
    """Without a manifest, too, and where not even the size differs."""
    grid = small_grid(tmp_path, checkpoints("qwen3_vl"), tasks=["plain"])

    def hashes() -> list[str]:
        return [cell.hash for cell in cells_of(grid, Sources(grid, tmp_path / "out"))]

    before = hashes()
    assert hashes() == before
    (plain / "images/train-0-0.png").touch()
    assert hashes() == before
    swap(plain / "images/train-0-0.png")
    asked, trained = hashes()
    assert asked == before[0] and trained != before[1] and hashes() == [asked, trained]
    swap(plain / "images/train-0-0.png")
    assert hashes() == before


def test_a_picture_that_looks_as_it_did_is_not_read_again(
    plain: Path, tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    fingerprint(str(plain), TEST, kept)
    assert len(read) == len(set(read)) > 2
    read.clear()
    fingerprint(str(plain), TEST, kept)  # written just now: it could change within a tick
    assert len(read) > 2
    monkeypatch.setattr(pictures, "_SETTLED_NS", -1)
    fingerprint(str(plain), TEST, kept)
    read.clear()
    fingerprint(str(plain), TEST, kept)
    assert read == []
    (plain / "images/test-1-0.png").touch()
    fingerprint(str(plain), TEST, kept)
    assert read == ["test-1-0.png"]


def test_what_is_wrong_with_rows_is_left_to_those_who_read_them(plain: Path) -> None:
    text = (plain / "test.jsonl").read_text("utf-8")
    (plain / "test.jsonl").write_text(text.replace("images/test-0-0.png", "gone\\u0000.png") + "{")
    fingerprint(str(plain), TEST)
    with pytest.raises(DataError, match="zero byte"):
        load_split(plain, "test")


def test_a_picture_that_cannot_be_read_is_named(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(pictures, "file_sha256", denied)
    with pytest.raises(DataError, match=r"test-0-0\.png cannot be read: Permission denied"):
        fingerprint(str(plain), TEST, tmp_path / "kept")
