"""Can the questions be answered without understanding them? Measured on every built set.

Each predictor sees only metadata: the letter most frequent in training, or one number per
choice (box area, patch brightness, ...), of which it takes the largest or the smallest,
whichever was right more often in training. Its accuracy must stay within noise of chance.
Path questions are asked with the most frequent path and with the straight ones that see no hole.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from livr.data.example import LETTERS
from livr.data.lake import reaches_goal, straight_guesses

NOISE = 2.58  # standard deviations: 99 % of fair sets stay below


@dataclass(frozen=True)
class Clue:
    """What a metadata-only predictor may see of one question."""

    answer: str
    features: Mapping[str, tuple[float, ...]]
    board: tuple[str, ...] | None = None


def measure(
    clues: Mapping[str, Sequence[Clue]], majority: float
) -> dict[str, dict[str, float | int | bool]]:
    """Fits every predictor on train and scores it on all other questions.

    A feature with fewer values than choices (two points, but "about the same" is a third choice)
    is scored on the questions whose answer it can name.

    Args:
        clues: Split -> questions. Without train, the first split is fitted.
        majority: Share of the most frequent answer by construction, 0 to 1.

    Returns:
        predictor -> accuracy, n, chance, limit (chance plus noise) and ok.
    """
    names = [split for split in clues if clues[split]]
    if len(names) < 2:
        return {}
    fitted = "train" if "train" in names else names[0]
    train = clues[fitted]
    rest = [clue for name in names if name != fitted for clue in clues[name]]
    most = Counter(clue.answer for clue in train).most_common(1)[0][0]
    result = {"majority_answer": _score([_right(clue, most) for clue in rest], majority)}
    boards = [clue.board for clue in rest if clue.board is not None]
    for name in straight_guesses(boards[0]) if boards else ():
        hits = [reaches_goal(board, straight_guesses(board)[name]) for board in boards]
        result[name] = _score(hits, majority)
    for feature in sorted({name for clue in train for name in clue.features}):
        seen, unseen = _usable(train, feature), _usable(rest, feature)
        if not seen or not unseen:
            continue
        largest = sum(_picks(clue, feature, True) for clue in seen)
        smallest = sum(_picks(clue, feature, False) for clue in seen)
        hits = [_picks(clue, feature, largest >= smallest) for clue in unseen]
        chance = sum(1 / len(clue.features[feature]) for clue in unseen) / len(unseen)
        result[feature] = _score(hits, chance)
    return result


def _right(clue: Clue, answer: str) -> bool:
    return clue.answer == answer if clue.board is None else reaches_goal(clue.board, answer)


def _usable(clues: Sequence[Clue], feature: str) -> list[Clue]:
    return [
        clue
        for clue in clues
        if feature in clue.features and clue.answer in LETTERS[: len(clue.features[feature])]
    ]


def _picks(clue: Clue, feature: str, largest: bool) -> bool:
    values = clue.features[feature]
    best = max(values) if largest else min(values)
    return LETTERS[values.index(best)] == clue.answer


def _score(hits: Sequence[bool], chance: float) -> dict[str, float | int | bool]:
    n = len(hits)
    accuracy = sum(hits) / n if n else 0.0
    limit = chance + NOISE * math.sqrt(chance * (1 - chance) / max(n, 1))
    return {
        "accuracy": round(accuracy, 4),
        "n": n,
        "chance": round(chance, 4),
        "limit": round(limit, 4),
        "ok": accuracy <= limit,
    }
