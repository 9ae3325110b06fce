"""How long work tells how far it is. The command line draws it; the library is silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """A snapshot.

    Attributes:
        phase: What is going on, for people.
        done: Work finished, in examples through a forward and a backward pass.
        total: All work, in the same unit.
    """

    phase: str
    done: float
    total: float


Listener = Callable[[Progress], None]

VALIDATION_COST = 0.5
"""Answering a question against one training step on it; makes estimates of time honest."""


class Meter:
    """Adds up work and tells a listener."""

    def __init__(self, total: float, listener: Listener | None) -> None:
        self.total = total
        self.done = 0.0
        self.listener = listener

    def advance(self, amount: float, phase: str) -> None:
        """Report `amount` more work."""
        self.done = min(self.done + amount, self.total)
        if self.listener is not None:
            self.listener(Progress(phase, self.done, self.total))
