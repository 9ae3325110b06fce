"""Intervals and paired tests for accuracies (textbook statistics; the paper reports none)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

DRAWS = 200_000
"""Choices of sign where a distribution is drawn from; p is at least 1 / DRAWS then."""


@dataclass(frozen=True)
class Interval:
    """A confidence interval of a proportion.

    Attributes:
        low: Lower end, in [0, 1].
        high: Upper end, in [0, 1].
    """

    low: float
    high: float


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
            were equally good. Exact, but over tasks of different sizes (see `paired_over`).
    """

    n: int
    seeds: int
    only_a: int
    only_b: int
    delta: float
    p_value: float


def wilson(correct: float, n: float, confidence: float = 0.95) -> Interval:
    """Wilson's score interval.

    Args:
        correct: Right answers; a mean over seeds may be fractional.
        n: Questions, or the number of independent ones that they are worth.
        confidence: Coverage.

    Raises:
        ValueError: There is no question, or more right answers than questions.

    >>> wilson(8, 10)
    Interval(low=0.490..., high=0.943...)
    """
    if n < 1 or not 0 <= correct <= n:
        raise ValueError(f"{correct} right answers out of {n}")
    from scipy.stats import norm

    z = float(norm.ppf(0.5 + confidence / 2))
    share = correct / n
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # Rounding must not exclude the share itself at 0 and 1.
    return Interval(min(share, max(0.0, center - half)), max(share, min(1.0, center + half)))


def mcnemar(a: Sequence[bool], b: Sequence[bool]) -> Paired:
    """McNemar's exact test of two methods, one run each.

    Args:
        a: Whether the first method got each question right.
        b: The same for the second method, in the same order.

    Raises:
        ValueError: The two are empty or not of equal length.

    >>> mcnemar([True, False, False, False], [True, True, True, True])
    Paired(n=4, seeds=1, only_a=0, only_b=3, delta=0.75, p_value=0.25)
    """
    return paired([a], [b])


def paired(a: Sequence[Sequence[bool]], b: Sequence[Sequence[bool]]) -> Paired:
    """Exact paired test of two methods, pooled over seeds.

    Seeds answer the same questions, so their answers are not independent. The unit is therefore
    the question: its score is the number of seeds at which only the second method was right,
    minus the number at which only the first was. If the methods were equally good, each score
    could as well have the other sign; the distribution of the sum over all choices of sign is
    computed exactly. With one seed this is McNemar's exact test.

    Args:
        a: Right or wrong for the first method, one row per seed, one column per question.
        b: The same for the second method.

    Raises:
        ValueError: There is nothing to compare, or the shapes differ.
    """
    return paired_over([(a, b)])


def paired_over(
    tables: Sequence[tuple[Sequence[Sequence[bool]], Sequence[Sequence[bool]]]],
) -> Paired:
    """The paired test of `paired` of the mean over several tasks, each counting once.

    With as many questions and seeds on every task it is exact. Else a question of a small task
    weighs more, and the sum's distribution over all choices of sign is drawn from, `DRAWS` times.

    Args:
        tables: Per task, right or wrong for the first and for the second method, each with one
            row per seed and one column per question. Tasks may differ in both.

    Returns:
        `n` questions of all tasks, the largest number of `seeds`, and as `delta` the mean of the
        tasks' differences, each task counting once.

    Raises:
        ValueError: There is nothing to compare, or the shapes of a task differ.
    """
    if not tables:
        raise ValueError("there is nothing to pair")
    scores: list[list[int]] = []
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
        scores.append([int(score) for score in (right_b - right_a).sum(axis=0)])
        weights.append(1 / right_a.size)
    mean = sum(deltas) / len(deltas)
    together = [score for task in scores for score in task]
    p_value = _sign_flip(together) if len(set(weights)) == 1 else _drawn(scores, weights)
    return Paired(len(together), most, only_a, only_b, mean, p_value)


def _drawn(scores: Sequence[Sequence[int]], weights: Sequence[float]) -> float:
    """P(|weighted sum of scores with random signs| >= |weighted sum of scores|), by drawing."""
    draw = np.random.default_rng(0)
    observed, sums = 0.0, np.zeros(DRAWS)
    for task, weight in zip(scores, weights, strict=True):
        chance = _chances(task)
        total = len(chance) // 2
        observed += weight * sum(task)
        sums += weight * draw.choice(np.arange(-total, total + 1), DRAWS, p=chance / chance.sum())
    as_far = np.abs(sums) >= abs(observed) - 1e-12
    return float((1 + as_far.sum()) / (1 + DRAWS))


def _sign_flip(scores: Sequence[int]) -> float:
    """P(|sum of scores with random signs| >= |sum of scores|)."""
    chance = _chances(scores)
    total = len(chance) // 2
    far = np.abs(np.arange(-total, total + 1)) >= abs(sum(scores))
    return min(1.0, float(chance[far].sum()))


def _chances(scores: Sequence[int]) -> NDArray[np.float64]:
    """Probability of every sum of scores with random signs, from the smallest to the largest."""
    sizes = [abs(score) for score in scores if score]
    total = sum(sizes)
    # chance[k] is the probability that the sum so far equals k - total.
    chance = np.zeros(2 * total + 1)
    chance[total] = 1.0
    for size in sizes:
        chance = (np.roll(chance, size) + np.roll(chance, -size)) / 2
    return chance


def paired_difference(a: Sequence[bool], b: Sequence[bool], confidence: float = 0.95) -> Interval:
    """Interval of accuracy(b) - accuracy(a) on the same questions; ends lie in [-1, 1].

    Agresti and Min's interval: Wald's with half a question added to each of the four cells. It
    stays honest where few or no questions differ, and a bootstrap would call itself certain.

    Args:
        a: Whether the first method got each question right.
        b: The same for the second method, in the same order.
        confidence: Coverage.

    Raises:
        ValueError: The two are empty or not of equal length.

    >>> paired_difference([True] * 40, [True] * 40)
    Interval(low=-0.046..., high=0.046...)
    """
    right_a, right_b = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    if right_a.shape != right_b.shape or right_a.ndim != 1 or right_a.size == 0:
        raise ValueError(f"cannot pair results of shapes {right_a.shape} and {right_b.shape}")
    from scipy.stats import norm

    n = right_a.size + 2
    only_a = float((right_a & ~right_b).sum()) + 0.5
    only_b = float((right_b & ~right_a).sum()) + 0.5
    center = (only_b - only_a) / n
    error = sqrt(max(0.0, only_a + only_b - (only_b - only_a) ** 2 / n)) / n
    half = float(norm.ppf(0.5 + confidence / 2)) * error
    return Interval(max(-1.0, center - half), min(1.0, center + half))


def bootstrap(
    statistic: Callable[[NDArray[np.intp]], float],
    n: int,
    draws: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """Percentile bootstrap interval.

    Args:
        statistic: Takes the indices of the drawn items, (n,), and gives a number; draws on which
            it is not a number (a ratio without a denominator) are left out.
        n: Number of items.
        draws: Resamples.
        seed: Seed of the draw.
        confidence: Coverage.

    Raises:
        ValueError: There are no items.

    >>> values = np.arange(100.0)
    >>> interval = bootstrap(lambda index: float(values[index].mean()), 100)
    >>> 43 < interval.low < 46 and 53 < interval.high < 56
    True
    """
    if n < 1:
        raise ValueError("there is nothing to draw from")
    rng = np.random.default_rng(seed)
    found = np.array([statistic(rng.integers(0, n, n)) for _ in range(draws)])
    found = found[np.isfinite(found)]
    if not found.size:
        return Interval(float("nan"), float("nan"))
    tail = (1 - confidence) / 2
    low, high = np.quantile(found, [tail, 1 - tail])
    return Interval(float(low), float(high))
