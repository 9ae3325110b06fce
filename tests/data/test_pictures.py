"""Pictures are read alike everywhere; those of more than 8 bits keep their greys."""

from __future__ import annotations

import errno
import io
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from livr.data.bits import PixelRangeError, eight_bit
from livr.data.check import check_folder
from livr.data.dedup import open_rgb as open_small
from livr.data.example import Example
from livr.data.inspection import inspect_picture
from livr.data.picture_paths import file_problem
from livr.data.pictures import open_rgb, storable, to_rgb
from livr.data.show import thumbnails
from livr.data.store import load_split, write_dataset
from livr.errors import DataError
from livr.model.encoder import read_image

from .test_check import png_header

GREYS = np.array([[0, 256, 1000], [30000, 65279, 65535]], dtype=np.uint16)
EXPECTED = [[0, 1, 3], [117, 254, 255]]

READERS: list[Callable[[Path], Image.Image]] = [open_rgb, lambda path: read_image(path, "7")]


def deep(tmp_path: Path, name: str = "deep.png") -> Path:
    Image.fromarray(GREYS).save(tmp_path / name)
    return tmp_path / name


def grey(image: Image.Image) -> list[list[int]]:
    values = np.asarray(image)
    assert image.mode == "RGB"
    assert (values == values[..., :1]).all()
    return values[..., 0].tolist()


def test_a_16_bit_file_keeps_its_greys_everywhere(tmp_path: Path) -> None:
    path = deep(tmp_path)
    with Image.open(path) as opened:
        assert opened.mode == "I;16"
    row = Example(id="1", images=(path,), question="?", answer="x")
    assert grey(read_image(path, "1")) == EXPECTED
    assert grey(open_small(path)) == EXPECTED
    assert grey(thumbnails(row)[0]) == EXPECTED
    Image.fromarray(np.array(EXPECTED, dtype=np.uint8)).save(tmp_path / "shallow.png")
    assert inspect_picture(path) == inspect_picture(tmp_path / "shallow.png")
    with Image.open(path) as opened:
        write_dataset(tmp_path / "set", {"train": [row.model_copy(update={"images": (opened,)})]})
    stored = load_split(tmp_path / "set", "train")[0].images[0]
    assert grey(read_image(stored, "1")) == EXPECTED


@pytest.mark.parametrize("dtype", [">u2", "<u2", np.int32, np.float32])
def test_every_wide_mode_is_scaled(dtype: object) -> None:
    assert grey(to_rgb(Image.fromarray(GREYS.astype(dtype)))) == EXPECTED


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_values_of_8_bits_stay(dtype: object) -> None:
    small = np.array([[0, 7], [200, 255]])
    assert grey(to_rgb(Image.fromarray(small.astype(dtype)))) == small.tolist()


@pytest.mark.parametrize("values", [[-3.0, 5.0], [0.0, 70000.0], [0.0, 0.5], [0.0, float("nan")]])
def test_an_unknown_range_is_refused(tmp_path: Path, values: list[float]) -> None:
    image = Image.fromarray(np.array([values], dtype=np.float32))
    with pytest.raises(PixelRangeError, match="8 or 16 bits"):
        eight_bit(image)
    image.save(tmp_path / "range.tif")
    with pytest.raises(DataError, match=r"example 7: .*range.tif"):
        read_image(tmp_path / "range.tif", "7")
    with pytest.raises(DataError, match=r"range.tif"):
        open_small(tmp_path / "range.tif")
    with pytest.raises(DataError, match="train/00000"):
        row = Example(id="1", images=(image,), question="?", answer="x")
        write_dataset(tmp_path / "set", {"train": [row]})
    assert "8 or 16 bits" in inspect_picture(tmp_path / "range.tif")[0]


def test_other_modes_are_untouched() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 4), dtype=np.uint8)
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"):
        image = Image.fromarray(pixels).convert("RGB" if mode == "CMYK" else "RGBA")
        image = image.convert("RGB").convert(mode) if mode != "RGBA" else image
        assert eight_bit(image) is image
        assert to_rgb(image).tobytes() == image.convert("RGB").tobytes()


def test_the_clear_grey_of_a_16_bit_file_is_clear(tmp_path: Path) -> None:
    Image.fromarray(GREYS).save(tmp_path / "clear.png", transparency=256)
    shown = grey(read_image(tmp_path / "clear.png", "1"))
    assert shown == [[0, 255, 3], [117, 254, 255]]  # white where it is clear


def test_pictures_in_memory_are_stored_upright_and_as_png_can() -> None:
    turned = Image.new("RGB", (6, 4), "red")
    turned.getexif()[0x0112] = 6
    assert storable(turned).size == (4, 6)
    for mode in ("CMYK", "YCbCr", "HSV", "LAB"):
        assert storable(Image.new(mode, (3, 2))).mode == "RGB"
    assert storable(Image.new("PA", (3, 2))).mode == "RGBA"


def test_a_long_image_path_is_a_problem_of_its_row(tmp_path: Path) -> None:
    rows = '{"id": "1", "images": ["%s"], "question": "?", "answer": "x"}\n' % ("iVBORw0K" * 900)
    (tmp_path / "train.jsonl").write_text(rows)
    with pytest.raises(DataError) as caught:
        load_split(tmp_path, "train")
    for [problem] in (caught.value.problems, check_folder(tmp_path).problems):
        assert (problem.file, problem.row) == ("train.jsonl", 1)
        assert "no path that can be used" in problem.message
        assert len(problem.message) < 250


def test_a_folder_that_may_not_be_read_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path, **_: object) -> os.stat_result:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", denied)
    problem = file_problem(tmp_path / "secret/1.png", "secret/1.png")
    assert problem is not None
    assert "secret/1.png cannot be read (Permission denied)" in problem
    assert "does not hold it" not in problem


def test_a_png_with_a_broken_chunk_is_named(tmp_path: Path) -> None:
    """Pillow raises SyntaxError for it."""
    path = tmp_path / "broken.png"
    noise = random.Random(0).randbytes(3 * 64 * 64)
    Image.frombytes("RGB", (64, 64), noise).save(path)
    whole = bytearray(path.read_bytes())
    start = whole.index(b"IDAT")
    # A second chunk whose name is no name, in the middle of the pixels.
    whole[start - 4 : start] = (100).to_bytes(4, "big")
    path.write_bytes(bytes(whole))
    for read in READERS:
        with pytest.raises(DataError, match=r"broken\.png"):
            read(path)


def patch() -> Image.Image:
    return Image.frombytes("RGB", (6, 4), random.Random(1).randbytes(72))


def jpeg_with(exif: bytes) -> bytes:
    buffer = io.BytesIO()
    patch().save(buffer, "JPEG")
    data, segment = buffer.getvalue(), b"Exif\0\0" + exif
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]


def test_a_picture_turned_by_its_metadata_is_read_upright_everywhere(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    patch().save(tmp_path / "turned.png", exif=turned)
    patch().transpose(Image.Transpose.ROTATE_270).save(tmp_path / "upright.png")
    upright, path = Image.open(tmp_path / "upright.png"), tmp_path / "turned.png"
    row = Example(id="1", images=(path,), question="?", answer="x")
    for image in (open_small(path), thumbnails(row)[0], *(read(path) for read in READERS)):
        assert (image.size, image.tobytes()) == ((4, 6), upright.tobytes())
    assert inspect_picture(path) == inspect_picture(tmp_path / "upright.png")


def test_clear_is_white_everywhere(tmp_path: Path) -> None:
    Image.new("RGBA", (3, 2), (200, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.new("RGB", (3, 2), "white").save(tmp_path / "white.png")
    assert all(grey(read(tmp_path / "clear.png")) == [[255] * 3] * 2 for read in READERS)
    assert inspect_picture(tmp_path / "clear.png") == inspect_picture(tmp_path / "white.png")


def bad_metadata(folder: Path) -> list[Path]:
    """A page number that is a fraction beside a rotation, and text where hex digits are due."""
    rotation = struct.pack(">HHI4s", 0x0112, 3, 1, b"\0\6\0\0")
    page = struct.pack(">HHII", 0x0129, 5, 1, 0)
    tags = b"MM\0*\0\0\0\x08\0\x02" + rotation + page + bytes(4)
    (folder / "exif.jpg").write_bytes(jpeg_with(tags))
    raw = PngInfo()
    raw.add_text("Raw profile type exif", "\nexif\n  zz\nno hex")
    patch().save(folder / "raw.png", pnginfo=raw)
    return [folder / "exif.jpg", folder / "raw.png"]


def test_metadata_that_cannot_be_read_turns_nothing(tmp_path: Path) -> None:
    for path in bad_metadata(tmp_path):
        with Image.open(path) as opened:
            plain = opened.convert("RGB")
        assert all(read(path).tobytes() == plain.tobytes() for read in READERS)
        assert inspect_picture(path)[0] == ""
        with Image.open(path) as opened:
            assert storable(opened).tobytes() == plain.tobytes()


def test_what_no_decoder_takes_is_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.ppm"
    path.write_bytes(b"P6 2\x8b 2 255 " + bytes(12))  # Pillow raises ValueError for it
    assert "is damaged" in inspect_picture(path)[0]
    for read in READERS:
        with pytest.raises(DataError, match=r"odd\.ppm is damaged"):
            read(path)
        with pytest.raises(DataError, match=r"gone\.png cannot be read: No such file"):
            read(tmp_path / "gone.png")


@pytest.mark.parametrize("side", [12_000, 50_000])
def test_a_huge_picture_is_refused_wherever_it_is_read(tmp_path: Path, side: int) -> None:
    (tmp_path / "huge.png").write_bytes(png_header(side, side))
    for read in READERS:
        with pytest.raises(DataError, match=r"huge\.png is huge.* at most 89,478,485"):
            read(tmp_path / "huge.png")
    row = Example(id="1", images=(tmp_path / "huge.png",), question="?", answer="x")
    with pytest.raises(DataError, match=r"huge\.png is huge"):
        write_dataset(tmp_path / "set", {"train": [row]})
    assert not (tmp_path / "set").exists()
