"""Intervals for accuracies (textbook statistics; the paper reports none)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
"""Coverage of every interval."""
UPPER, TAIL = 0.5 + CONFIDENCE / 2, (1 - CONFIDENCE) / 2
"""The quantile at its upper end, and the share that it leaves out at either end."""


@dataclass(frozen=True)
class Interval:
    """A confidence interval, of a proportion or of a difference.

    Attributes:
        low: Lower end.
        high: Upper end.
    """

    low: float
    high: float


def wilson(correct: float, n: float) -> Interval:
    """Wilson's score interval.

    Args:
        correct: Right answers; a mean over seeds may be fractional.
        n: Questions, or the number of independent ones that they are worth.

    Raises:
        ValueError: There is no question, or more right answers than questions.

    >>> wilson(8, 10)
    Interval(low=0.490..., high=0.943...)
    """
    if n < 1 or not 0 <= correct <= n:
        raise ValueError(f"{correct} right answers out of {n}")
    from scipy.stats import norm

    z = float(norm.ppf(UPPER))
    share = correct / n
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # Rounding must not exclude the share itself at 0 and 1.
    return Interval(min(share, max(0.0, center - half)), max(share, min(1.0, center + half)))


def paired_difference(a: Sequence[bool], b: Sequence[bool], effect: float = 1.0) -> Interval:
    """Interval of accuracy(b) - accuracy(a) on the same questions; ends lie in [-1, 1].

    Agresti and Min's interval: Wald's with half a question added to each of the four cells. It
    stays honest where few or no questions differ, and a bootstrap would call itself certain.

    Args:
        a: Whether the first method got each question right.
        b: The same for the second method, in the same order.
        effect: How many questions are worth one, see `clustered.design_effect`.

    Raises:
        ValueError: The two are empty or not of equal length.

    >>> paired_difference([True] * 40, [True] * 40)
    Interval(low=-0.046..., high=0.046...)
    """
    right_a, right_b = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    if right_a.shape != right_b.shape or right_a.ndim != 1 or right_a.size == 0:
        raise ValueError(f"cannot pair results of shapes {right_a.shape} and {right_b.shape}")
    from scipy.stats import norm

    n = right_a.size / effect + 2
    only_a = float((right_a & ~right_b).sum()) / effect + 0.5
    only_b = float((right_b & ~right_a).sum()) / effect + 0.5
    center = (only_b - only_a) / n
    error = sqrt(max(0.0, only_a + only_b - (only_b - only_a) ** 2 / n)) / n
    half = float(norm.ppf(UPPER)) * error
    return Interval(max(-1.0, center - half), min(1.0, center + half))


def bootstrap(
    statistic: Callable[[NDArray[np.intp]], float],
    n: int,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval.

    Args:
        statistic: Takes the indices of the drawn items, (n,), and gives a number; draws on which
            it is not a number (a ratio without a denominator) are left out.
        n: Number of items.
        draws: Resamples.
        seed: Seed of the draw.

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
    low, high = np.quantile(found, [TAIL, 1 - TAIL])
    return Interval(float(low), float(high))
