"""A launcher without processes, and a grid on data sets written by hand."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

from livr.analysis.ablate import worker
from livr.analysis.ablate.grid import Grid
from livr.analysis.ablate.launch import Attempt, Reason, reason


class Here:
    """Runs every attempt at once, in this process, and remembers it."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.closed = False

    def submit(self, attempt: Attempt) -> Future[Reason]:
        self.attempts.append(attempt)
        future: Future[Reason] = Future()
        future.set_result(reason(attempt.folder, worker.main(attempt.folder, attempt.fresh)))
        return future

    def close(self) -> None:
        self.closed = True


def small_grid(data: Path, model: Path, **values: Any) -> Grid:
    """Two tasks, zero-shot and direct SFT, one seed, one epoch."""
    given: dict[str, Any] = {
        "tasks": ["one", "two"],
        "variants": ["zero_shot", "sft"],
        "seeds": [1],
        "epochs": [0.5, 0.5],
        "data": str(data),
        "model": str(model),
        "baseline": "zero_shot",
    }
    return Grid.model_validate(given | values)
