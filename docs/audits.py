"""Puts the committed audits into evidence.md: python docs/audits.py

Reads evidence/audit-*.json, which `livr audit RUN --data DIR --out OUT` writes as OUT/audit.json.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks import replaced, table

from livr.analysis.audit.finding import Finding
from livr.analysis.audit.result import Audit, read, side_by_side
from livr.analysis.compare import label

PAGE = Path(__file__).parent / "evidence.md"
EVIDENCE = Path(__file__).parents[1] / "evidence"
TASKS = ("localization", "visual_similarity", "counting")
METHODS = ("livr", "latents_only")


def audits() -> list[Audit]:
    """LIVR and its control on each task."""
    return [read(EVIDENCE / f"audit-{task}-{of}.json") for task in TASKS for of in METHODS]


def cell(finding: Finding | None) -> str:
    """A verdict with its number and interval; a dash for a test that was not made."""
    if finding is None:
        return "–"
    if finding.value is None or finding.interval is None:
        return finding.verdict
    low, high = finding.interval.low, finding.interval.high
    return f"{finding.verdict}: {finding.value:.2f} [{low:.2f}, {high:.2f}]"


def of_audits(found: Sequence[Audit]) -> str:
    """Test by test: LIVR beside the control, task by task."""
    lines = []
    for test, row in side_by_side(found):
        mark = "●" if test.decisive else ""
        lines.append([f"`{test.name}`", mark, *map(cell, row)])
    lines.append(["**verdict**", "", *(f"**{audit.verdict}**" for audit in found)])
    head = [f"{label(task)}, {label(of)}" for task in TASKS for of in METHODS]
    return table(["test", "", *head], lines)


def filled(page: str) -> str:
    """The page with its table written anew."""
    return replaced(page, "audits", of_audits(audits()))


def main() -> None:
    """Fill the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
