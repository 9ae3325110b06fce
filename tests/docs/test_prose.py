"""A difference with its interval that a page's text names stands in a table, too."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/evidence.md")
NUMBER = r"[-+]\d+\.\d"
NAMED = re.compile(rf"({NUMBER})[^-+\[\]|]{{0,60}}\[({NUMBER}), ({NUMBER})\]")


def _plain(page: Path) -> str:
    return page.read_text("utf-8").replace("−", "-").replace("\n", " ")


def _blocks(text: str) -> list[str]:
    return re.findall(r"<!-- begin .*?<!-- end .*? -->", text, re.DOTALL)


@pytest.fixture(scope="module")
def measured() -> set[tuple[str, ...]]:
    """All that the scripts of docs/ wrote from evidence/."""
    pages = (_plain(page) for page in sorted((ROOT / "docs").glob("*.md")))
    return {found for page in pages for block in _blocks(page) for found in NAMED.findall(block)}


@pytest.mark.parametrize("page", PAGES)
def test_what_the_text_names_is_in_a_table(page: str, measured: set[tuple[str, ...]]) -> None:
    text = _plain(ROOT / page)
    for block in _blocks(text):
        text = text.replace(block, " ")
    named = NAMED.findall(text)
    assert named
    assert [found for found in named if found not in measured] == []


def test_how_much_the_latents_look_at_marks_is_what_was_measured() -> None:
    found = json.loads((ROOT / "docs" / "explain.json").read_text(encoding="utf-8"))
    marks = found["enrichment"]["marks"]["bottleneck"]["without_sinks"]
    text = " ".join((ROOT / "docs" / "evidence.md").read_text(encoding="utf-8").split())
    low, high = marks["ci95"]
    assert f"{marks['mean']:.2f} times as much attention per area" in text
    assert f"anywhere [{low:.2f}, {high:.2f}], under the bottleneck, n = {found['n']}" in text


def test_how_states_of_six_tasks_lie_is_what_was_measured() -> None:
    found = json.loads((ROOT / "docs" / "explain-tasks.json").read_text(encoding="utf-8"))
    assert found["n"] == 300 and found["split"] == "val"
    purity = found["knn_purity"]["bottleneck"]
    kind, tasks = purity["kind"], purity["task"]
    marks = found["enrichment"]["marks"]["bottleneck"]
    mean, (low, high) = marks["without_sinks"]["mean"], marks["without_sinks"]["ci95"]
    text = " ".join((ROOT / "docs" / "evidence.md").read_text(encoding="utf-8").split())
    assert f"{mean:.2f} times as much attention per area on the drawn marks" in text
    assert f"[{low:.2f}, {high:.2f}], under the bottleneck, on the {marks['n']} questions" in text
    share = f"{kind['purity']:.0%} are of the same kind ({kind['chance']:.0%} by chance)"
    latents, words, image = (f"{tasks[name]['purity']:.0%}" for name in ("latent", "text", "image"))
    assert _spaced(share) in text
    assert _spaced(f"{latents} are of the same task") in text
    assert f"({tasks['latent']['chance']:.0%}"[:-1] + " by chance" in text
    assert _spaced(f"text {words}") in text and _spaced(f"image {image}") in text


def _spaced(text: str) -> str:
    """As pages write shares: a space before the sign, and none of it inside brackets."""
    return re.sub(r"\((\d+) %", r"(\1", text.replace("%", " %"))
