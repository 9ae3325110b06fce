"""Every section of docs/METHOD.md that something cites is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CITED = re.compile(r"METHOD(?:\.md)?\s+(?:#\s*)?(?:section\s+)?(\d(?:, \d)*(?: and \d)?)")
FOLDERS = ("src", "tests", "docs", "evidence")
ENDINGS = {".py", ".yaml", ".md"}


def cited(text: str) -> set[str]:
    """The numbers of the sections that a text cites."""
    return {number for found in CITED.findall(text) for number in re.findall(r"\d", found)}


def test_sections_that_are_cited_are_there() -> None:
    page = (ROOT / "docs" / "METHOD.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"^## (\d)\. ", page, re.MULTILINE))
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    texts = [path.read_text(encoding="utf-8") for path in files if path.suffix in ENDINGS]
    named = set().union(*map(cited, texts))
    assert {"1", "2", "3", "4", "5"} <= named <= sections


def test_citations_are_found() -> None:
    assert cited("(METHOD section 2, 4 and 5). METHOD.md section 3; METHOD 1, paper 4.3.1") == set(
        "12345"
    )
