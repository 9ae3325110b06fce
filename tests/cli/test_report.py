"""`livr report` takes what `livr compare` takes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.analysis.synthetic import make_grid, make_runs

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_grid(tmp_path_factory.mktemp("root"), "counting", seeds=2)


@pytest.fixture
def page(tmp_path: Path, livr_command: Command) -> Callable[..., tuple[str, str]]:
    """`page(*words)`: what the page says, without its marks, and what the command says."""

    def make(*words: object) -> tuple[str, str]:
        out = tmp_path / "page.html"
        code, printed, said = livr_command("report", *words, "--out", out)
        assert (code, printed) == (0, "")
        html = out.read_text(encoding="utf-8")
        plain = re.sub(r"<[^>]+>", " ", html[html.index("<main>") :])
        return " ".join(plain.split()), " ".join(said.split())

    return make


Page = Callable[..., tuple[str, str]]


def test_a_grid_has_its_curves_and_questions(grid: Path, page: Page) -> None:
    text, said = page(grid)
    assert "Learning curves" in text and "Questions and answers" in text
    assert "results files" not in text + said
    assert "blindfolded 35.0 %" in text
    assert "counting, LIVR, seed 99 : the &lt;disk&gt; is full" in text


def test_a_results_file_has_the_table(grid: Path, tmp_path: Path, page: Page) -> None:
    shutil.copy(grid / "results.json", tmp_path / "committed.json")
    text, said = page(tmp_path / "committed.json")
    assert "The runs are known from results files alone." in text
    assert "5 of 5 runs are known from results files alone" in said
    assert "Questions and answers" not in text and "Training loss" not in text
    assert "blindfolded 35.0 %" in text and "direct SFT 2 seeds" in text


def test_a_run_that_was_asked_anew_is_not_the_grids(grid: Path, tmp_path: Path, page: Page) -> None:
    copy = tmp_path / "grid"
    shutil.copytree(grid, copy)
    changed = next(copy.glob("cells/counting-livr-42-*/run/predictions-test.jsonl"))
    rows = [json.loads(line) for line in changed.read_text("utf-8").splitlines()]
    turned = [row | {"correct": not row["correct"]} for row in rows]
    changed.write_text("".join(json.dumps(row) + "\n" for row in turned), encoding="utf-8")
    before, after = next(copy.glob("cells/counting-livr-43-*")), copy / "cells/counting-livr-43-old"
    before.rename(after)
    assert "2 of 5 runs are known from results files alone" in page(copy)[1]


def test_files_and_folders_together(grid: Path, tmp_path: Path, page: Page) -> None:
    make_runs(tmp_path, ("visual_similarity",), seeds=1)
    shutil.copy(grid / "results.json", tmp_path / "committed.json")
    text, said = page(tmp_path / "committed.json", tmp_path / "runs", "--paper", "table1")
    assert "2 tasks" in text and "Mean over tasks" in text
    assert "5 of 8 runs are known from results files alone" in text and "5 of 8 runs" in said
    shown = text[text.index("Training loss") : text.index("What differs")]
    assert "Questions and answers" in shown and "counting" not in shown
    assert "Beside the paper" in text and "Single task (4.2), Qwen2.5-VL-3B" in text


def test_what_is_asked_of_the_paper_is_checked_first(
    grid: Path, tmp_path: Path, livr_command: Command
) -> None:
    out = tmp_path / "page.html"
    words = ("report", grid, "--out", out, "--paper")
    code, _, said = livr_command(*words, "table9")
    assert code == 2 and "no published table 'table9'" in said
    code, _, said = livr_command(*words, "table1", "--backbone", "nope")
    assert code == 2 and "table1 has no backbone nope" in said
    assert not out.exists()


@pytest.mark.parametrize("verb", ["compare", "report"])
def test_another_file_is_no_results_file(verb: str, tmp_path: Path, livr_command: Command) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}", encoding="utf-8")
    out = ("--out", tmp_path / "r.html") if verb == "report" else ()
    code, _, said = livr_command(verb, other, *out)
    assert code == 2
    assert "neither a run folder nor the results file of a grid" in " ".join(said.split())
