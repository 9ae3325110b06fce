"""What an audit found, and its two files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livr.analysis.audit.finding import Finding, Verdict, overall
from livr.files import write_json, write_whole


@dataclass(frozen=True)
class Audit:
    """The result of `livr.audit`.

    Attributes:
        model: What was audited.
        data: Where the questions came from.
        split: Which part of them.
        n: Number of questions.
        control: The latents-only run, if one was given.
        baseline: The run without latents, if one was given.
        seed: Seed of every draw.
        findings: One per claim.
    """

    model: str
    data: str
    split: str
    n: int
    control: str | None
    baseline: str | None
    seed: int
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst decisive finding."""
        return overall(self.findings)

    def __getitem__(self, name: str) -> Finding:
        return next(f for f in self.findings if f.name == name)

    def summary(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "model": self.model,
            "data": self.data,
            "split": self.split,
            "n": self.n,
            "control": self.control,
            "baseline": self.baseline,
            "seed": self.seed,
            "verdict": self.verdict,
            "findings": [f.row() for f in self.findings],
        }


def write(result: Audit, folder: Path) -> None:
    """Write `audit.json` and `audit.html`; each appears when it is complete."""
    from livr.analysis.audit.page import page

    write_json(folder / "audit.json", result.summary())
    write_whole(folder / "audit.html", page(result))
