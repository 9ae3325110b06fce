"""BLINK's parquet files, made here and, where they are, the real ones."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from livr.data.build import build_task
from livr.data.dedup import open_rgb as open_small
from livr.data.pictures import open_rgb
from livr.data.prompts import render
from livr.data.sources.blink import load_blink, prompt_template
from livr.data.store import load_split, write_dataset
from livr.errors import DataError
from livr.model.encoder import read_image

from . import layouts
from .test_check import png_header

REAL = Path(__file__).parents[3] / "shared" / "data" / "blink"


def picture(number: int) -> dict[str, Any]:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 10), (number, 0, 0)).save(buffer, "JPEG")
    return {"bytes": buffer.getvalue(), "path": "image.jpg"}


def row(number: int, **changes: Any) -> dict[str, Any]:
    base = {
        "idx": f"val_Object_Localization_{number}",
        "question": "Which box?",
        "sub_task": "Object_Localization",
        "image_1": picture(number),
        "image_2": picture(number + 100) if number == 0 else None,
        "image_3": None,
        "image_4": None,
        "choices": ["Box A", "Box B"],
        "answer": "(B)",
        "prompt": f"Which box shows the {'cat' if number % 2 else 'old dog'} better?\n"
        "Select from the following options.\n(A) Box A\n(B) Box B",
        "explanation": None,
    }
    return {**base, **changes}


def write(folder: Path, subset: str, rows: list[dict[str, Any]]) -> None:
    (folder / subset).mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / subset / "val-00000-of-00001.parquet")


def test_rows_with_null_images(tmp_path: Path) -> None:
    write(tmp_path, "Object_Localization", [row(0), row(1)])
    first, second = load_blink(tmp_path, "Object_Localization")
    assert (len(first.images), len(second.images)) == (2, 1)
    assert first.answer == "B"
    assert render(second).startswith("Which box shows the cat better?\nSelect from")
    assert load_split(f"blink:{tmp_path}", "test") != []
    assert len(load_split(f"blink:{tmp_path}/Object_Localization", "val")) == 2
    with pytest.raises(DataError, match="no training"):
        load_split(f"blink:{tmp_path}", "train")


def test_bad_rows_are_all_named(tmp_path: Path) -> None:
    rows = [row(0, answer="(C)"), row(1), row(2, answer="hidden"), row(3, image_1=None)]
    write(tmp_path, "Object_Localization", rows)
    with pytest.raises(DataError) as caught:
        load_blink(tmp_path)
    assert [problem.row for problem in caught.value.problems] == [1, 3, 4]


def test_pictures_nobody_can_open_are_named(tmp_path: Path) -> None:
    huge, text = ({"bytes": data, "path": None} for data in (png_header(50_000, 50_000), b"hi"))
    rows = [row(0), row(1, image_1=huge), row(2, image_1=text)]
    write(tmp_path, "Object_Localization", rows)
    with pytest.raises(DataError) as caught:
        load_blink(tmp_path)
    assert [problem.row for problem in caught.value.problems] == [2, 3]
    assert "is huge" in caught.value.problems[0].message
    assert "not an image file" in caught.value.problems[1].message


def test_rows_that_lack_something_are_named(tmp_path: Path) -> None:
    rows = [
        row(0),
        row(1, choices=None),
        row(2, idx=None),
        row(3, prompt="", question=" "),
        row(4, idx="val_Object_Localization_0"),
        row(5, choices=["Box A", None]),
        row(6, image_1={"bytes": None, "path": "x.jpg"}),
        row(7, sub_task=None),
    ]
    write(tmp_path, "Object_Localization", rows)
    with pytest.raises(DataError) as caught:
        load_blink(tmp_path)
    found = caught.value.problems
    assert [problem.row for problem in found] == [2, 3, 4, 5, 6, 7, 8]
    wanted = ["choices must", "idx must", "question must", "already used in", "choices must be a"]
    for problem, message in zip(found, [*wanted, "image_1 holds no", "sub_task"], strict=True):
        assert message in problem.message
    assert "parquet:1" in found[3].message


def test_a_picture_cut_short_is_named_wherever_it_is_decoded(tmp_path: Path) -> None:
    whole = layouts.noise(tmp_path / "noise.png", 0)
    cut = {"bytes": whole[: len(whole) // 2], "path": None}
    write(tmp_path, "Object_Localization", [row(0), row(1, image_2=cut)])
    place = r"\(Object_Localization/val-00000-of-00001\.parquet:2, image_2\)"
    _, example = load_blink(tmp_path)
    for read in (open_rgb, open_small, lambda image: read_image(image, example.id)):
        with pytest.raises(DataError, match=rf"{place} is damaged"):
            read(example.images[1])
        assert read(example.images[0]).size == (20, 10)
    with pytest.raises(DataError, match=rf"the image {place}"):  # not Pillow's name of an object
        open_rgb(example.images[1])
    with pytest.raises(DataError, match=place):
        write_dataset(tmp_path / "set", {"train": [example]})


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, "Object_Localization", [row(number) for number in range(9)])
    path = tmp_path / "Object_Localization" / "val-00000-of-00001.parquet"
    whole = bytearray(path.read_bytes())
    whole[4:60] = bytes(56)  # the first page, not the footer
    path.write_bytes(whole)
    with pytest.raises(DataError, match=r"val-00000-of-00001\.parquet is damaged, copy it again"):
        load_blink(tmp_path)


def test_wrong_places(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no subset 'Puzzle'"):
        load_blink(tmp_path, "Puzzle")
    with pytest.raises(DataError, match="get it"):
        load_blink(tmp_path / "nowhere")
    write(tmp_path, "Jigsaw", [{"idx": "1"}])
    with pytest.raises(DataError, match="has no column"):
        load_blink(tmp_path, "Jigsaw")


def test_the_wording_becomes_a_template(tmp_path: Path) -> None:
    write(tmp_path, "Object_Localization", [row(number) for number in range(4)])
    assert prompt_template(tmp_path, "localization") == "Which box shows the {label} better?"
    build_task("localization", "pool", tmp_path / "set", {"train": 2}, prompts=tmp_path)
    [question, _] = [example.question for example in load_split(tmp_path / "set", "train")]
    assert question.startswith("Which box shows the ")
    assert question.endswith(" better?")


@pytest.mark.skipif(not REAL.is_dir(), reason="the real BLINK rows are not on this machine")
def test_real_rows() -> None:
    jigsaw = load_blink(REAL, "Jigsaw")
    assert len(jigsaw) == 150
    assert {len(example.images) for example in jigsaw} == {3}
    assert {example.answer for example in jigsaw} == {"A", "B"}
    assert len(load_split(f"blink:{REAL}/Spatial_Relation", "val")) == 143
    assert "lower right corner" in prompt_template(REAL, "jigsaw")
    with pytest.raises(DataError):
        prompt_template(REAL, "art_style")
