"""Parts named after splits keep them; nothing of a test part comes into training."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from livr.data.convert import convert, export_parquet
from livr.data.example import Example
from livr.data.formats import read_parts
from livr.data.parts import split_of
from livr.data.store import load_split, write_dataset
from livr.errors import DataError
from tests.data.reading import read_examples

from . import layouts

NAMES = [
    ("train", "train"),
    ("validation-00000-of-00002", "val"),
    ("data/test-00000-of-00001", "test"),
    ("validation/0000", "val"),
    ("train/dev", "val"),  # the last step of the path that tells a split
    ("Counting_Test", "test"),
    ("", None),
    ("latest", None),
    ("train_and_test", None),
    ("data/part-0", None),
]


@pytest.mark.parametrize(("name", "split"), NAMES)
def test_names_of_parts(name: str, split: str | None) -> None:
    assert split_of(name) == split


def questions(folder: Path, first: int, count: int) -> list[Example]:
    rows = []
    for number in range(first, first + count):
        layouts.noise(folder / f"{number}.png", number)
        answer, choices = ("B", ("one", "two")) if number % 2 else (f"{number}", None)
        rows.append(
            Example(
                id=f"q{number}",
                images=(folder / f"{number}.png",),
                question="How many, in <image>?" if number % 3 else "How many?",
                choices=choices,
                answer=answer,
            )
        )
    return rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set whose splits are no tenths."""
    sizes = {"train": (0, 5), "val": (10, 3), "test": (20, 4)}
    splits = {name: questions(tmp_path / "pictures", *size) for name, size in sizes.items()}
    write_dataset(tmp_path / "set", splits)
    return tmp_path / "set"


def assert_same(before: Path, after: Path, splits: tuple[str, ...]) -> None:
    assert sorted(path.stem for path in after.glob("*.jsonl")) == sorted(splits)
    for split in splits:
        rows = zip(load_split(before, split), load_split(after, split), strict=True)
        for old, new in rows:
            assert old.model_dump(exclude={"images"}) == new.model_dump(exclude={"images"})
            pictures = [[Path(str(path)).read_bytes() for path in row.images] for row in (old, new)]
            assert pictures[0] == pictures[1]


def test_an_exported_data_set_comes_back_as_it_was(folder: Path, tmp_path: Path) -> None:
    export_parquet(folder, tmp_path / "parquet")
    manifest = convert(tmp_path / "parquet", tmp_path / "back")
    assert manifest["counts"] == {"train": 5, "val": 3, "test": 4}
    assert_same(folder, tmp_path / "back", ("train", "val", "test"))
    for split in ("train", "val"):
        (tmp_path / f"parquet/{split}.parquet").unlink()
    convert(tmp_path / "parquet", tmp_path / "only")
    assert_same(folder, tmp_path / "only", ("test",))
    convert(tmp_path / "parquet" / "test.parquet", tmp_path / "one", val=0, test=0)
    assert len(load_split(tmp_path / "one", "train")) == 4  # a single file is divided


def test_a_saved_dataset_of_parts_keeps_them(folder: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    export_parquet(folder, tmp_path / "parquet")
    tables = {
        "train": "train",
        "validation": "val",
        "test": "test",
    }
    parts = {
        name: datasets.Dataset(pq.read_table(tmp_path / f"parquet/{split}.parquet"))
        for name, split in tables.items()
    }
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "saved"))
    convert(tmp_path / "saved", tmp_path / "back")
    assert_same(folder, tmp_path / "back", ("train", "val", "test"))


def test_rows_without_a_split_are_divided(folder: Path, tmp_path: Path) -> None:
    export_parquet(folder, tmp_path / "parquet")
    for number, split in enumerate(("train", "val", "test")):
        (tmp_path / f"parquet/{split}.parquet").rename(tmp_path / f"parquet/part-{number}.parquet")
    manifest = convert(tmp_path / "parquet", tmp_path / "back", val=0.25, test=0.25)
    assert manifest["counts"] == {"train": 6, "val": 3, "test": 3}


def test_a_part_beside_the_splits_is_refused(folder: Path, tmp_path: Path) -> None:
    export_parquet(folder, tmp_path / "parquet")
    pq.write_table(pa.table({"question": ["?"]}), tmp_path / "parquet" / "more.parquet")
    with pytest.raises(DataError, match="and more, which is none of train, val and test"):
        convert(tmp_path / "parquet", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def rows(pictures: Path, first: int, *answers: str, ids: tuple[str, ...] = ()) -> pa.Table:
    numbers = range(first, first + len(answers))
    for number in numbers:
        layouts.noise(pictures / f"{number}.png", number)
    named = {"id": list(ids)} if ids else {}
    names = [f"{number}.png" for number in numbers]
    return pa.table({"image": names, "question": ["?"] * len(names), "answer": answers, **named})


def test_problems_are_placed_in_their_part(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    train, val = rows(tmp_path, 0, "a", "b", "c"), rows(tmp_path, 3, "a", "", "")
    (tmp_path / "two").mkdir()
    pq.write_table(train, tmp_path / "two/train.parquet")
    pq.write_table(val, tmp_path / "two/validation.parquet")
    parts = {"train": datasets.Dataset(train), "validation": datasets.Dataset(val)}
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "saved"))
    for folder, file in (("two", "validation.parquet"), ("saved", "validation")):
        with pytest.raises(DataError) as caught:
            read_examples(tmp_path / folder)
        assert [(p.file, p.row) for p in caught.value.problems] == [(file, 2), (file, 3)]
    slip = val.append_column("choice", [[["a", "b"]] * 3])
    pq.write_table(slip, tmp_path / "two/validation.parquet")
    with pytest.raises(DataError) as caught:
        read_examples(tmp_path / "two")
    assert [(p.file, p.row) for p in caught.value.problems] == [("validation.parquet", None)]


def test_ids_that_start_again_in_each_split_get_it_in_front(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    train = rows(tmp_path, 0, "a", "b", ids=("1", "2"))
    pq.write_table(train, tmp_path / "two/train.parquet")
    pq.write_table(rows(tmp_path, 2, "a", ids=("3",)), tmp_path / "two/validation.parquet")
    ids = {s: [e.id for e in part] for s, part in read_parts(tmp_path / "two").items()}
    assert ids == {"train": ["1", "2"], "val": ["3"]}
    pq.write_table(rows(tmp_path, 2, "a", ids=("2",)), tmp_path / "two/validation.parquet")
    ids = {s: [e.id for e in part] for s, part in read_parts(tmp_path / "two").items()}
    assert ids == {"train": ["train-1", "train-2"], "val": ["val-2"]}
    pq.write_table(rows(tmp_path, 4, "a", ids=("2",)), tmp_path / "two/train-1.parquet")
    with pytest.raises(DataError) as caught:
        read_examples(tmp_path / "two")
    [problem] = caught.value.problems
    assert (problem.file, problem.row) == ("train.parquet", 2)
    assert "'2' was already used in train-1.parquet, row 1; give each" in problem.message


DAMAGED = [
    ("train/state.json", "{}"),
    ("train/state.json", "["),
    ("train/dataset_info.json", "[]"),
    ("train/data-00000-of-00001.arrow", "x"),
    ("dataset_dict.json", "{}"),
    ("dataset_dict.json", '{"splits": ["other"]}'),
]


@pytest.mark.parametrize(("file", "text"), DAMAGED)
def test_a_damaged_saved_dataset_is_named(tmp_path: Path, file: str, text: str) -> None:
    datasets = pytest.importorskip("datasets")
    parts = {"train": datasets.Dataset(rows(tmp_path, 0, "a"))}
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "saved"))
    (tmp_path / "saved" / file).write_text(text)
    with pytest.raises(DataError, match=r"saved holds a saved dataset that is damaged .*save it"):
        read_examples(tmp_path / "saved")


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(rows(tmp_path, 0, *map(str, range(20))), path, compression="none")
    whole = bytearray(path.read_bytes())
    whole[4:60] = bytes(56)  # the first page, not the footer
    path.write_bytes(whole)
    with pytest.raises(DataError, match=r"rows\.parquet is damaged, copy it again"):
        read_examples(path)
    path.write_text("no parquet")
    with pytest.raises(DataError, match=r"rows\.parquet is not a parquet file"):
        read_examples(path)


@pytest.mark.parametrize("source", ["hf:", "hf: ", "hf::train"])
def test_the_hub_needs_a_name(source: str) -> None:
    with pytest.raises(DataError, match="hf: names no data set"):
        read_examples(source)


def test_parts_may_have_their_suffix_in_capitals(folder: Path, tmp_path: Path) -> None:
    export_parquet(folder, tmp_path / "parquet")
    for split in ("train", "val", "test"):
        (tmp_path / f"parquet/{split}.parquet").rename(tmp_path / f"parquet/{split}.PARQUET")
    assert convert(tmp_path / "parquet", tmp_path / "back")["counts"] == {
        "train": 5, "val": 3, "test": 4,
    }  # fmt: skip
    assert len(read_examples(tmp_path / "parquet/val.PARQUET")) == 3


def test_a_folder_that_is_converted_already_is_called_so(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="set is a livr data set already: it can be used as it is"):
        convert(folder, tmp_path / "again")
    (folder / "manifest.json").unlink()  # sets made by hand have none
    with pytest.raises(DataError, match="already"):
        read_parts(folder)


NEITHER = "holds neither parquet files nor a dataset written by save_to_disk"


def test_of_a_folder_of_text_files_the_files_are_named(tmp_path: Path) -> None:
    def said() -> str:
        with pytest.raises(DataError) as caught:
            read_parts(tmp_path)
        return str(caught.value)

    assert said().startswith(f"{tmp_path} {NEITHER}; give a folder that holds one, or a csv, json")
    (tmp_path / "train.jsonl").write_text('{"messages": [], "images": []}')
    one = f"{tmp_path} {NEITHER}, but train.jsonl; convert that file: livr data convert {tmp_path}"
    assert said() == f"{one}/train.jsonl"
    (tmp_path / "train.jsonl").rename(tmp_path / "g.json")
    for name in ("a.csv", "b.csv", "c.csv", "d.CSV", "e.jsonl"):
        (tmp_path / name).touch()
    assert f"{NEITHER}, but a.csv, b.csv, c.csv, d.CSV, e.jsonl, ...; convert one of them" in said()
