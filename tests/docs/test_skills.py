"""The table of skills in docs/mini.md is that of the shipped checkpoints' cards."""

from __future__ import annotations

from pathlib import Path

import pytest

from livr.mini.card import read_card

PAGE = Path(__file__).parents[2] / "docs" / "mini.md"
SKILLS = {
    "which of two photographs shows the kind of the first": "which_kind",
    "which of two pictures is the first one, changed": "which_photo",
    "which of two pictures has the style of the first": "which_style",
    "name the drawing style": "style",
    "do two pictures show the same kind": "same_kind",
    "where is a mark (nine places)": "mark_place",
    "colour at a mark": "color_at",
    "which of two marks is further left, or higher": "order",
    "which of two marks is darker, or neither": "darker",
    "how many objects (0 to 13)": "total",
    "how many of a kind": "count",
    "is a box tight": "box_tight",
    "which of two boxes is tighter": "box_better",
    "which of four marks lies on the same spot, whatever its place": "link_spot",
    "which of up to four marks lies on the same part of another object": "link_part",
    "does a piece fit a gap": "gap_fits",
}


def rows() -> dict[str, list[str]]:
    """Cells of the page's table of skills, by the skill in words."""
    page = PAGE.read_text(encoding="utf-8")
    table = page.split("| skill | mini |")[1].split("\n\n")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {cells[0]: cells[1:] for cells in lines[2:]}


def test_every_row_is_known() -> None:
    assert rows().keys() == SKILLS.keys()


@pytest.mark.parametrize(("name", "column"), [("mini", 0), ("nano", 2)])
@pytest.mark.parametrize("words", SKILLS)
def test_a_row_holds_the_card(words: str, name: str, column: int) -> None:
    right, asked = read_card(name).skills[SKILLS[words]]
    cells = rows()[words]
    assert cells[column] == f"{right / asked:.0%}".replace("%", " %")
    assert cells[3] == str(asked)


def test_all_skills_together() -> None:
    card = read_card("mini")
    asked = sum(n for _, n in card.skills.values())
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"the shipped ones {card.accuracy:.1%} (n = {asked:,})".replace("%", " %") in page
