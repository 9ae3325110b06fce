"""The log of pre-training: one JSON line every so many steps."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from pathlib import Path

EVERY = 50


class PretrainLog:
    """Writes one line every `EVERY` steps: loss, accuracy, accuracy per skill."""

    def __init__(self, path: Path, start: int) -> None:
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        kept = [line for line in lines if json.loads(line)["step"] <= start]
        path.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        self.started = time.monotonic()
        self._clear()

    def _clear(self) -> None:
        self.losses: list[float] = []
        self.skills: dict[str, list[bool]] = defaultdict(list)
        self.shares: dict[str, list[float]] = defaultdict(list)

    def add_shares(self, step: int, loss: float, shares: dict[str, float]) -> None:
        """Note one step of labelled cells; `shares` are rates of right labels."""
        self.losses.append(loss)
        for name, value in shares.items():
            self.shares[name].append(value)
        if step % EVERY:
            return
        means = {k: round(sum(v) / len(v), 3) for k, v in sorted(self.shares.items())}
        seconds = round(time.monotonic() - self.started, 1)
        line = {"step": step, "seconds": seconds, "loss": sum(self.losses) / len(self.losses)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line | means) + "\n")
        self._clear()

    def add(self, step: int, loss: float, skills: list[str], right: list[bool]) -> None:
        self.losses.append(loss)
        for skill, is_right in zip(skills, right, strict=True):
            self.skills[skill].append(is_right)
        if step % EVERY:
            return
        answered = [r for rights in self.skills.values() for r in rights]
        line = {
            "step": step,
            "seconds": round(time.monotonic() - self.started, 1),
            "loss": round(sum(self.losses) / len(self.losses), 4),
            "accuracy": round(sum(answered) / len(answered), 4),
            "skills": {k: round(sum(v) / len(v), 3) for k, v in sorted(self.skills.items())},
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._clear()
