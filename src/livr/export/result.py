"""What an export is and how it was compared with the run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Verification:
    """What was compared.

    Attributes:
        questions: Number of questions.
        origin: Where they came from.
        same_answers: How many of them got the run's own answer from the exported folder.
        merge_difference: Largest difference of logits between run and merged model.
        file_difference: The same between merged, rounded model and exported folder.
        rounding_difference: The same between run and exported folder: merging plus rounding.
        logit_deviation: Standard deviation of the run's logits, to read the differences by.
    """

    questions: int
    origin: str
    same_answers: int
    merge_difference: float
    file_difference: float
    rounding_difference: float
    logit_deviation: float

    def summary(self) -> dict[str, Any]:
        """The fields for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Export:
    """An exported folder.

    Attributes:
        path: The folder.
        kind: `merged` or `adapter`.
        base: The checkpoint the run was trained on.
        dtype: Precision of the stored weights.
        latents: K.
        size: Bytes of all files.
        verification: How it was compared with the run.
    """

    path: Path
    kind: str
    base: str
    dtype: str
    latents: int
    size: int
    verification: Verification

    def summary(self) -> dict[str, Any]:
        """The fields of `livr export --json`."""
        return {
            "out": str(self.path),
            "kind": self.kind,
            "base": self.base,
            "dtype": self.dtype,
            "latents": self.latents,
            "bytes": self.size,
            "verification": self.verification.summary(),
        }
