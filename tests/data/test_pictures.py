"""Pictures of more than 8 bits keep their greys; all others keep their bits."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from livr.data.check import check_folder, inspect_image
from livr.data.dedup import open_rgb as open_small
from livr.data.example import Example
from livr.data.pictures import PixelRangeError, eight_bit, open_rgb, storable, to_rgb
from livr.data.show import thumbnails
from livr.data.store import load_split, write_dataset
from livr.errors import DataError
from livr.model.encoder import read_image

GREYS = np.array([[0, 256, 1000], [30000, 65279, 65535]], dtype=np.uint16)
EXPECTED = [[0, 1, 3], [117, 254, 255]]


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
    assert inspect_image(path) == inspect_image(tmp_path / "shallow.png")
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
    assert "8 or 16 bits" in inspect_image(tmp_path / "range.tif")[0]


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
    for read in (open_rgb, lambda image: read_image(image, "7")):
        with pytest.raises(DataError, match=r"broken\.png"):
            read(path)
