"""Every error a user can cause.

LivrError                    one clear message, exit code 2 on the command line
├── ConfigError              a recipe or an option is wrong
├── DataError                a data set is wrong; carries every problem, each with file and row
└── ModelError               a checkpoint cannot be loaded or used
    └── UnsupportedModelError    its architecture would leak the image past the bottleneck
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class LivrError(Exception):
    """Base of all errors whose cause lies in the input, not in this library."""


class ConfigError(LivrError):
    """A recipe, a setting or a command-line option is wrong."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a data set.

    Attributes:
        file: The file, relative to the data set folder where possible.
        row: 1-based line in that file, or None if the problem concerns the whole file.
        message: What is wrong and what to do about it.
    """

    file: str
    row: int | None
    message: str

    def __str__(self) -> str:
        place = self.file if self.row is None else f"{self.file}:{self.row}"
        return f"{place}: {self.message}"


class DataError(LivrError):
    """A data set is wrong. All problems are reported at once."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([message, *(f"  {p}" for p in self.problems)]))


class ModelError(LivrError):
    """A checkpoint cannot be loaded or used."""


class UnsupportedModelError(ModelError):
    """The model's architecture would let the image reach the answer around the latents."""
