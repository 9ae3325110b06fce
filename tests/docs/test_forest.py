"""The figures of docs/ are those of the committed grids."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def forest(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("forest")


def test_the_figures_are_those_of_the_results(forest: ModuleType) -> None:
    for name, svg in forest.figures().items():
        assert (DOCS / name).read_text(encoding="utf-8") == svg, "run python docs/forest.py"


def test_the_first_figure_names_its_rows_by_task(forest: ModuleType) -> None:
    rows = forest.by_task(forest.read(*forest.MAIN))
    assert [name for head, name, *_ in rows if head == "task by task"][:2] == [
        "localization",
        "counting",
    ]
    assert [name for head, name, *_ in rows if head == "mean"] == ["8 tasks"]


def test_the_paper_is_drawn_without_intervals(forest: ModuleType) -> None:
    rows = {name: (delta, interval) for head, name, delta, interval in forest.published()}
    assert {name: round(100 * delta, 1) for name, (delta, _) in rows.items()} == {
        "Qwen2.5-VL-3B (9 tasks)": 6.2,
        "Qwen3-VL-4B (9 tasks)": 3.4,
        "LLaVA-OV-1.5-4B (9 tasks)": 5.6,
    }
    assert all(interval.low == interval.high == delta for delta, interval in rows.values())


def test_the_figure_says_what_the_page_says(forest: ModuleType) -> None:
    """The mean of the main table, in the figure's rows and in the sentence of the page."""
    page = (DOCS / "evidence.md").read_text(encoding="utf-8")
    said = re.search(r"LIVR minus direct SFT: ([-+][\d.]+) points in the mean of (\d+)", page)
    (row,) = [row for row in forest.tried() if row[0] == "Main table"]
    assert said is not None
    assert (f"{100 * row[2]:+.1f}", f"LIVR, three seeds ({said[2]} tasks)") == (said[1], row[1])
