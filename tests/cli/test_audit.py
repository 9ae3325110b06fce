"""An audit in the terminal says what was done, not only what came out."""

from __future__ import annotations

import pytest

from livr.analysis.audit.finding import Finding
from livr.analysis.audit.result import Audit
from livr.cli.audit import print_findings
from livr.evaluate.stats import Interval

FINDINGS = (
    Finding("blindness", "c", "Pictures were exchanged.", "0", "0", "pass", 24),
    Finding("dropped", "c", "Latents were left out.", "falls by 9.5 points", "above 0", "fail",
            300, 0.095, Interval(-0.01, 0.2)),
    Finding.too_few("collapse", "c", "1 question", "2 questions", 1),
)  # fmt: skip


def test_the_tables_hold_every_column_of_a_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    print_findings(Audit("runs/one", "data", "test", 300, None, None, 0, FINDINGS))
    out = capsys.readouterr().out
    lines = out.splitlines()
    dropped = next(line for line in lines if "falls by 9.5 points" in line)
    assert all(word in dropped for word in ("dropped *", "fail", "above 0", "300"))
    for finding in FINDINGS:
        assert any(finding.name in line and finding.done in line for line in lines)
    assert "Not run: too few questions." in out and "needs 2 questions" in out
    assert lines[-1].startswith("fail: ")
