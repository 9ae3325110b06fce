"""Pictures of 10 or 12 bits in 16: they are read as they are, and that is said."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from livr.data.check import check_folder
from livr.data.pictures import open_rgb
from livr.model.encoder import read_image

from .test_check import folder, row, write

__all__ = ["folder"]


def ramp(highest: int) -> np.ndarray:
    return np.linspace(0, highest, 64).astype(np.uint16).reshape(8, 8)


def save(folder: Path, name: str, values: np.ndarray) -> str:
    Image.fromarray(values).save(folder / "images" / name)
    return f"images/{name}"


def colour_png(values_HW3: np.ndarray) -> bytes:
    """A PNG of 16 bits per colour, which Pillow reads and does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    height, width, _ = values_HW3.shape
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values_HW3)
    size = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = [(b"IHDR", size), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def notes(folder: Path, *names: str) -> list[str]:
    write(folder, train=[row(n, images=[name]) for n, name in enumerate(names)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the note says more
        report = check_folder(folder)
    assert report.problems == []
    return report.notes


def test_12_bits_in_16_are_noted_with_what_to_do(folder: Path) -> None:
    full, camera = save(folder, "full.png", ramp(65535)), save(folder, "b.png", ramp(4000))
    ten = save(folder, "c.tif", ramp(1023))
    [note] = notes(folder, full, camera, ten, "images/0.png")
    assert note == (
        "2 picture(s), the first images/b.png, of 3 with more than 8 bits per channel hold no "
        "value above 4,000. White is 65,535, so the model sees them almost black; if their white "
        "is 4,095 (12 bits), save them with 8 bits: divide their values by 16"
    )
    assert notes(folder, full, "images/0.png") == []


@pytest.mark.parametrize(
    ("highest", "advice"),
    [(255, "(8 bits), save them with 8 bits: keep their values"), (1023, "by 4"), (16383, "by 64")],
)
def test_the_advice_is_that_of_the_bits_in_use(folder: Path, highest: int, advice: str) -> None:
    [note] = notes(folder, save(folder, "deep.png", ramp(highest)))
    assert note.endswith(advice)
    assert f"no value above {highest:,}. " in note


def test_a_black_picture_is_black_and_not_noted(folder: Path) -> None:
    assert (
        notes(folder, save(folder, "black.png", ramp(0)), save(folder, "d.png", ramp(1 << 14)))
        == []
    )


def test_colours_of_12_bits_are_noted_too(folder: Path) -> None:
    values = np.dstack([ramp(4095), ramp(0), ramp(0)])
    (folder / "images/colour.png").write_bytes(colour_png(values))
    (folder / "images/full.png").write_bytes(colour_png(values * 16))
    [note] = notes(folder, "images/colour.png", "images/full.png")
    assert note.startswith("1 picture(s), the first images/colour.png, of 2 ")
    assert "no value above 4,095. " in note


def test_no_picture_is_stretched_and_the_model_is_not_given_it_in_silence(folder: Path) -> None:
    values = ramp(4095)
    path = folder / save(folder, "camera.png", values)
    for read in (open_rgb, lambda file: read_image(file, "7")):
        with pytest.warns(UserWarning, match="read as almost black; livr data check"):
            shown = read(path)
        assert (np.asarray(shown)[..., 0] == values >> 8).all()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read(folder / save(folder, "full.png", ramp(65535)))


def test_a_dark_pgm_of_16_bits_is_dark(tmp_path: Path) -> None:
    (tmp_path / "dark.pgm").write_bytes(
        b"P5 2 2 65535\n" + np.array([0, 9, 99, 255], ">u2").tobytes()
    )
    with Image.open(tmp_path / "dark.pgm") as opened:
        assert opened.mode == "I"
    with pytest.warns(UserWarning, match="almost black"):
        assert np.asarray(open_rgb(tmp_path / "dark.pgm")).max() == 0


def test_a_mixture_of_32_bit_readings_is_noted(folder: Path) -> None:
    low, high = ramp(255).astype(np.int32), ramp(65535).astype(np.float32)
    names = save(folder, "low.tif", low), save(folder, "high.tif", high)
    [note] = notes(folder, *names)
    assert "1 picture(s), the first images/low.tif, have 32 bits" in note
    assert "1 picture(s), the first images/high.tif, have larger values" in note
    assert notes(folder, names[0]) == notes(folder, names[1]) == []
