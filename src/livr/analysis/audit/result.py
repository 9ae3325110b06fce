"""What an audit found, and its two files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from livr.analysis.audit.finding import Finding, Verdict, overall
from livr.errors import DataError
from livr.files import write_json, write_whole

JSON, PAGE = "audit.json", "audit.html"


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
        sources: Number of different sources that the questions share, 0 if they share none.
        surroundings: Device, threads and versions, see `livr.machine`.
        doubts: What makes the comparison with the control or the baseline doubtful.
    """

    model: str
    data: str
    split: str
    n: int
    control: str | None
    baseline: str | None
    seed: int
    findings: tuple[Finding, ...]
    sources: int = 0
    surroundings: Mapping[str, Any] = field(default_factory=dict)
    doubts: Sequence[str] = ()

    @property
    def name(self) -> str:
        """What was audited, without the path to it; a cell of a grid is called by its folder."""
        path = Path(self.model)
        return path.parent.name if path.name == "run" and path.parent.name else path.name

    @property
    def verdict(self) -> Verdict:
        """The worst decisive finding."""
        return overall(self.findings)

    def __getitem__(self, name: str) -> Finding:
        return next(f for f in self.findings if f.name == name)

    def find(self, name: str) -> Finding | None:
        """The finding of a name; None if that test was not made."""
        return next((f for f in self.findings if f.name == name), None)

    def summary(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "model": self.model,
            "data": self.data,
            "split": self.split,
            "n": self.n,
            "sources": self.sources,
            "control": self.control,
            "baseline": self.baseline,
            "seed": self.seed,
            "surroundings": dict(self.surroundings),
            **({"doubts": list(self.doubts)} if self.doubts else {}),
            "verdict": self.verdict,
            "findings": [f.row() for f in self.findings],
        }


def read(path: Path) -> Audit:
    """An audit that was written before.

    Args:
        path: An `audit.json`, or the folder that holds it.

    Raises:
        DataError: There is none, or it is not the JSON of an audit.
    """
    file = path / JSON if path.is_dir() else path
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        found.pop("verdict")
        findings = tuple(Finding.of(row) for row in found.pop("findings"))
        return Audit(**found, findings=findings)
    except FileNotFoundError as error:
        raise DataError(
            f"{file}: no such file. livr audit RUN --data DIR --out {file.parent} writes it."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{file}: not the {JSON} of livr audit ({error})") from error


def side_by_side(audits: Sequence[Audit]) -> list[tuple[Finding, tuple[Finding | None, ...]]]:
    """Audits test by test: a finding that names the test, and every audit's, None if not made."""
    names = dict.fromkeys(f.name for audit in audits for f in audit.findings)
    rows = [tuple(audit.find(name) for audit in audits) for name in names]
    return [(next(f for f in row if f is not None), row) for row in rows]


def write(result: Audit, folder: Path) -> None:
    """Write `audit.json` and `audit.html`; each appears when it is complete."""
    from livr.analysis.audit.page import page

    write_json(folder / JSON, result.summary())
    write_whole(folder / PAGE, page(result))
