"""A picture that is not found for a letter of its name is found by the message."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from livr.data.check import check_folder
from livr.data.formats import read_parts
from livr.data.picture_paths import path_problem
from livr.data.store import load_split
from livr.errors import DataError

from .test_check import folder, row, save_noise, write

__all__ = ["folder"]


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("images/IMG_1.JPG", "images/img_1.jpg"),
        ("Images/Line A/1.png", "images/line a/1.PNG"),
        ("./images/STRASSE.png", "images/Straße.png"),
    ],
)
def test_a_name_in_another_case_is_said(folder: Path, name: str, there: str) -> None:
    path = folder / there
    save_noise(path.with_suffix(".png"), 20)
    path.with_suffix(".png").rename(path)
    said = f"image {name} does not exist, but {there} does; upper and lower case count"
    write(folder, train=[row(0, images=[name])])
    [problem] = check_folder(folder).problems
    assert problem.message.startswith(said)
    with pytest.raises(DataError, match="upper and lower case count"):
        load_split(folder, "train")
    (folder / "rows.csv").write_text(f"image,question,answer\n{name},Q?,yes\n")
    with pytest.raises(DataError, match="upper and lower case count"):
        read_parts(folder / "rows.csv")


@pytest.mark.parametrize(("wanted", "stored"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_name_in_another_unicode_form_is_said(folder: Path, wanted: str, stored: str) -> None:
    names = [unicodedata.normalize(form, "images/Prüfteil é.png") for form in (wanted, stored)]
    save_noise(folder / names[1], 20)
    assert path_problem(folder, names[1]) is None
    problem = path_problem(folder, names[0])
    assert problem is not None
    assert "a file of that name is there whose letters are stored in another Unicode" in problem


def test_a_file_that_comes_later_is_seen(folder: Path) -> None:
    os.utime(folder / "images", ns=(0, 0))  # clocks of file systems may be too coarse for a test
    assert path_problem(folder, "images/NEW.png") == "image images/NEW.png does not exist"
    save_noise(folder / "images/new.png", 20)
    assert "but images/new.png does" in str(path_problem(folder, "images/NEW.png"))
    assert path_problem(folder, "other/0.png") == "image other/0.png does not exist"
    assert path_problem(folder, "images/0.png/0.png") == "image images/0.png/0.png does not exist"
