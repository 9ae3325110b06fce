"""The table of audits is that of the committed files, and says what they should say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import pytest

from livr.analysis.audit.finding import Finding
from livr.evaluate.stats import Interval


@pytest.fixture
def audits(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("audits")


def test_the_page_holds_what_was_measured(audits: ModuleType) -> None:
    page = audits.PAGE.read_text(encoding="utf-8")
    assert audits.filled(page) == page, "run python docs/audits.py"


def test_the_verdicts_are_those_that_the_text_names(audits: ModuleType) -> None:
    found = {audit.name.rsplit("-", 2)[0]: audit for audit in audits.audits()}
    assert {name: audit.verdict for name, audit in found.items()} == {
        "localization-livr": "fail",
        "localization-latents_only": "fail",
        "visual_similarity-livr": "pass",
        "visual_similarity-latents_only": "fail",
        "counting-livr": "unclear",
        "counting-latents_only": "fail",
    }
    decisive = [f for f in found["localization-livr"].findings if f.decisive]
    assert [f.name for f in decisive if f.verdict != "pass"] == ["dropped"]


def test_robustness_is_held_against_direct_fine_tuning(audits: ModuleType) -> None:
    for audit in audits.audits():
        assert audit.baseline is not None and "-sft-" in audit.baseline
        assert "baseline" in audit["robustness"].measured
        assert audit.surroundings["device"]


def test_both_audits_of_a_task_asked_all_questions_of_the_same_data(audits: ModuleType) -> None:
    found = audits.audits()
    for livr, control in zip(found[::2], found[1::2], strict=True):
        for field in ("data", "split", "n", "seed"):
            assert getattr(livr, field) == getattr(control, field), field
        assert livr.n == 300


def test_a_cell_gives_verdict_number_and_interval(audits: ModuleType) -> None:
    finding = Finding("x", "", "", "", "", "pass", 9, 0.25, Interval(0.2, 0.3))
    assert audits.cell(finding) == "pass: 0.25 [0.20, 0.30]"
    assert audits.cell(replace(finding, interval=None)) == "pass"
    assert audits.cell(None) == "–"
