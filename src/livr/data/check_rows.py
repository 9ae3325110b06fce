"""What `livr data check` asks of a row beyond what every reader of a data set does."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from livr.data.example import LETTERS
from livr.data.lake import SEPARATOR, STEPS, Outcome, board_problem, walk


def row_problems(
    task: str, choices: Sequence[str] | None, board: Sequence[str] | None, answer: str
) -> list[str]:
    """Returns what is wrong with a row that `livr.data.rows.content_problems` lets pass."""
    found = [] if task.strip() else ["the task is empty; name it, or leave the key out"]
    if choices is not None:
        found.extend(_alike(choices))
    if board is not None and board_problem(tuple(board)) is None:
        found.extend(_path_problems(tuple(board), answer))
    return found


def _alike(choices: Sequence[str]) -> list[str]:
    """Choices that are not the same but look the same in a prompt."""
    first: dict[str, int] = {}
    found = []
    for index, text in enumerate(choices[: len(LETTERS)]):
        shown = " ".join(unicodedata.normalize("NFC", text).split())
        other = first.setdefault(shown, index)
        if shown and text not in choices[:index] and other != index:
            found.append(
                f"choices {LETTERS[other]} and {LETTERS[index]} read the same: "
                f"{choices[other]!r} and {text!r}; reword one of them"
            )
    return found


def _path_problems(board: tuple[str, ...], answer: str) -> list[str]:
    """A path in another notation than ours is left to whoever judges answers."""
    moves = answer.replace(SEPARATOR, "")
    if set(moves) - set(STEPS):
        return []
    end = walk(board, moves)
    if end is Outcome.GOAL:
        return []
    return [f"the answer {answer!r} is no safe path on the board: it {end.value}"]
