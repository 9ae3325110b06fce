"""The figures of docs/performance.md are those of bench/results.jsonl."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DOCS))
    return import_module("benchmarks")


def test_the_page_holds_what_was_measured(benchmarks) -> None:
    page = benchmarks.PAGE.read_text(encoding="utf-8")
    results = benchmarks.read()
    assert benchmarks.filled(page, results) == page, "run python docs/benchmarks.py"
    assert not any(result["short"] for result in results.values())


def test_another_measurement_changes_the_page(benchmarks) -> None:
    page = benchmarks.PAGE.read_text(encoding="utf-8")
    results = benchmarks.read()
    results["stage1"]["by_tokens"]["256"]["ratio"] = 7.654
    assert "7.654" in benchmarks.filled(page, results)


def test_the_figure_shows_what_was_measured(benchmarks) -> None:
    results = benchmarks.read()
    drawn = benchmarks.PAGE.with_name("performance.svg").read_text(encoding="utf-8")
    rates = results["train_vs_trl"]["examples_per_second"]
    for name in ("trl_sft", "sft", "trl_latents", "livr"):
        assert f">{rates[name]:.2f}</text>" in drawn, "run python docs/benchmarks.py"
