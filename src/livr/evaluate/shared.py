"""Questions that share a source picture: not independent, so intervals draw them together (ours).

A question is asked of one or several sources, a photograph, a scene, a part. A hundred questions
about ten photographs say less about the eleventh than a hundred about a hundred do.
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
    touches_NG = (shares(sources) > 0).astype(float)
    joined_NN: NDArray[np.bool_] = touches_NG @ touches_NG.T > 0
    return joined_NN


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


def design_effect(values: Sequence[float], sources: Sources) -> float:
    """How many questions are worth one: what sharing sources does to the variance of a mean.

    Kish's ratio, estimated from the values with questions weighted as in `draw`. Where all values
    are alike or there are less than two sources, it cannot be told, and is taken to be 1.

    Args:
        values: One per question, as right or wrong, (N,).
        sources: The sources of each question, (N,); empty where they share none.

    Returns:
        At least 1: with few sources chance can make sharing look like a gain.

    >>> design_effect([True, True, False, False], ((0,), (0,), (1,), (1,)))
    4.0
    """
    if how_many(sources) < 2:
        return 1.0
    shares_NG = shares(sources)
    apart_N = np.asarray(values, dtype=float) - np.mean(values)
    independent = float((apart_N**2).sum())
    if not independent:
        return 1.0
    groups = shares_NG.shape[1]
    together = float(((apart_N @ shares_NG) ** 2).sum()) * groups / (groups - 1)
    return float(max(1.0, together / independent))


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


def shares(sources: Sources) -> NDArray[np.float64]:
    """(N, G): how far each source moves each question, rows of length 1.

    >>> shares(((0,), (0, 1))).round(2).tolist()
    [[1.0, 0.0], [0.71, 0.71]]
    """
    groups = 1 + max(number for numbers in sources for number in numbers)
    shares_NG = np.zeros((len(sources), groups))
    for row, numbers in zip(shares_NG, sources, strict=True):
        row[list(numbers)] = 1 / np.sqrt(len(numbers))
    return shares_NG


def draw(
    values_SN: NDArray[np.float64], sources: Sources, draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw source pictures anew: by how much the mean of each row of values then moves.

    As many sources as there are come back with replacement. If each question has one, this is the
    bootstrap of clusters (Davison and Hinkley 1997, section 3.8): a question counts as often as its
    source was drawn. One of several sources moves it by the surplus of all of them over the root of
    their number, so that any two questions move together as much as they have sources in common,
    and each as much by itself (ours).

    Args:
        values_SN: One value per question in each of S rows, without the row's mean.
        sources: The sources of each question, (N,); at least two different ones.
        draws: Number of draws, D.
        rng: The source of chance.

    Returns:
        (D, S), with mean 0.
    """
    shares_NG = shares(sources)
    n, groups = shares_NG.shape
    surplus_DG = rng.multinomial(groups, np.full(groups, 1 / groups), draws) - 1.0
    # Drawn counts add up to `groups`, which makes each vary a little less than it should.
    surplus_DG *= np.sqrt(groups / (groups - 1))
    moved_DS: NDArray[np.float64] = surplus_DG @ (values_SN @ shares_NG).T / n
    return moved_DS
