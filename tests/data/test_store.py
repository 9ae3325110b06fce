"""The folder format: lossless, atomic."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from livr.data.convert import convert
from livr.data.example import Example
from livr.data.prompts import render
from livr.data.store import load_split, write_dataset
from livr.errors import DataError


def example(number: int, **changes: object) -> Example:
    image = Image.new("RGB", (6, 5), (number, 2, 3))
    fields = {"id": str(number), "images": (image,), "question": "ö?", "answer": "ja"}
    return Example.model_validate({**fields, **changes})


def test_round_trip_keeps_text_and_pixels(tmp_path: Path) -> None:
    choice = example(2, choices=("one", "two"), answer="B", task="pick")
    manifest = write_dataset(
        tmp_path / "set", {"train": [example(1)], "val": [choice]}, {"seed": 3}
    )
    assert manifest["counts"] == {"train": 1, "val": 1}
    assert json.loads((tmp_path / "set/manifest.json").read_text())["seed"] == 3
    train, val = load_split(tmp_path / "set", "train"), load_split(tmp_path / "set", "val")
    assert (train[0].question, train[0].answer, train[0].choices) == ("ö?", "ja", None)
    assert (val[0].id, val[0].task, val[0].choices, val[0].answer) == (
        "2",
        "pick",
        ("one", "two"),
        "B",
    )
    with Image.open(str(val[0].images[0])) as image:
        assert image.getpixel((0, 0)) == (2, 2, 3)
    write_dataset(tmp_path / "again", {"train": train, "val": val}, {"seed": 3})
    for split in ("train", "val"):
        first = (tmp_path / f"set/{split}.jsonl").read_bytes()
        assert first == (tmp_path / f"again/{split}.jsonl").read_bytes()


def test_files_are_copied_byte_for_byte(tmp_path: Path) -> None:
    photo = tmp_path / "noending"
    Image.new("RGB", (6, 5), (200, 2, 3)).save(photo, "JPEG")
    write_dataset(tmp_path / "set", {"train": [example(1, images=(photo,))]})
    stored = Path(str(load_split(tmp_path / "set", "train")[0].images[0]))
    assert stored.suffix == ".jpg"
    assert stored.read_bytes() == photo.read_bytes()


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def broken() -> Iterator[Example]:
        yield example(1)
        raise DataError("no more")

    with pytest.raises(DataError, match="no more"):
        write_dataset(tmp_path / "set", {"train": broken()})
    assert list(tmp_path.iterdir()) == []


def test_a_taken_folder_is_not_touched_unless_asked(tmp_path: Path) -> None:
    write_dataset(tmp_path / "set", {"train": [example(1)]})
    with pytest.raises(DataError, match="--overwrite"):
        write_dataset(tmp_path / "set", {"train": [example(2)]})
    assert load_split(tmp_path / "set", "train")[0].id == "1"
    write_dataset(tmp_path / "set", {"train": [example(2)]}, overwrite=True)
    assert load_split(tmp_path / "set", "train")[0].id == "2"
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_link_to_an_empty_folder_stays_and_is_filled(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write_dataset(tmp_path / "link", {"train": [example(1)]})
    assert (tmp_path / "link").is_symlink()
    assert load_split(tmp_path / "real", "train")[0].id == "1"
    write_dataset(tmp_path / "link", {"train": [example(2)]}, overwrite=True)
    assert load_split(tmp_path / "real", "train")[0].id == "2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_the_current_folder_is_refused_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to("here")
    monkeypatch.chdir(tmp_path / "here")

    def untouched() -> Iterator[Example]:
        raise AssertionError("built for nothing")
        yield

    for out in (".", "..", tmp_path / "here", tmp_path / "link"):
        with pytest.raises(DataError, match="the folder you are in"):
            write_dataset(out, {"train": untouched()}, overwrite=True)
    with pytest.raises(DataError, match="the folder you are in"):
        convert("nowhere.json", ".")
    with pytest.raises(DataError, match="mount point"):
        write_dataset("/proc", {"train": untouched()}, overwrite=True)


def test_an_unreadable_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.png"):
        write_dataset(tmp_path / "set", {"train": [example(1, images=(tmp_path / "gone.png",))]})


def test_a_full_disk_is_not_blamed_on_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (6, 5)).save(tmp_path / "photo.png")

    def full(source: object, target: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("livr.data.store.shutil.copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        write_dataset(tmp_path / "set", {"train": [example(1, images=(tmp_path / "photo.png",))]})
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_prompt_text() -> None:
    assert render(example(1)) == "ö?"
    assert render(example(1, choices=("first", "second"), answer="A")) == (
        "ö?\nSelect from the following choices.\n(A) first\n(B) second"
    )
