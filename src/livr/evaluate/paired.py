"""Paired tests of two methods on the same questions (textbook statistics; the paper reports none).

If two methods were equally good, what one question says for the one could as well be said for the
other. Questions that share a source say it together; then it is the sources' word that counts
(ours).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from livr.evaluate.clustered import clusters
from livr.evaluate.shared import Sources
from livr.evaluate.stats import UPPER

DRAWS = 200_000
"""Choices of sign where a distribution is drawn from; p is at least 1 / DRAWS then."""

Table = Sequence[Sequence[bool]]
"""Right or wrong: one row per seed, one column per question."""

Scores = NDArray[np.float64]
"""What each question or each source of a task says for the second method; < 0 for the first."""


@dataclass(frozen=True)
class Paired:
    """Two methods on the same questions.

    Attributes:
        n: Number of questions.
        seeds: Runs per method and question.
        only_a: Answers that only the first method got right.
        only_b: Answers that only the second method got right.
        delta: Accuracy of the second method minus accuracy of the first.
        p_value: Two-sided; the chance of a difference at least this large if the two methods
            were equally good. See `paired_over` for when it is exact.
    """

    n: int
    seeds: int
    only_a: int
    only_b: int
    delta: float
    p_value: float


def paired(a: Table, b: Table, sources: Sources = ()) -> Paired:
    """Paired test of two methods, pooled over seeds.

    Seeds answer the same questions, so their answers are not independent. The unit is therefore
    the question: its score is the number of seeds at which only the second method was right,
    minus the number at which only the first was. If the methods were equally good, each score
    could as well have the other sign; the distribution of the sum over all choices of sign is
    computed exactly. With one seed this is McNemar's exact test.

    Questions that share a source are not independent either: their scores change sign together,
    see `_by_source`. If that gives a smaller p, which it can by chance if sources are few, p stays
    the questions'.

    Args:
        a: Right or wrong for the first method.
        b: The same for the second method.
        sources: The sources of each question; empty if none share any.

    Raises:
        ValueError: There is nothing to compare, or the shapes differ.

    >>> a, b = [[False] * 6], [[True] * 6]
    >>> paired(a, b).p_value, paired(a, b, ((0,), (0,), (0,), (1,), (1,), (1,))).p_value
    (0.03125, 0.5)
    """
    return paired_over([(a, b)], [sources])


def paired_over(tables: Sequence[tuple[Table, Table]], sources: Sequence[Sources] = ()) -> Paired:
    """The paired test of `paired` of the mean over several tasks, each counting once.

    With as many questions and seeds on every task it is exact. Else scores weigh differently, and
    the sum's distribution over all choices of sign is drawn from, `DRAWS` times. Where a question
    has several sources, p is approximate.

    Args:
        tables: Per task, right or wrong for the first and for the second method. Tasks may differ
            in their numbers of seeds and questions.
        sources: Per task, the sources of its questions; empty where they share none. By default
            no task's do.

    Returns:
        `n` questions of all tasks, the largest number of `seeds`, and as `delta` the mean of the
        tasks' differences, each task counting once.

    Raises:
        ValueError: There is nothing to compare, or shapes or sources of a task differ.
    """
    if not tables:
        raise ValueError("there is nothing to pair")
    scores: list[Scores] = []
    weights: list[float] = []
    deltas, only_a, only_b, most = [], 0, 0, 0
    for a, b in tables:
        right_a, right_b = np.asarray(a, dtype=int), np.asarray(b, dtype=int)
        if right_a.shape != right_b.shape or right_a.ndim != 2 or right_a.size == 0:
            raise ValueError(f"cannot pair results of shapes {right_a.shape} and {right_b.shape}")
        only_a += int((right_a > right_b).sum())
        only_b += int((right_b > right_a).sum())
        deltas.append(float(right_b.mean() - right_a.mean()))
        most = max(most, right_a.shape[0])
        scores.append((right_b - right_a).sum(axis=0).astype(float))
        weights.append(1 / right_a.size)
    p_value = _chance_of(scores, weights)
    shared = list(sources) or [()] * len(scores)
    if any(map(clusters, shared)):
        p_value = max(p_value, _by_source(scores, weights, shared))
    n = sum(len(task) for task in scores)
    return Paired(n, most, only_a, only_b, sum(deltas) / len(deltas), p_value)


def _by_source(
    scores: Sequence[Scores], weights: Sequence[float], sources: Sequence[Sources]
) -> float:
    """P of the sum with sources in the place of questions, where these tell something.

    If no question has several, sources flip their signs. One of several sources has no sign of its
    own to flip; then the sum is held against its error by Student's t, with Welch's degrees over
    tasks.
    """
    for scores_N, task in zip(scores, sources, strict=True):
        if task and len(task) != len(scores_N):
            raise ValueError(f"{len(task)} questions have sources, {len(scores_N)} have answers")
    told = [task if clusters(task) else () for task in sources]
    if all(len(numbers) == 1 for task in told for numbers in task):
        return _chance_of([_said(*both) for both in zip(scores, told, strict=True)], weights)
    from scipy.stats import t

    total = sum(w * float(x.sum()) for x, w in zip(scores, weights, strict=True))
    errors = [_error(*both) for both in zip(scores, told, strict=True)]
    variances_T = np.array([w**2 * error for w, (error, _) in zip(weights, errors, strict=True)])
    degrees_T = np.array([degrees for _, degrees in errors])
    if not variances_T.any():
        # All say the same: as if each independent source had a sign to flip.
        return float(2.0 ** -degrees_T.sum()) if total else 1.0
    degrees = variances_T.sum() ** 2 / (variances_T**2 / degrees_T).sum()
    return float(2 * t.sf(abs(total) / sqrt(variances_T.sum()), degrees))


def _said(scores_N: Scores, sources: Sources) -> Scores:
    """What each source of a task says, if no question has several; without any, each question."""
    if not sources:
        return scores_N
    return np.bincount([number for (number,) in sources], scores_N).astype(float)


def _error(scores_N: Scores, sources: Sources) -> tuple[float, float]:
    """The variance of the sum of a task's scores and its degrees of freedom, with sources or by
    question: which of the two gives a wider interval."""
    from scipy.stats import t

    alone = float(scores_N.size * scores_N.var()), max(1.0, scores_N.size - 1.0)
    if (found := clusters(sources)) is None:
        return alone
    together = float(found.covariance(scores_N[None])[0, 0]), found.degrees
    return max(alone, together, key=lambda error: error[0] * t.ppf(UPPER, error[1]) ** 2)


def _chance_of(scores: Sequence[Scores], weights: Sequence[float]) -> float:
    """P(|weighted sum of scores with random signs| >= |weighted sum of scores|)."""
    whole = all((task == task.round()).all() for task in scores)
    if whole and len(set(weights)) == 1:
        together = np.concatenate(scores)
        chance = _chances(together)
        total = len(chance) // 2
        far = np.abs(np.arange(-total, total + 1)) >= abs(together.sum())
        return min(1.0, float(chance[far].sum()))
    rng = np.random.default_rng(0)
    observed = sum(weight * task.sum() for task, weight in zip(scores, weights, strict=True))
    sums_D = sum(weight * _drawn(task, rng) for task, weight in zip(scores, weights, strict=True))
    as_far = int((np.abs(sums_D) >= abs(observed) - 1e-12).sum())
    return (1 + as_far) / (1 + DRAWS)


def _drawn(scores: Scores, rng: np.random.Generator) -> Scores:
    """(DRAWS,), sums of a task's scores, whole numbers, with random signs."""
    chance = _chances(scores)
    total = len(chance) // 2
    return rng.choice(np.arange(-total, total + 1.0), DRAWS, p=chance / chance.sum())


def _chances(scores: Scores) -> NDArray[np.float64]:
    """Probability of every sum of whole numbers with random signs, the smallest to the largest."""
    sizes = [int(size) for size in np.abs(scores) if size]
    total = sum(sizes)
    # chance[k] is the probability that the sum so far equals k - total.
    chance = np.zeros(2 * total + 1)
    chance[total] = 1.0
    for size in sizes:
        chance = (np.roll(chance, size) + np.roll(chance, -size)) / 2
    return chance
