"""`livr data convert` changes no picture, and asks nothing that the source does not say."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from livr.data.convert import convert
from livr.data.example import Example
from livr.data.store import load_split
from livr.errors import DataError, Problem
from livr.model.encoder import read_image
from tests.data.reading import read_examples

from . import layouts


def encoded(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture = Image.frombytes("RGB", (16, 12), bytes(range(192)) * 3).convert(mode)
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded("JPEG", exif=exif)


def parquet(path: Path, *pictures: bytes) -> Path:
    rows = [
        {"images": [{"bytes": data, "path": None}], "question": "What?", "answer": f"{number}"}
        for number, data in enumerate(pictures)
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def problems(source: Path) -> list[Problem]:
    with pytest.raises(DataError) as caught:
        read_examples(source)
    assert caught.value.problems
    return list(caught.value.problems)


def stored(folder: Path) -> dict[str, Path]:
    return {e.answer: Path(str(e.images[0])) for e in load_split(folder, "train")}


def test_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    pictures = [
        turned(),
        encoded("JPEG", "CMYK"),
        encoded("WEBP"),
        encoded("PNG"),
        encoded("TIFF"),
    ]
    convert(parquet(tmp_path / "rows.parquet", *pictures), tmp_path / "out", val=0, test=0)
    files = stored(tmp_path / "out")
    assert [files[f"{n}"].read_bytes() for n in range(5)] == pictures
    suffixes = [files[f"{n}"].suffix for n in range(5)]
    assert suffixes == [".jpg", ".jpg", ".webp", ".png", ".tiff"]
    assert read_image(files["0"], "0").size == (12, 16)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "rows.parquet"]


def test_damaged_bytes_are_a_problem_of_their_row(tmp_path: Path) -> None:
    whole = encoded("JPEG")
    # It can be opened; only decoding tells.
    source = parquet(tmp_path / "rows.parquet", whole, whole[:-20], b"no picture")
    cut, wrong = problems(source)
    assert (cut.row, wrong.row) == (2, 3)
    assert cut.message.startswith("an image in the row is damaged: image file is truncated")
    assert "not an image file" in wrong.message
    with pytest.raises(DataError, match="2 problem") as caught:
        convert(source, tmp_path / "out")
    assert [p.message for p in caught.value.problems] == [cut.message, wrong.message]
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]


def test_a_saved_dataset_keeps_its_bytes(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    data = turned()
    rows = {
        "image": [{"bytes": data, "path": None}],
        "question": ["What?"],
        "answer": ["0"],
        "messages": [None],
    }
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "question": datasets.Value("string"),
            "answer": datasets.Value("string"),
            "messages": datasets.Value("string"),
        }
    )
    datasets.Dataset.from_dict(rows, features).save_to_disk(str(tmp_path / "saved"))
    convert(tmp_path / "saved", tmp_path / "out", val=0, test=0)
    assert stored(tmp_path / "out")["0"].read_bytes() == data


def test_the_same_pixels_come_into_one_split(tmp_path: Path) -> None:
    pictures = []
    for number in range(10):
        data = layouts.noise(tmp_path / "one.png", number)
        buffer = io.BytesIO()
        Image.open(io.BytesIO(data)).save(buffer, "BMP")
        pictures += [data, buffer.getvalue()]
    convert(parquet(tmp_path / "rows.parquet", *pictures), tmp_path / "out", val=0.2, test=0.2)
    for split in ("train", "val", "test"):
        numbers = [int(e.answer) // 2 for e in load_split(tmp_path / "out", split)]
        assert all(numbers.count(number) == 2 for number in numbers), split


def test_pictures_turned_by_their_metadata_count_as_the_same(tmp_path: Path) -> None:
    pictures = []
    for number in range(10):
        upright = Image.open(io.BytesIO(layouts.noise(tmp_path / "one.png", number)))
        exif, buffer = Image.Exif(), io.BytesIO()
        exif[0x0112] = 6
        upright.transpose(Image.Transpose.ROTATE_90).save(buffer, "PNG", exif=exif)
        pictures += [(tmp_path / "one.png").read_bytes(), buffer.getvalue()]
    convert(parquet(tmp_path / "rows.parquet", *pictures), tmp_path / "out", val=0.2, test=0.2)
    for split in ("train", "val", "test"):
        numbers = [int(e.answer) // 2 for e in load_split(tmp_path / "out", split)]
        assert all(numbers.count(number) == 2 for number in numbers), split


ROW = {"image": "one.png", "question": "How many?", "answer": "3"}
WRONG = [
    ({"answer": None}, '"answer" must be text or a number, found null'),
    ({"answer": ["3"]}, '"answer" must be text'),
    ({"answer": True}, '"answer" must be text'),
    ({"answer": float("nan")}, '"answer" must be text'),
    ({"question": {"en": "?"}}, '"question" must be text'),
    ({"question": None}, '"question" must be text'),
    ({"choices": "yes|no", "answer": "A"}, '"choices" must be a list'),
    ({"choices": ["yes", None], "answer": "A"}, '"choices" must be text'),
    ({"helper_images": "one.png"}, '"helper_images" must be a list'),
    ({"score_group": ["a"]}, '"score_group" must be text'),
    ({"image": "iVBORw0K" * 900}, "no path that can be used"),
    ({"question": "\ud800?"}, '"question" holds a lone surrogate'),
    ({"id": "\ud800"}, '"id" holds a lone surrogate'),
    ({"image": "\ud800.png"}, "\\ud800.png does not exist"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_nothing_is_made_up(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    layouts.noise(tmp_path / "one.png", 0)
    lines = [json.dumps(ROW), "", json.dumps({**ROW, **change})]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    [problem] = problems(tmp_path / "rows.jsonl")
    assert (problem.file, problem.row) == ("rows.jsonl", 3)  # the line, blank ones counted
    assert message in problem.message
    assert len(problem.message) < 300


def read_one(tmp_path: Path, **changes: Any) -> Example:
    layouts.noise(tmp_path / "one.png", 0)
    (tmp_path / "rows.json").write_text(json.dumps([{**ROW, **changes}]))
    [example] = read_examples(tmp_path / "rows.json")
    return example


def test_numbers_are_answers_and_null_columns_are_none(tmp_path: Path) -> None:
    example = read_one(tmp_path, answer=3, choices=None, board=None, helper_images=None, id=0)
    assert (example.answer, example.choices, example.id) == ("3", None, "0")
    turns = [{"role": "user", "content": "What?"}, {"role": "assistant", "content": 4}]
    assert read_one(tmp_path, answer=10**400).answer == f"{10**400}"  # no float is that large
    example = read_one(tmp_path, question=None, answer=None, images=None, messages=turns)
    assert (example.question, example.answer) == ("What?", "4")


def test_csv_rows_of_another_length_are_named(tmp_path: Path) -> None:
    layouts.noise(tmp_path / "one.png", 0)
    lines = [
        "image,question,answer,choices",
        'one.png,"over\ntwo lines?",3,',
        "one.png,Red, or green?,A,red|green",
        "",
        "one.png,What?,3",
    ]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    found = problems(tmp_path / "rows.csv")
    assert [problem.row for problem in found] == [4, 6]
    assert "5 cells but the header has 4" in found[0].message
    assert "3 cells" in found[1].message
    (tmp_path / "rows.csv").write_text("picture,question,answer\n")
    with pytest.raises(DataError, match=r"rows.csv: the csv has no column image"):
        read_examples(tmp_path / "rows.csv")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json"])
def test_other_encodings_are_named(tmp_path: Path, suffix: str) -> None:
    row = {**ROW, "question": "Größe?"}
    text = {
        "csv": "image,question,answer\none.png,Größe?,3\n",
        "jsonl": json.dumps(row, ensure_ascii=False),
        "json": json.dumps([row], ensure_ascii=False),
    }[suffix]
    path = tmp_path / f"rows.{suffix}"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=rf"rows\.{suffix}") as caught:
        read_examples(path)
    assert "not UTF-8" in str(caught.value)
    assert "save it as UTF-8" in str(caught.value)


def test_a_csv_cell_may_be_long(tmp_path: Path) -> None:
    layouts.noise(tmp_path / "one.png", 0)
    question = "a" * 200_000
    (tmp_path / "rows.csv").write_text(f"image,question,answer\none.png,{question},3\n")
    assert read_examples(tmp_path / "rows.csv")[0].question == question


def test_shares_that_leave_no_training_row_are_refused(tmp_path: Path) -> None:
    rows = []
    for number in range(10):
        layouts.noise(tmp_path / f"{number}.png", number)
        rows.append({**ROW, "image": f"{number}.png"})
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    with pytest.raises(DataError, match="none of the 10 row"):
        convert(tmp_path / "rows.json", tmp_path / "out", val=0.5, test=0.46)
    for wrong in (float("nan"), float("inf"), -0.1, 1.0):
        with pytest.raises(DataError, match="must be shares"):
            convert(tmp_path / "rows.json", tmp_path / "out", val=wrong, test=0)
        with pytest.raises(DataError, match="must be shares"):
            convert(tmp_path / "rows.json", tmp_path / "out", val=0, test=wrong)
    assert not (tmp_path / "out").exists()
