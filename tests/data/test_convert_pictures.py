"""`livr data convert` looks into every picture, once, and says of the bad ones where they are."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from livr.data import inspection, pictures
from livr.data.check import check_folder
from livr.data.convert import convert
from livr.data.formats import read_parts
from livr.errors import DataError, Problem

from . import layouts

HEADER = "image,question,answer"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six sound pictures and three that are none."""
    for number in range(6):
        layouts.noise(tmp_path / f"{number}.jpg", number, (320, 240))
    whole = (tmp_path / "0.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    Image.open(tmp_path / "half.jpg").close()  # only decoding tells that the end is missing
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.jpg").touch()
    return tmp_path


def write(folder: Path, *lines: str, header: str = HEADER) -> Path:
    (folder / "rows.csv").write_text("\n".join([header, *lines]), encoding="utf-8")
    return folder / "rows.csv"


def problems(source: Path, images: Path | None = None) -> list[Problem]:
    with pytest.raises(DataError) as caught:
        read_parts(source, images)
    assert caught.value.problems
    return list(caught.value.problems)


@pytest.mark.parametrize("split", ["", ",train"])
def test_all_bad_pictures_are_named_by_row_beside_other_problems(folder: Path, split: str) -> None:
    names = ("0", "half", "1", "text", "2", "empty", "gone", "half")
    lines = [f"{name}.jpg,{'' if name == 'text' else 'Q?'},yes{split}" for name in names]
    source = write(folder, *lines, header=HEADER + (split and ",split"))
    with pytest.raises(DataError) as caught:
        convert(source, folder / "out")
    found = [(p.file, p.row, p.message) for p in caught.value.problems]
    expected = [
        (3, f"image {folder}/half.jpg is damaged: image file is truncated"),
        (5, "the question is empty"),
        (5, f"image {folder}/text.jpg is not an image file"),
        (7, f"image {folder}/empty.jpg is an empty file"),
        (8, f"image {folder}/gone.jpg does not exist"),
        (9, f"image {folder}/half.jpg is damaged"),
    ]
    assert [(file, row) for file, row, _ in found] == [("rows.csv", row) for row, _ in expected]
    for (_, _, message), (_, start) in zip(found, expected, strict=True):
        assert message.startswith(start)
    assert not (folder / "out").exists()
    kept = [line for line, name in zip(lines, names, strict=True) if name.isdigit()]
    convert(write(folder, *kept, header=HEADER + (split and ",split")), folder / "out", test=0)
    assert check_folder(folder / "out").problems == []


def parquet(folder: Path) -> Path:
    rows = [
        {"image": {"bytes": (folder / f"{n}.jpg").read_bytes(), "path": None},
         "question": "Q?", "answer": "yes"}
        for n in range(6)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")
    return folder / "rows.parquet"


def divided(folder: Path) -> Path:
    return write(folder, *(f"{n}.jpg;0.jpg,Q?,yes" for n in range(6)))


def kept(folder: Path) -> Path:
    return write(folder, *(f"{n}.jpg,Q?,yes,train" for n in range(6)), header=f"{HEADER},split")


@pytest.mark.parametrize("source", [parquet, divided, kept])
def test_no_picture_is_decoded_twice(
    folder: Path, source: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Any] = []
    real = pictures.decode

    def count(image: Path | io.BytesIO) -> pictures.Decoded:
        decoded.append(image)
        return real(image)

    monkeypatch.setattr(inspection, "decode", count)
    convert(source(folder), folder / "out", val=0, test=0)
    assert len(decoded) == 6


def test_a_folder_of_images_that_is_none_is_one_message(folder: Path) -> None:
    source = write(folder, "0.jpg,Q?,yes")
    for wrong in (folder / "nothere", source):
        with pytest.raises(DataError, match=rf"^--images {wrong} is no folder") as caught:
            convert(source, folder / "out", images=wrong)
        assert caught.value.problems == ()


def test_of_many_missing_pictures_some_are_named_and_the_others_counted(folder: Path) -> None:
    lines = [f"gone{n}.jpg,Q?,yes" for n in range(20)]
    assert len(problems(write(folder, *lines))) == 20
    source = write(folder, *lines, *[f"a{n}.jpg;b{n}.jpg,Q?,yes" for n in range(500)], "half.jpg,,")
    found = problems(source)
    assert [p.row for p in found[:20]] == list(range(2, 22))
    assert [p.row for p in found[20:]] == [522, 522, 522, None]
    assert f"1,000 more image(s) cannot be found. Relative paths start from {folder}; if" in str(
        found[-1]
    )
    with pytest.raises(DataError, match=r"has 1023 problem\(s\)"):
        read_parts(source)


def test_a_path_with_backslashes_gets_a_hint(folder: Path) -> None:
    slash, plain = problems(write(folder, r"pics\0.jpg,Q?,yes", "gone.jpg,Q?,yes"))
    hint = "pics\\0.jpg does not exist; write its path with / instead of \\"
    assert slash.message.endswith(hint)
    assert plain.message.endswith("does not exist")


def test_suffixes_of_text_files_may_be_in_capitals(folder: Path) -> None:
    source = write(folder, "0.jpg,Q?,yes")
    assert len(read_parts(source.rename(folder / "ROWS.CSV"))[None]) == 1
    row = '{"image": "0.jpg", "question": "Q?", "answer": "yes"}'
    for name, text in (("rows.JSONL", row), ("rows.Json", f"[{row}]")):
        (folder / name).write_text(text)
        assert len(read_parts(folder / name)[None]) == 1
