"""Tables: numbers that stand for names, columns nobody needs, values nobody can read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from livr.data.arrow import numbered_rows
from livr.data.example import Example
from livr.errors import DataError, Problem
from tests.data.reading import read_examples

from . import layouts

datasets = pytest.importorskip("datasets")

LABEL = datasets.ClassLabel(names=["cat", "dog"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(2):
        layouts.noise(tmp_path / f"{number}.png", number)
    return tmp_path


def table(**columns: Any) -> dict[str, Any]:
    return {
        "image": ["0.png", "1.png"],
        "question": ["What?", "And?"],
        "answer": ["a", "b"],
        **columns,
    }


def problems(source: Path) -> list[Problem]:
    with pytest.raises(DataError) as caught:
        read_examples(source)
    assert caught.value.problems
    return list(caught.value.problems)


def to_parquet(dataset: Any, folder: Path) -> Path:
    dataset.to_parquet(str(folder / "rows.parquet"))
    return folder / "rows.parquet"


def to_disk(dataset: Any, folder: Path) -> Path:
    dataset.save_to_disk(str(folder / "saved"))
    return folder / "saved"


WAYS = [to_parquet, to_disk]


@pytest.mark.parametrize("write", WAYS)
def test_a_class_label_is_its_name(folder: Path, write: Callable[[Any, Path], Path]) -> None:
    def read(features: dict[str, Any], **columns: Any) -> list[Example]:
        values = table(**columns)
        kinds = {name: features.get(name, datasets.Value("string")) for name in values}
        shutil.rmtree(folder / "saved", ignore_errors=True)
        rows = datasets.Dataset.from_dict(values, datasets.Features(kinds))
        return read_examples(write(rows, folder))

    assert [row.answer for row in read({"answer": LABEL}, answer=[1, 0])] == ["dog", "cat"]
    letters = datasets.ClassLabel(names=["A", "B"])
    rows = read(
        {"answer": letters, "choices": datasets.List(LABEL)}, answer=[1, 0], choices=[[0, 1]] * 2
    )
    assert [(row.answer, row.choices) for row in rows] == [
        ("B", ("cat", "dog")),
        ("A", ("cat", "dog")),
    ]
    with pytest.raises(DataError, match=r":2: .* found null"):
        read({"answer": LABEL}, answer=[1, -1])  # a label that is not known


def test_class_labels_within_turns_and_of_older_versions() -> None:
    label = {"_type": "ClassLabel", "names": ["user", "assistant"]}
    turns = pa.table({"messages": [[{"role": 0}, {"role": 1}]], "choices": [[1, None]]})
    features = {"messages": [{"role": label}], "choices": {"_type": "Sequence", "feature": label}}
    expected = {
        "messages": [{"role": "user"}, {"role": "assistant"}],
        "choices": ["assistant", None],
    }
    problems: list[Problem] = []
    assert list(numbered_rows([turns], features, "x", problems)) == [(1, expected)]
    lists = pa.table({"messages": [{"role": [0, 1]}]})  # a Sequence of a dict, as it was stored
    features = {"messages": {"_type": "Sequence", "feature": {"role": label}}}
    [(_, row)] = numbered_rows([lists], features, "x", problems)
    assert row == {"messages": {"role": ["user", "assistant"]}}
    assert not problems


@pytest.mark.parametrize(
    ("kind", "numbers", "texts"),
    [
        (pa.float32(), [0.1, 1e22], ["0.1", "1" + "0" * 22]),
        (pa.float16(), [0.1, 3], ["0.1", "3"]),
        (pa.float64(), [0.1, 3], ["0.1", "3"]),
        (pa.decimal128(9, 2), [Decimal("0.10"), Decimal(300)], ["0.1", "300"]),
    ],
)
def test_numbers_have_no_digits_that_nobody_wrote(
    folder: Path, kind: Any, numbers: list[Any], texts: list[str]
) -> None:
    answers = pa.array(numbers, pa.float64()).cast(kind) if kind != pa.decimal128(9, 2) else None
    answers = pa.array(numbers, kind) if answers is None else answers
    pq.write_table(pa.table(table(answer=answers)), folder / "rows.parquet")
    assert [row.answer for row in read_examples(folder / "rows.parquet")] == texts


def test_what_nobody_asks_for_is_not_read(folder: Path) -> None:
    far = pa.array([2**62, 0], pa.timestamp("ms"))
    columns = table(
        when=far, lasts=far.cast(pa.int64()).cast(pa.duration("ms")), source=["web"] * 2
    )
    pq.write_table(pa.table(columns), folder / "rows.parquet")
    assert [row.answer for row in read_examples(folder / "rows.parquet")] == ["a", "b"]


def test_a_value_that_cannot_be_read_is_a_problem_of_its_row(folder: Path) -> None:
    far = pa.array([0, 2**62], pa.timestamp("ms"))
    pq.write_table(pa.table(table(id=far)), folder / "rows.parquet")
    first, second = problems(folder / "rows.parquet")
    assert (first.row, second.row) == (1, 2)
    assert '"id" must be text or a number, found datetime' in first.message
    assert '"id" cannot be read' in second.message
    offsets, letters = (
        pa.py_buffer(bytes([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0])),
        pa.py_buffer(b"a\xff"),
    )
    latin = pa.Array.from_buffers(pa.string(), 2, [None, offsets, letters])
    pq.write_table(pa.table(table(question=latin)), folder / "rows.parquet")
    [problem] = problems(folder / "rows.parquet")
    assert problem.row == 2
    assert '"question" is not UTF-8' in problem.message


def test_columns_that_are_slips_stand_twice_or_are_missing(folder: Path) -> None:
    path = folder / "rows.parquet"
    pq.write_table(pa.table(table(choice=[["a", "b"]] * 2)), path)
    assert ['no "choices"' in problem.message for problem in problems(path)] == [True]
    pq.write_table(pa.table(table(source=[["part 1"]] * 2)), path)
    assert ['no "sources"' in problem.message for problem in problems(path)] == [True]
    columns = [["0.png"], ["What?"], ["a"], ["b"]]
    pq.write_table(pa.table(columns, ["image", "question", "answer", "answer"]), path)
    [twice] = problems(path)
    assert (twice.file, twice.row) == ("rows.parquet", None)
    assert "answer stands twice" in twice.message
    pq.write_table(pa.table({"text": ["a"] * 500}), path)
    [none] = problems(path)
    assert "no column question, messages or conversations; it has text" in none.message
