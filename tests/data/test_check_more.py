"""What a set is that cannot be trained on, what is no file, and what is in two splits how often."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from livr.data.check import check_folder
from livr.data.check_length import TokenCount
from livr.data.example import Example
from livr.data.store import load_split
from livr.errors import DataError

from .test_check import folder, found, row, write

__all__ = ["folder"]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def check(livr_command: Run) -> Run:
    return partial(livr_command, "data", "check")


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_set_without_training_rows_is_fine_and_said_so(
    folder: Path, check: Run, split: str
) -> None:
    write(folder, **{split: [row(0)]})
    code, text, remark = check(folder)
    assert (code, f"is fine: 1 {split}; 1 images" in text) == (0, True)
    assert "has no train.jsonl: models can be tested on it, not trained on it" in remark
    code, text, _ = check(folder, "--json")
    assert (code, len(json.loads(text)["notes"])) == (0, 1)
    write(folder, train=[row(1)])
    assert check_folder(folder).notes == []


@pytest.mark.parametrize("name", ["train", "val", "regions"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_is_no_file_is_not_passed_over(folder: Path, name: str, kind: str) -> None:
    write(folder, train=[row(0)])
    path = folder / f"{name}.jsonl"
    path.unlink(missing_ok=True)
    if kind == "link":
        path.symlink_to("nowhere")
    else:
        os.mkfifo(path)
    said = "a link that leads nowhere (nowhere)" if kind == "link" else "a pipe or a device"
    [(file, number, message)] = found(folder)
    assert (file, number) == (path.name, None)
    assert said in message
    if name != "regions":
        with pytest.raises(DataError, match=rf"{name}\.jsonl is a (link|pipe)"):
            load_split(folder, name)


def unscorable(*answers: str) -> list[dict[str, object]]:
    return [row(0, id=f"a{i}", choices=None, answer=text) for i, text in enumerate(answers)]


def test_answers_that_can_never_score_are_named(folder: Path, check: Run) -> None:
    board = {"choices": None, "board": ["SF", "FG"]}
    rows = unscorable("?", ".5", "Answer", "7", "the red car", "-3", "1,000", "seven")
    rows += [row(1), row(2, answer="B"), row(3, **board, answer="r d")]
    rows += [row(4, **board, answer="north")]
    write(folder, train=rows)
    code, text, _ = check(folder, "--json")
    problems = json.loads(text)["problems"]
    assert code == 2
    assert [problem["row"] for problem in problems] == [1, 2, 3, 12]
    assert "the answer '?' can never score" in problems[0]["message"]


def test_the_embedded_data_passes(livr_command: Run, check: Run, tmp_path: Path) -> None:
    for task in ("counting", "localization", "vsp"):
        out = tmp_path / task
        sizes = ("--train", 6, "--val", 2, "--test", 2)
        assert livr_command("data", "build", task, "--out", out, *sizes)[0] == 0
        assert check(out)[0] == 0


def test_damaged_regions_are_named(folder: Path) -> None:
    write(folder, train=[row(0)])
    good = b'{"id": "r0", "box": [0, 0, 4, 4]}\n'
    other = b'{"id": "removed", "image": 9, "box": [0, 0, 4, 4]}\n'
    bad = b'{"id": "r0", "image": 1, "box": [0, 0, 4, 4]}\n{"id": "r0"}\n\xff\n'
    (folder / "regions.jsonl").write_bytes(b"\xef\xbb\xbf" + good + b"\n" + other + bad)
    problems = found(folder)
    assert [(file, number) for file, number, _ in problems] == [
        ("regions.jsonl", number) for number in (4, 5, 6)
    ]
    assert "'r0' has no image 1; it has 1" in problems[0][2]


def test_it_is_said_how_many_rows_are_in_two_splits(folder: Path) -> None:
    shared = {"images": ["images/0.png"], "sources": ["scene 1"]}
    rows = [row(number, **shared) for number in range(1, 9)]
    rows[0]["images"] = ["images/0.png", "images/0.png"]  # twice in a row is one row
    write(folder, train=[row(0, sources=["scene 1"])], val=rows, test=[row(9, **shared)])
    problems = found(folder)
    assert [(file, number) for file, number, _ in problems] == [
        *[("val.jsonl", 1)] * 2,
        *[("test.jsonl", 1)] * 2,
    ]
    for *_, message in problems[:2]:
        assert message.endswith("(7 more row(s) of this file have it: 2, 3, 4, 5, 6, ...)")
    for *_, message in problems[2:]:
        assert message.endswith("it is already in train.jsonl:1; keep it in one split only")


class Counter:
    """Eight characters of text are too many; a row with too many marks cannot be encoded."""

    limit = 8
    pixels_per_token = None

    def __call__(self, example: Example) -> TokenCount:
        if "<image>" in example.question:
            raise RuntimeError("no such image")
        return TokenCount(len(example.question), 0)


def test_a_long_row_with_another_problem_is_still_long(folder: Path) -> None:
    long = "Is it scratched?"
    rows = [
        row(0, question=long),
        row(1, id="r0", question=long),
        row(2, answer="C", question=long),
        row(3, answer="C", question="<image> <image> " + long),
        row(4, images=["gone.png"], question=long),
    ]
    write(folder, train=rows)
    problems = check_folder(folder, Counter()).problems
    assert [p.row for p in problems if "tokens" in p.message] == [1, 2, 3]
    assert {p.row for p in problems} == {1, 2, 3, 4, 5}


def test_numbers_for_text_hide_no_other_problem_of_their_rows(folder: Path) -> None:
    (folder.parent / "outside.png").write_bytes((folder / "images/0.png").read_bytes())
    wrong = {"id": 0, "choices": None, "answer": 3}
    rows = [
        row(0, **wrong),
        row(1, **wrong, images=["Images/1.png"]),
        row(2, **wrong | {"id": 2}, images=["../outside.png"], question=" "),
        row(3, answer=7.5, note="mine"),
    ]
    write(folder, train=rows)
    problems = found(folder)
    said = [[text for _, number, text in problems if number == line] for line in range(1, 5)]
    wrong_types = [[text for text in texts if "must be text" in text] for texts in said]
    assert [len(texts) for texts in wrong_types] == [2, 2, 2, 1]
    assert wrong_types[0][0] == (
        '"id" must be text, found 0; write "0" in quotes, or use livr data convert, which accepts '
        "numbers"
    )
    rest = [sorted(set(texts) - set(wrong_types[i])) for i, texts in enumerate(said)]
    assert rest[0] == []
    assert rest[1] == [
        "image Images/1.png does not exist, but images/1.png does; upper and lower case count, so "
        "write it like that",
        "the id '0' was already used in train.jsonl:1",
    ]
    assert [text.partition(" ../")[0] for text in rest[2]] == ["image", "the question is empty"]
    assert ["not among the choices" in text for text in rest[3]] == [True, False]
    with pytest.raises(DataError) as caught:
        load_split(folder, "train")
    texts = [problem.message for problem in caught.value.problems]
    assert "the id '0' was already used in row 1" in texts
    assert any(text.startswith("image Images/1.png does not exist") for text in texts)


def test_of_a_row_that_cannot_be_read_as_a_whole_id_and_pictures_are_checked(folder: Path) -> None:
    rows = [
        row(0),
        row(1, id="r0", question=..., images=["images/1.png", "gone.png", 3]),
        row(2, answer=None, images="gone.png", helper_images={"a": 1}),
        row(3, question=["?"], images=None),
    ]
    # How many pictures the last row has is not known, so neither is whether the box fits.
    write(folder, train=rows, regions=[{"id": "r3", "image": 0, "box": [0, 0, 4, 4]}])
    problems = [(number, text) for _, number, text in found(folder)]
    assert sorted(problems) == [
        (2, '"images.2" must be the path of a picture, found 3'),
        (2, "image gone.png does not exist"),
        (2, "the id 'r0' was already used in train.jsonl:1"),
        (2, 'the key "question" is missing'),
        (3, '"answer" must be text, found null'),
        (3, '"helper_images" must be a list, ["...", ...], found {"a": 1}'),
        (3, '"images" must be a list, ["...", ...], found "gone.png"'),
        (3, "image gone.png does not exist"),
        (4, '"images" must be a list, ["...", ...], found null'),
        (4, '"question" must be text, found ["?"]'),
    ]
    with pytest.raises(DataError) as caught:
        load_split(folder, "train")
    assert len(caught.value.problems) == len(problems)


class NeverAsked(Counter):
    def __call__(self, example: Example) -> TokenCount:
        raise AssertionError(example)


def test_a_row_that_cannot_be_read_as_a_whole_has_no_length(folder: Path) -> None:
    write(folder, train=[row(0, question=...)])
    [problem] = check_folder(folder, NeverAsked()).problems
    assert problem.message == 'the key "question" is missing'


def test_a_line_that_is_no_json_is_placed_by_its_column_alone(folder: Path) -> None:
    write(folder, train=[row(0), "{", row(1)])
    [(_, number, message)] = found(folder)
    assert number == 2
    assert message.endswith("enclosed in double quotes, at column 2")
