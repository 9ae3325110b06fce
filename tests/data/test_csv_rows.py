"""csv as spreadsheets write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from livr.errors import DataError
from tests.data.reading import read_examples

from .test_texts import folder, problems

__all__ = ["folder"]

ROWS = [("0.png", "Is it, or not?", "yes"), ("1.png", "Q?", "no")]


def save(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    (folder / "rows.csv").write_bytes(text.encode(encoding))
    return folder / "rows.csv"


def asked(source: Path) -> list[tuple[str, str, str]]:
    return [
        (Path(str(example.images[0])).name, example.question, example.answer)
        for example in read_examples(source)
    ]


PLAIN = 'image,question,answer\r\n0.png,"Is it, or not?",yes\r\n1.png,Q?,no\r\n'
SEMICOLONS = "image;question;answer\r\n0.png;Is it, or not?;yes\r\n1.png;Q?;no\r\n"
WRITTEN = {
    "semicolons": SEMICOLONS,
    "tabs": SEMICOLONS.replace(";", "\t"),
    "bars": SEMICOLONS.replace(";", "|"),
    "sep=,": "sep=,\r\n" + PLAIN,
    "sep=;": "sep=;\r\n" + SEMICOLONS,
    "quoted sep": '"SEP=;"\n' + SEMICOLONS,
    "capitals": "Image, Question ,ANSWER\n" + PLAIN.partition("\n")[2],
    "blank rows": "\n\n" + PLAIN + ",,\r\n , ,\r\n\r\n,,\r\n",
    "blank rows, semicolons": SEMICOLONS + ";;\r\n;;\r\n",
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_what_is_meant_is_read(folder: Path, text: str, encoding: str) -> None:
    assert asked(save(folder, text, encoding)) == ROWS


def test_a_row_is_named_by_its_line_also_below_sep(folder: Path) -> None:
    source = save(
        folder, "sep=;\nImage;Question;Answer\n0.png;Q?;yes\n;;\ngone.png;Q?;no\n1.png;Q?\n"
    )
    gone, short = problems(source)
    assert (gone.row, short.row) == (5, 6)
    assert "text that holds a semicolon needs quotes" in short.message


def test_choices_between_semicolons(folder: Path) -> None:
    header = "image;question;answer;Choices\n"
    source = save(folder, header + '0.png;Q?;B;"yes; no"\n1.png;Q?;A;a|b\n2.png;Q?;A;"a;b|c"\n')
    assert [example.choices for example in read_examples(source)] == [
        ("yes", "no"),
        ("a", "b"),
        ("a;b", "c"),
    ]
    source = save(
        folder, 'image,question,answer,choices\n0.png,Q?,A,"yes, no"\ngone.png,Q?,A,a|b\n'
    )
    one, gone = problems(source)
    assert (one.row, gone.row) == (2, 3)
    assert "there is one choice, 'yes, no'; put | between choices, as in yes|no" in one.message


def test_columns_that_cannot_be_told_are_asked_for(folder: Path) -> None:
    for text in ("picture;question;answer\n0.png;Q?;yes\n", "0.png,Q?,yes\n"):
        with pytest.raises(DataError, match="name the columns so in the first line, with commas"):
            read_examples(save(folder, text))
    [twice] = problems(save(folder, "image,question,answer,Answer\n0.png,Q?,yes,no\n"))
    assert "the column answer stands twice" in twice.message
    with pytest.raises(DataError, match=r"save it as UTF-8 \(in Excel: CSV UTF-8\)"):
        read_examples(save(folder, "image;question;answer\n0.png;Größe?;yes\n", "cp1252"))
