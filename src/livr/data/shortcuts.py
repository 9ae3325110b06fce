"""Can the questions be answered without understanding them? Measured on every built set.

Each predictor sees only metadata: the letter most frequent in training, or one number per
choice (box area, patch brightness, ...), of which it takes the largest or the smallest,
whichever was right more often in training. Its accuracy must stay within noise of chance.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from livr.data.example import LETTERS

NOISE = 2.58  # standard deviations: 99 % of fair sets stay below


@dataclass(frozen=True)
class Clue:
    """What a metadata-only predictor may see of one question."""

    answer: str
    features: Mapping[str, tuple[float, ...]]


def measure(
    clues: Mapping[str, Sequence[Clue]], chance: float
) -> dict[str, dict[str, float | int | bool]]:
    """Fits every predictor on train and scores it on all other questions.

    Args:
        clues: Split -> questions. Without train, the first split is fitted.
        chance: Accuracy of guessing, 0 to 1.

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
    result = {"majority_answer": _score([clue.answer == most for clue in rest], chance)}
    for feature in sorted({name for clue in train for name in clue.features}):
        hits = [_picks(clue, feature, largest=True) for clue in train if feature in clue.features]
        largest = 2 * sum(hits) >= len(hits) if chance == 0.5 else sum(hits) >= chance * len(hits)
        result[feature] = _score(
            [_picks(clue, feature, largest) for clue in rest if feature in clue.features], chance
        )
    return result


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
