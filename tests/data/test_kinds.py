"""What is no picture, or none that can be read, is called what it is, wherever it is met."""

from __future__ import annotations

from pathlib import Path

import pytest

from livr.data.check import check_folder
from livr.data.kinds import kind_of
from livr.data.pictures import open_rgb
from livr.errors import DataError
from livr.model.encoder import read_image

from .test_check import folder, row, write

__all__ = ["folder"]

FILES = [
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99), "is a HEIC picture; convert it to JPEG"),
    (b"\0\0\0\x18ftypmif1\0\0\0\0heic" + bytes(99), "is a HEIC picture; convert it to JPEG"),
    (b"\0\0\0\x18ftypisom\0\0\0\0mp41" + bytes(99), "is a video; save one frame"),
    (b"%PDF-1.7\n" + bytes(99), "is a PDF document; convert it to JPEG or PNG"),
    (b'<?xml version="1.0"?>\n<svg width="3"/>', "is an SVG drawing; convert it to JPEG or PNG"),
    (b"\xef\xbb\xbf\n<!DOCTYPE html><svg>", "is a web page, perhaps an error message"),
    (
        b"version https://git-lfs.github.com/spec/v1\n",
        "is a Git LFS pointer, not the picture; fetch it with git lfs",
    ),
    (b"", "is an empty file; copy or save it again"),
    (b"hello", "is not an image file that can be read; save it as JPEG or PNG"),
]


@pytest.mark.parametrize(("data", "said"), FILES, ids=[said for _, said in FILES])
def test_a_file_of_another_kind_is_called_so(folder: Path, data: bytes, said: str) -> None:
    path = folder / "images/a.png"
    path.write_bytes(data)
    write(folder, train=[row(0, images=["images/a.png"])])
    [problem] = check_folder(folder).problems
    assert problem.message.startswith("image images/a.png is ")
    assert said in problem.message
    for read in (open_rgb, lambda file: read_image(file, "7")):
        with pytest.raises(DataError, match=rf"a\.png {said}"):
            read(path)


def test_the_name_of_a_brand_alone_is_not_enough() -> None:
    assert kind_of(b"\0\0\0\x18ftypavif") is None
    assert kind_of(b"a page about <svg> and %PDF-") is None
