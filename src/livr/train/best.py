"""The best epoch of a run's last stage: what is known of it, and its adapter.

Each adapter lies in a folder named after its step. It is there before the log speaks of it, and
the one before goes only then, so that a run that is stopped at any moment finds the adapter of the
epoch that its log calls the best.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Epoch:
    """A validated epoch.

    Attributes:
        accuracy: Of generated answers on the validation split.
        epoch: Epochs done.
        step: Optimiser steps done.
    """

    accuracy: float
    epoch: float
    step: int

    @classmethod
    def of(cls, event: dict[str, Any]) -> Epoch:
        """From a validation event of the log."""
        return cls(event["val_accuracy"], event["epoch"], event["step"])


class Best:
    """The best epoch so far; the first of several that are equally good.

    Args:
        folder: The folder of the stage.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: Epoch | None = None

    def note(self, epoch: Epoch) -> bool:
        """Take an epoch in; returns whether it is the best now."""
        if self.found is None or epoch.accuracy > self.found.accuracy:
            self.found = epoch
            return True
        return False

    @property
    def place(self) -> Path | None:
        """Folder of the best epoch's adapter; None if nothing was validated."""
        return None if self.found is None else self.folder / f"best-{self.found.step}"

    def sweep(self) -> None:
        """Delete the adapters of other epochs."""
        for other in self.folder.glob("best-*"):
            if other != self.place:
                shutil.rmtree(other, ignore_errors=True)
