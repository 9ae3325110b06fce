"""Text files: what would be lost without a word is a problem of its row."""

from __future__ import annotations

from pathlib import Path

import pytest

from livr.data.convert import convert
from livr.data.example import Example
from livr.data.formats import read_parts
from livr.errors import DataError, Problem
from tests.data.reading import read_examples

from . import layouts

HEADER = "image,question,answer"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(4):
        layouts.noise(tmp_path / f"{number}.png", number)
    return tmp_path


def write(folder: Path, name: str, *lines: str) -> Path:
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return folder / name


def problems(source: Path) -> list[Problem]:
    with pytest.raises(DataError) as caught:
        read_examples(source)
    assert caught.value.problems
    return list(caught.value.problems)


UNCLOSED = [
    ['0.png,Q?,"yes', "1.png,Q?,no", "2.png,Q?,no"],
    ['0.png,Q?,"yes', '1.png,Q?,"no"', "2.png,Q?,no"],
    ['0.png,Q?,"yes" or "no"', "1.png,Q?,no"],
]


@pytest.mark.parametrize("rows", UNCLOSED)
def test_a_quote_that_nobody_closes_swallows_no_row(folder: Path, rows: list[str]) -> None:
    source = write(folder, "rows.csv", HEADER, "3.png,Q?,yes", "gone.png,Q?,yes", *rows)
    gone, unclosed = problems(source)
    assert (gone.row, unclosed.file, unclosed.row) == (3, "rows.csv", 4)
    assert "close every quote" in unclosed.message
    [header] = problems(write(folder, "head.csv", 'image,"question,answer', "0.png,Q?,yes"))
    assert header.row == 1


def test_columns_of_a_csv_that_are_slips_or_stand_twice(folder: Path) -> None:
    source = write(folder, "rows.csv", f"{HEADER},source,choice,width", "0.png,Q?,A,one,a|b,7")
    assert [(p.file, p.row) for p in problems(source)] == [("rows.csv", 1)] * 2
    assert ['no "sources"' in p.message for p in problems(source)] == [True, False]
    [twice] = problems(write(folder, "twice.csv", f"{HEADER},answer", "0.png,Q?,yes,no"))
    assert (twice.file, twice.row) == ("twice.csv", 1)
    assert "answer stands twice" in twice.message
    with pytest.raises(DataError, match=r"no column image; .* found image_path,question"):
        read_examples(write(folder, "path.csv", "image_path,question,answer", "0.png,Q?,yes"))


def test_a_csv_has_all_keys_of_a_row(folder: Path) -> None:
    header = "image, question ,answer,choices,task,score_group,helper_images,board,note,"
    source = write(
        folder,
        "rows.csv",
        header,
        "0.png,Q?,B,a|b,count,pair 1,1.png;2.png,,my own,",
        "3.png,Way?,R,,,,,SG|FF,,",
    )
    first, second = read_examples(source)
    assert (first.task, first.score_group, first.choices) == ("count", "pair 1", ("a", "b"))
    assert [Path(str(image)).name for image in first.helper_images] == ["1.png", "2.png"]
    assert (second.task, second.board, second.choices) == ("custom", ("SG", "FF"), None)


ROW = '"image": "0.png", "question": "Q?"'


def test_a_key_that_stands_twice_is_a_problem_of_its_row(folder: Path) -> None:
    rows = [
        f'{{{ROW}, "answer": "yes"}}',
        f'{{{ROW}, "answer": "yes", "answer": "no"}}',
        f'{{{ROW}, "answer": "yes", "meta": [[{{"a": 1, "a": 2}}]]}}',
    ]
    lines = write(folder, "rows.jsonl", *rows)
    table = write(folder, "rows.json", f"[{','.join(rows)}]")
    for source in (lines, table):
        answer, inner = problems(source)
        assert (answer.file, answer.row, inner.row) == (source.name, 2, 3)
        assert '"answer" stands twice' in answer.message
        assert '"a" stands twice' in inner.message


def test_a_key_that_is_a_slip_is_a_problem_of_its_row(folder: Path) -> None:
    rows = [
        f'{{{ROW}, "answer": "yes", "source": "coco", "question_id": 7}}',
        f'{{{ROW}, "answer": "A", "choice": ["yes", "no"]}}',
        f'{{{ROW}, "answer": "yes", "source": ["part 1"]}}',
    ]
    choice, source = problems(write(folder, "rows.jsonl", *rows))
    assert (choice.row, source.row) == (2, 3)
    assert 'no "choices"' in choice.message
    assert 'no "sources"' in source.message


def test_a_line_that_cannot_be_read_is_placed_by_its_column_alone(folder: Path) -> None:
    row = f'{{{ROW}, "answer": "yes"}}'
    [problem] = problems(write(folder, "rows.jsonl", row, "{", row))
    assert problem.row == 2
    assert problem.message.endswith("enclosed in double quotes, at column 2")


def ids(examples: list[Example]) -> list[str]:
    return [example.id for example in examples]


def test_made_up_ids_are_free(folder: Path) -> None:
    named = [f'{{{ROW}, "answer": "{n}", "id": "mixed-{n:05d}"}}' for n in (1, 4)]
    rows = [f'{{{ROW}, "answer": "no"}}', named[0], f'{{{ROW}, "answer": "no"}}', named[1]]
    examples = read_examples(write(folder, "mixed.json", f"[{','.join(rows)}]"))
    assert ids(examples) == ["mixed-00001-2", "mixed-00001", "mixed-00003", "mixed-00004"]
    twice = write(folder, "mixed.json", f"[{','.join([*rows, named[1]])}]")
    [problem] = problems(twice)
    assert problem.row == 5
    assert "'mixed-00004' was already used in row 4" in problem.message


def test_rows_that_name_a_split_keep_it(folder: Path) -> None:
    lines = [f"{n}.png,Q?,yes,{split}" for n, split in enumerate(("train", "Validation", "test"))]
    source = write(folder, "rows.csv", f"{HEADER},split", *lines)
    assert {split: len(rows) for split, rows in read_parts(source).items()} == dict.fromkeys(
        ("train", "val", "test"), 1
    )
    assert convert(source, folder / "out")["counts"] == {"train": 1, "val": 1, "test": 1}
    source = write(folder, "rows.csv", f"{HEADER},split", *lines, "3.png,Q?,yes,")
    with pytest.raises(DataError, match=r'1 row\(s\), the first rows-00004, have no "split"'):
        read_examples(source)
    source = write(folder, "rows.csv", f"{HEADER},split", *lines, "3.png,Q?,yes,fold 3")
    [problem] = problems(source)
    assert problem.row == 5
    assert "must be train, val or test, found 'fold 3'" in problem.message


NUMBERS = [
    ("3.0", "3"),
    ("0.1", "0.1"),
    ("-2.50", "-2.5"),
    ("1e22", "1" + "0" * 22),
    ("1e-7", "0.0000001"),
    ("-0.0", "0"),
    ("1200.0", "1200"),
    ("100", "100"),
    ('"3.0"', "3.0"),  # text stays as it is
]


@pytest.mark.parametrize(("number", "text"), NUMBERS)
def test_numbers_are_written_as_people_do(folder: Path, number: str, text: str) -> None:
    [example] = read_examples(write(folder, "n.json", f'[{{{ROW}, "answer": {number}}}]'))
    assert example.answer == text
