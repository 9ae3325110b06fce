"""Means over tasks, the forest plot, and what a comparison reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from tests.analysis.synthetic import cell_entry

from livr.analysis.compare import compare
from livr.analysis.compare_figure import forest_svg, rows_of, write_forest
from livr.analysis.compare_mean import means
from livr.analysis.compare_outcomes import Outcomes, read_outcomes
from livr.errors import DataError


def outcomes(task: str, method: str, seed: int, answers: str, floor: float = 0.1) -> Outcomes:
    return Outcomes(task, method, seed, answers, floor, f"questions of {task}", "there")


def three_tasks() -> list[Outcomes]:
    """LIVR gains 0.2, 0.1 and 0 on tasks of 100; direct SFT is at chance on the third."""
    runs = []
    for task, sft, livr, floor in (("a", 60, 80, 0.3), ("b", 70, 80, 0.3), ("c", 52, 52, 0.5)):
        for seed in (1, 2):
            runs.append(outcomes(task, "sft", seed, "1" * sft + "0" * (100 - sft), floor))
            runs.append(outcomes(task, "livr", seed, "1" * livr + "-" * (100 - livr), floor))
    return runs


def test_each_task_counts_once_and_chance_is_left_out() -> None:
    found = means(three_tasks())
    assert found.left_out == ("c",)
    (line,) = found.lines
    assert (line.method, line.tasks, line.n, line.ahead) == ("livr", ("a", "b"), 200, 2)
    assert line.delta == pytest.approx(0.15) == pytest.approx(line.accuracy - line.reference)
    assert line.effect.low <= 0.15 <= line.effect.high
    assert line.p_value == line.p_holm < 0.001


def test_a_task_that_only_the_method_learns_is_in_its_mean() -> None:
    """In the paper functional correspondence is one: direct SFT 23 %, LIVR 51 %, chance 25 %."""
    learnt = [outcomes("c", "warm", seed, "1" * 80 + "0" * 20, 0.5) for seed in (1, 2)]
    others = [
        outcomes(task, "warm", seed, "1" * 60 + "0" * 40, 0.3) for task in "ab" for seed in (1, 2)
    ]
    found = means([*three_tasks(), *others, *learnt])
    tasks = {line.method: line.tasks for line in found.lines}
    assert tasks == {"livr": ("a", "b"), "warm": ("a", "b", "c")}
    assert found.left_out == ()


def test_chance_can_be_kept() -> None:
    (line,) = means(three_tasks(), keep_all=True).lines
    assert line.tasks == ("a", "b", "c")
    assert line.delta == pytest.approx(0.1)


def test_the_test_of_a_mean_is_of_the_mean() -> None:
    """A small task that gains much and a large one that loses little: the mean is not certain."""
    runs = [
        outcomes("small", "sft", 1, "1" * 20 + "0" * 30),
        outcomes("small", "livr", 1, "1" * 30 + "0" * 20),
        outcomes("large", "sft", 1, "1" * 700 + "0" * 300),
        outcomes("large", "livr", 1, "1" * 640 + "0" * 360),
    ]
    (line,) = means(runs).lines
    assert line.delta == pytest.approx(0.07)
    # The small task alone: ten flips of 0.02 each, all of one sign, against 60 of 0.001.
    assert 0.001 < line.p_value < 0.1
    assert means(runs).lines[0].p_value == line.p_value


def test_one_task_has_no_mean() -> None:
    assert means([run for run in three_tasks() if run.task == "a"]).lines == ()


def test_p_values_are_corrected_for_all_tests_of_the_table() -> None:
    lines = [line for line in compare(three_tasks()) if line.against]
    raw = [line.against.p_value for line in lines if line.against]
    assert len(lines) == 3
    smallest = min(range(3), key=lambda i: raw[i])
    assert lines[smallest].p_holm == pytest.approx(3 * raw[smallest])
    for line in lines:
        assert line.effect is not None and line.against is not None
        assert line.effect.low <= line.against.delta <= line.effect.high


def test_the_figure_has_every_difference_and_the_means(tmp_path: Path) -> None:
    lines, total = compare(three_tasks()), means(three_tasks())
    rows = rows_of(lines, total)
    heads = [(head, method) for head, method, _, _ in rows]
    assert heads == [("a", "livr"), ("b", "livr"), ("c", "livr"), ("mean of 2 tasks", "livr")]
    assert write_forest(tmp_path / "new" / "forest.png", rows, "sft")
    with Image.open(tmp_path / "new" / "forest.png") as image:
        assert image.width > 800 and len(image.convert("RGB").getcolors(1 << 20) or []) > 10
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["forest.png"]
    svg = forest_svg(rows)
    assert svg is not None and "var(--livr)" in svg and "#0000" not in svg


def test_nothing_compared_draws_nothing(tmp_path: Path) -> None:
    alone = [run for run in three_tasks() if run.method == "sft"]
    rows = rows_of(compare(alone), means(alone))
    assert not write_forest(tmp_path / "f.png", rows, "sft")
    assert not list(tmp_path.iterdir())
    assert forest_svg(rows) is None


def test_a_results_file_is_read_with_its_failures(tmp_path: Path) -> None:
    row = {"task": "a", "method": "sft", "seed": 1, "answers": "10-", "floor": 0.4,
           "questions": "q", "cell": "a sft 1", "model": "mini", "train_seconds": 2.0,
           "n": 3, "correct": 1}  # fmt: skip
    failed = {"task": "a", "method": "livr", "seed": 1, "reason": "no memory"}
    file = tmp_path / "results.json"
    file.write_text(
        json.dumps({"rows": [row], "failed": [failed], "cells": [cell_entry("a sft 1")]})
    )
    for place in (file, tmp_path):
        found, missing = read_outcomes([place])
        assert found[0].right == [True, False, False]
        assert found[0].accuracy == pytest.approx(1 / 3)
        assert missing[0].reason == "no memory"
    file.write_text(json.dumps({"rows": [{"task": "a"}], "cells": []}))
    with pytest.raises(DataError, match="not the results file"):
        read_outcomes([file])
