"""What is no fault but costs accuracy, boxes that mark nothing, and files that cannot be read."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from livr.data.check import check_folder
from livr.data.store import load_split
from livr.errors import DataError

from .test_check import folder, found, row, write

__all__ = ["folder"]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def check(livr_command: Run) -> Run:
    return partial(livr_command, "data", "check")


def test_questions_answered_twice_and_differently(folder: Path) -> None:
    rows = [
        row(0),
        row(1),
        row(2, images=["images/0.png"], answer="B"),
        row(3, images=["images/0.png"], choices=["no", "yes"], answer="A", question="scratched?"),
        row(4, images=["images/0.png"], choices=["no", "yes"], answer="B"),  # yes again
    ]
    write(folder, train=rows, test=[row(5)])
    [note] = check_folder(folder).notes
    assert note.startswith("train.jsonl: 2 row(s) ask what another row asks")
    assert "the first are rows 1 ('yes') and 3 ('no'). " in note


def test_what_is_no_contradiction(folder: Path) -> None:
    open_row = {"choices": None, "images": ["images/1.png"]}
    maze = {"images": ["images/2.png"], "choices": None, "board": ["SF", "FG"]}
    pair = {"images": ["images/3.png", "images/4.png"]}
    rows = [
        row(0, **open_row, answer="Yes."),
        row(1, **open_row, answer="yes"),
        row(2, **maze, answer="R,D"),
        row(3, **maze, answer="D,R"),
        row(4, **pair),
        row(5, images=pair["images"][::-1], answer="B"),  # the other way round
        row(6, **pair, question="Dented?", answer="B"),
        row(7, **pair, choices=["yes", "perhaps"], answer="B"),
        row(8, answer="no"),  # a fault of its own, named as such
        row(9, images=["images/8.png"], answer="A"),
    ]
    write(folder, train=rows)
    report = check_folder(folder)
    assert len(report.problems) == 1
    assert report.notes == []


def test_pictures_of_several_pages_are_noted(folder: Path) -> None:
    pages = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    names = [f"images/pages.{kind}" for kind in ("tif", "gif", "webp", "png")]
    for name in names:
        pages[0].save(folder / name, save_all=True, append_images=pages[1:])
    # What a phone stores behind its photograph is a preview of the same.
    pages[0].save(folder / "images/phone.jpg", "MPO", save_all=True, append_images=pages[1:])
    # The four show the same, in the first page.
    every = [*names, names[0], "images/phone.jpg", "images/0.png"]
    write(folder, train=[row(n, images=[name]) for n, name in enumerate(every)])
    report = check_folder(folder)
    assert report.problems == []
    [note] = report.notes
    assert note.startswith("4 picture(s), the first images/pages.tif, have several pages")
    assert "(up to 3), of which the first alone is read" in note


def test_notes_are_said_beside_problems(folder: Path, check: Run) -> None:
    rows = [row(0), row(1, images=["images/0.png"], answer="B"), row(2, answer="C")]
    write(folder, train=rows)
    code, text, remarks = check(folder)
    assert (code, text) == (2, "")
    assert "2 ('no')" in remarks
    assert "is not among the choices" in remarks


def test_boxes_that_mark_nothing_are_named(folder: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (20, 4), "red").save(folder / "images/turned.png", exif=turned)
    boxes = [
        ("r0", [0, 0, 4, 4]),
        ("r0", [4, 0, 2, 4]),
        ("r0", [4, 3, 6, 3]),
        ("r0", [8, 0, 9, 4]),
        ("r0", [-5, -5, 1, 1]),  # cut off at the border
        ("turned", [0, 15, 3, 19]),  # inside once it is upright
        ("turned", [15, 0, 19, 3]),
        ("broken", [0, 0, 0, 0]),  # its picture has a problem of its own
    ]
    rows = [
        row(0),
        row(1, id="turned", images=["images/turned.png"]),
        row(2, id="broken", images=["images/gone.png"]),
    ]
    write(folder, train=rows, regions=[{"id": name, "box": box} for name, box in boxes])
    problems = [(number, text) for file, number, text in found(folder) if "regions" in file]
    assert [number for number, _ in problems] == [2, 3, 4, 7]
    assert "[4, 0, 2, 4] of 'r0' has no area" in problems[0][1]
    assert "outside its picture, which has 8 x 8 pixels" in problems[2][1]
    assert "outside its picture, which has 4 x 20 pixels" in problems[3][1]


def test_a_key_that_stands_twice_is_named_in_every_file_of_rows(folder: Path) -> None:
    inner = '{"id": "r1", "images": [], "question": "?", "answer": {"a": 1, "a": 2}}'
    twice = '{"id": "r0", "id": "r0", "box": [0, 0, 4, 4]}'
    write(folder, train=[row(0), inner], regions=[twice])
    said = {(file, number): text for file, number, text in found(folder) if "twice" in text}
    assert set(said) == {("train.jsonl", 2), ("regions.jsonl", 1)}
    assert 'the key "a" stands twice' in said["train.jsonl", 2]
    with pytest.raises(DataError, match=r'train\.jsonl:2: the key "a" stands twice'):
        load_split(folder, "train")


@pytest.mark.parametrize("name", ["train", "regions"])
def test_a_file_that_may_not_be_read_keeps_nothing_from_being_checked(
    folder: Path, check: Run, name: str
) -> None:
    write(folder, train=[row(1)], val=[row(0, answer="C")])
    path = folder / f"{name}.jsonl"
    path.touch()
    path.chmod(0)
    if os.access(path, os.R_OK):  # a superuser reads everything but this
        path.unlink()
        path.symlink_to("/proc/self/mem")
    code, _, text = check(folder)
    assert code == 2
    assert f"{name}.jsonl: cannot be read (" in text
    assert "val.jsonl:1: the answer 'C' is not among the choices" in text
    if name == "train":
        with pytest.raises(DataError, match=r"train\.jsonl cannot be read \("):
            load_split(folder, "train")
