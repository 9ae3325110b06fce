"""Questions that share a source picture are not independent: what that does to an error (ours).

A question is asked of one or several sources, a photograph, a scene, a part. A hundred questions
about ten photographs say less about the eleventh than a hundred about a hundred do. Any two
questions with a source in common go together (Fafchamps and Gubert 2007).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from livr.data.example import Example
from livr.evaluate.stats import Interval, wilson

Sources = tuple[tuple[int, ...], ...]
"""The numbers of each question's sources."""


def shared_sources(examples: Sequence[Example]) -> list[tuple[str, ...]]:
    """The sources of each question: those that its row names, or else its image files.

    Args:
        examples: The questions.

    Returns:
        Empty tuples if no two questions have a source in common.
    """
    files: dict[str, str] = {}
    named = [
        tuple(dict.fromkeys(example.sources or _files(example, files) or (example.id,)))
        for example in examples
    ]
    often = Counter(name for names in named for name in names)
    if not often or max(often.values()) == 1:
        return [() for _ in examples]
    return named


def _files(example: Example, known: dict[str, str]) -> tuple[str, ...]:
    """A name for each image file that is the same on every machine."""
    files = (str(image) for image in example.images if not isinstance(image, Image.Image))
    return tuple(known.setdefault(file, f"image {len(known)}") for file in files)


def numbered(named: Sequence[Sequence[str]]) -> Sources:
    """Names as numbers, in the order in which they appear.

    >>> numbered([("b", "a"), ("a",)])
    ((0, 1), (1,))
    """
    numbers: dict[str, int] = {}
    return tuple(tuple(numbers.setdefault(name, len(numbers)) for name in names) for names in named)


def joined(sources: Sources) -> NDArray[np.bool_]:
    """(N, N), whether two questions have a source in common.

    >>> joined(((0,), (0, 1), (1,))).astype(int).tolist()
    [[1, 1, 0], [1, 1, 1], [0, 1, 1]]
    """
    touches_NG = touched(sources).astype(float)
    joined_NN: NDArray[np.bool_] = touches_NG @ touches_NG.T > 0
    return joined_NN


def touched(sources: Sources) -> NDArray[np.bool_]:
    """(N, G), whether a question is asked of a source.

    >>> touched(((0,), (0, 1))).astype(int).tolist()
    [[1, 0], [1, 1]]
    """
    touched_NG = np.zeros((len(sources), 1 + max(map(max, sources))), dtype=bool)
    for row, numbers in zip(touched_NG, sources, strict=True):
        row[list(numbers)] = True
    return touched_NG


def linked(sources: Sources) -> tuple[int, ...]:
    """The group of each question; those of different groups share nothing, nor do their sources.

    >>> linked(((0,), (1, 2), (2,), (0,)))
    (0, 1, 1, 0)
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    _, group_N = connected_components(csr_array(joined(sources)), directed=False)
    return tuple(int(group) for group in group_N)


def how_many(sources: Sources) -> int:
    """How many different sources there are.

    >>> how_many(((0, 1), (1,)))
    2
    """
    return len({number for numbers in sources for number in numbers})


def as_text(sources: Sources) -> str:
    """As one short text, for a results file; `from_text` reads it.

    >>> as_text(((0, 3), (2,)))
    '0.3 2'
    """
    return " ".join(".".join(map(str, numbers)) for numbers in sources)


def from_text(text: str) -> Sources:
    """What `as_text` wrote.

    Raises:
        ValueError: It is something else.
    """
    return tuple(tuple(int(number) for number in word.split(".")) for word in text.split(" "))


def covariance(values_SN: NDArray[np.float64], sources: Sources) -> NDArray[np.float64]:
    """How the sums of rows of values vary, and go together, from sources to other sources.

    The products of every two questions that have a source in common (Fafchamps and Gubert 2007),
    from each row's mean. Taking the mean away takes as large a part of them as there are such
    pairs among all, so they are divided by the rest; for G sources of as many questions each, one
    per question, that is the usual G / (G - 1).

    Args:
        values_SN: One value per question in each of S rows.
        sources: The sources of each question, (N,).

    Returns:
        (S, S), never below 0; 0 where every two questions share a source, which tells nothing.
    """
    joined_NN = joined(sources)
    apart_SN = values_SN - values_SN.mean(axis=1, keepdims=True)
    if joined_NN.all():
        return np.zeros((len(apart_SN), len(apart_SN)))
    found_SS = apart_SN @ joined_NN @ apart_SN.T / (1 - joined_NN.mean())
    # Where one of two joined questions is joined with a third, chance can take it below 0.
    size_S, turn_SS = np.linalg.eigh(found_SS)
    return np.asarray(turn_SS * size_S.clip(0) @ turn_SS.T)


def design_effect(values: Sequence[float], sources: Sources) -> float:
    """How many questions are worth one: what sharing sources does to the variance of a mean.

    Kish's ratio, estimated from the values. Where all values are alike or there are less than two
    sources, it cannot be told, and is taken to be 1.

    Args:
        values: One per question, as right or wrong, (N,).
        sources: The sources of each question, (N,); empty where they share none.

    Returns:
        At least 1: with few sources chance can make sharing look like a gain.

    >>> design_effect([True, True, False, False], ((0,), (0,), (1,), (1,)))
    4.0
    """
    values_1N = np.asarray(values, dtype=float)[None]
    independent = float(values_1N.size * values_1N.var())
    if not sources or not independent:
        return 1.0
    return max(1.0, float(covariance(values_1N, sources)[0, 0]) / independent)


def sources_among(examples: Sequence[Example]) -> Sources:
    """The numbers of `shared_sources`; empty where questions share none."""
    named = shared_sources(examples)
    return numbered(named) if any(named) else ()


def effect_among(values: Sequence[float], examples: Sequence[Example]) -> float:
    """`design_effect` with the sources that these questions share.

    >>> effect_among([True], [Example(id="1", images=(), question="?", answer="yes")])
    1.0
    """
    return design_effect(values, sources_among(examples))


def share_interval(right: Sequence[bool], sources: Sources) -> Interval:
    """Wilson's interval for as many independent questions as these are worth, one at least."""
    worth = max(1.0, len(right) / design_effect(right, sources))
    return wilson(worth * (sum(right) / len(right)), worth)


def widened(interval: Interval, value: float, effect: float) -> Interval:
    """An interval of independent questions, if `effect` of them are worth one.

    >>> widened(Interval(0.25, 1.0), 0.5, 4.0)
    Interval(low=0.0, high=1.5)
    """
    by = sqrt(effect)
    return Interval(value - by * (value - interval.low), value + by * (interval.high - value))


def draw(
    values_SN: NDArray[np.float64], sources: Sources, draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw other sources: by how much the mean of each row of values then moves.

    With the `covariance` of the rows, by Student's t for as many sources as there are: few of them
    do not tell well how far they move a mean.

    Args:
        values_SN: One value per question in each of S rows.
        sources: The sources of each question, (N,).
        draws: Number of draws, D.
        rng: The source of chance.

    Returns:
        (D, S), about 0.
    """
    seeds, n = values_SN.shape
    free = max(1, how_many(sources) - 1)
    covariance_SS = covariance(values_SN, sources) / n**2
    normal_DS = rng.multivariate_normal(np.zeros(seeds), covariance_SS, draws, method="eigh")
    return np.asarray(normal_DS / np.sqrt(rng.chisquare(free, (draws, 1)) / free))
