"""Parts named after splits keep them; nothing of a test part comes into training."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from livr.data.convert import convert, export_parquet
from livr.data.example import Example
from livr.data.parts import split_of
from livr.data.store import load_split, write_dataset
from livr.errors import DataError

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
