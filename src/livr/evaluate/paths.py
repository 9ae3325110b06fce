"""From generated text to moves on a board (ours).

Moves are the letters U, D, L, R or the words up, down, left, right, in any separation. They must
stand in one run; where other words come between, only a run after the last "answer" counts.
"""

from __future__ import annotations

import re

from livr.data.lake import SEPARATOR

_WORD = re.compile(r"[A-Za-z]+")
_LETTERS = re.compile(r"[UDLR]{2,}")  # written together, they must be capitals: "dull" is a word
_MOVES = {"up": "U", "down": "D", "left": "L", "right": "R"}
_MOVES |= {letter.casefold(): letter for letter in "UDLR"}
_LINKS = {"then", "and"}
_DECLARES = {"answer"}
_RUN, _OTHER = True, False


def read_moves(text: str) -> str | None:
    """The only moves in the text, or the only ones declared as the answer, as "R,D"; or None.

    >>> [read_moves(text) for text in ("R, D, D", "RDD", "right, then down", "Answer: r d")]
    ['R,D,D', 'R,D,D', 'R,D', 'R,D']
    >>> [read_moves(text) for text in ("", "no way", "Up is blocked, so R,D", "dull")]
    [None, None, None, None]
    >>> read_moves("Up is blocked. The answer is R, D.")
    'R,D'
    """
    runs: list[str] = []
    declared = 0  # runs before the last "answer"
    last = _OTHER
    for word in _WORD.findall(text):
        low = word.casefold()
        moves = word if _LETTERS.fullmatch(word) else _MOVES.get(low, "")
        if moves and last is _RUN:
            runs[-1] += moves
        elif moves:
            runs.append(moves)
        elif low in _DECLARES:
            declared = len(runs)
        if moves or low not in _LINKS:
            last = _RUN if moves else _OTHER
    found = set(runs) if len(set(runs)) == 1 else set(runs[declared:])
    return SEPARATOR.join(found.pop()) if len(found) == 1 else None
