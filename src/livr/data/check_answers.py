"""Questions that are asked twice and answered differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from livr.data.example import LETTERS
from livr.data.rows import Row, shortened


class _Asked(NamedTuple):
    """A question: hashes of its pictures in order, its words, its choices in any order."""

    pictures: tuple[str, ...]
    question: str
    choices: frozenset[str] | None


@dataclass
class _Given:
    """The first answer to a question, and the first row that has another one."""

    row: int
    answer: str
    other: tuple[int, str] | None = None


class Answers:
    """Remembers the questions of one split."""

    def __init__(self) -> None:
        self._given: dict[_Asked, _Given] = {}
        self._against = 0

    def see(self, row: Row, number: int, pictures: tuple[str, ...]) -> None:
        """Takes in a row that has no fault.

        Args:
            row: The row. A path on a board may be one of several right ones, and is passed over.
            number: Its 1-based line.
            pictures: Hashes of its pictures, in order.
        """
        if row.board is not None:
            return
        choices = None if row.choices is None else frozenset(map(_plain, row.choices))
        said = row.answer if row.choices is None else row.choices[LETTERS.index(row.answer)]
        asked = _Asked(pictures, _plain(row.question), choices)
        given = self._given.setdefault(asked, _Given(number, said))
        if _plain(given.answer) != _plain(said):
            given.other = given.other or (number, said)
            self._against += 1

    def notes(self, file: str) -> list[str]:
        """Returns one note for all of them.

        Args:
            file: The split's file.
        """
        first = next((given for given in self._given.values() if given.other), None)
        if first is None or first.other is None:
            return []
        row, answer = first.other
        return [
            f"{file}: {self._against:,} row(s) ask what another row asks of the same picture(s), "
            f"and answer differently; the first are rows {first.row} "
            f"({shortened(first.answer)!r}) and {row} ({shortened(answer)!r}). That costs "
            "accuracy: mend the wrong ones, or remove them"
        ]


def _plain(text: str) -> str:
    """Text without what no reader of answers regards: case, spaces, a full stop."""
    return " ".join(text.casefold().split()).removesuffix(".")
