"""A process that dies, and what it leaves in its log."""

from __future__ import annotations

import json
from pathlib import Path


class KilledError(Exception):
    """Stands for a process that dies."""


def events(run: Path) -> list[dict]:
    """The log of a run without times."""
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "time"} for line in lines]
