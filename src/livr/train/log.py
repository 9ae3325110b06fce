"""The log of a run: `metrics.jsonl`, one event a line, kept consistent when a run resumes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from livr.files import write_whole
from livr.train.processes import is_first


class RunLog:
    """Appends events to `metrics.jsonl` in a run folder.

    A training event is `{"stage","epoch","step","loss","lr","time"}`, a validation event
    `{"stage","epoch","step","val_accuracy","mask","time"}`; time is in seconds since the run, or
    its continuation, began.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "metrics.jsonl"
        self.started = time.monotonic()

    def append(self, **event: Any) -> None:
        """Write one event; of several processes the first does."""
        if not is_first():
            return
        event["time"] = round(time.monotonic() - self.started, 3)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")

    def events(self) -> list[dict[str, Any]]:
        """All events so far; a line cut off by a crash is left out."""
        if not self.path.is_file():
            return []
        events = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                events.append(json.loads(line))
            except ValueError:
                continue
        return events

    def validated(self, stage: str, step: int) -> bool:
        """Whether there is a validation of `stage` after this step."""
        return any(
            e["stage"] == stage and e["step"] == step and "val_accuracy" in e for e in self.events()
        )

    def forget_after(self, stage: str, step: int, later: set[str]) -> None:
        """Drop events of `stage` beyond `step`, and of the stages in `later`: they come again."""
        if not self.path.is_file():
            return
        kept = [
            e
            for e in self.events()
            if e["stage"] not in later and (e["stage"] != stage or e["step"] <= step)
        ]
        write_whole(self.path, "".join(json.dumps(e) + "\n" for e in kept))
