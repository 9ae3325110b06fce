"""Many comparisons at once: correction for their number, and an interval over three levels.

A mean gain over tasks is uncertain because other tasks could have been taken, because other seeds
could have been drawn, and because other questions could have been asked. The bootstrap here draws
anew at all three levels. Textbook statistics (Holm 1979; Davison and Hinkley 1997, section 3.8);
the paper reports none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from livr.evaluate.shared import Sources, draw
from livr.evaluate.stats import Interval

DRAWS = 4000
MOST_KEPT = 10_000_000
"""Numbers that are kept of one draw; more are drawn anew each time."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values: their largest keeps the chance of any false finding below it.

    Args:
        p_values: One per comparison, in any order.

    Returns:
        Adjusted values in the same order.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted


def effect_interval(
    differences: Sequence[ArrayLike],
    draws: int = DRAWS,
    seed: int = 0,
    confidence: float = 0.95,
    sources: Sequence[Sources] = (),
) -> Interval:
    """Hierarchical bootstrap interval of a mean difference, the mean of the tasks' own means.

    Every draw takes as many tasks as there are, with replacement; within each, seeds and, crossed
    with them, questions, with replacement. With one task only seeds and questions are drawn. The
    chance in questions counts at each level, so that the interval is too wide, by a factor of 2
    at most, where tasks and seeds hardly differ. What a few of these say of others it tells too
    narrowly, as every bootstrap of few units. Questions that have a source in common are drawn
    together, see `livr.evaluate.shared`.

    Args:
        differences: One array (S, N) per task: of seed s at question n, right or wrong of the one
            method minus the other's, -1, 0 or 1. S and N may differ between tasks.
        draws: Resamples.
        seed: Seed of the draw.
        confidence: Coverage.
        sources: The sources of each task's questions; empty where they have none in common. By
            default no task's have.

    Raises:
        ValueError: There is nothing to draw from, or sources are not those of the questions.

    >>> effect_interval([np.zeros((2, 10)), np.ones((3, 5))], draws=200)
    Interval(low=0.0, high=1.0)
    """
    tables = [np.asarray(table, dtype=float) for table in differences]
    if not tables or any(table.ndim != 2 or table.size == 0 for table in tables):
        raise ValueError("there is nothing to draw from")
    shared = list(sources) or [()] * len(tables)
    shapes = tuple(table.shape for table in tables)
    again = _kept if draws * sum(n for _, n in shapes) <= MOST_KEPT else _again
    counts, state = again(shapes, draws, seed)
    rng = np.random.default_rng(seed)
    rng.bit_generator.state = state
    means_TD = np.stack(
        [_task_means(*three, rng) for three in zip(tables, shared, counts, strict=True)]
    )
    count = len(tables)
    if count == 1:
        drawn_D = means_TD[0]
    else:
        which_DT = rng.integers(0, count, (draws, count))
        # A task that is drawn twice needs two resamples of its own, so these are drawn as well.
        resample_DT = rng.integers(0, draws, (draws, count))
        drawn_D = means_TD[which_DT, resample_DT].mean(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn_D, [tail, 1 - tail])
    return Interval(float(low), float(high))


Counts = tuple[NDArray[np.int16], NDArray[np.int16]]
"""How often each draw has each seed, (D, S), and each question, (D, N)."""


def _again(
    shapes: tuple[tuple[int, ...], ...], draws: int, seed: int
) -> tuple[tuple[Counts, ...], Mapping[str, Any]]:
    """What is drawn for tasks of these shapes, and the state of the generator after it."""
    rng = np.random.default_rng(seed)

    def drawn(units: int) -> NDArray[np.int16]:
        return rng.multinomial(units, np.full(units, 1 / units), draws).astype(np.int16)

    counts = tuple((drawn(seeds), drawn(n)) for seeds, n in shapes)
    return counts, rng.bit_generator.state


_kept = lru_cache(maxsize=4)(_again)
"""The same, kept for the next line of a table, whose tasks have the same shapes."""


def _task_means(
    table_SN: NDArray[np.float64], sources: Sources, counts: Counts, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Resampled means of one task, (draws,): seeds and questions, crossed.

    Questions with common sources are drawn together unless that spreads the means less: with few
    sources chance can make it look so, and drawing more at once never tells more.
    """
    seeds, n = table_SN.shape
    seeds_DS, items_DN = counts
    total: NDArray[np.float64] = ((seeds_DS @ table_SN) * items_DN).sum(axis=1)
    alone: NDArray[np.float64] = total / (seeds * n)
    if not sources:
        return alone
    if len(sources) != n:
        raise ValueError(f"{len(sources)} questions have sources, {n} have answers")
    # A generator of its own: what tasks without sources draw stays as it is.
    moved_DS = draw(table_SN, sources, len(seeds_DS), rng.spawn(1)[0])
    total = (seeds_DS * (table_SN.mean(axis=1) + moved_DS)).sum(axis=1)
    together: NDArray[np.float64] = np.clip(total / seeds, -1.0, 1.0)
    return max(alone, together, key=np.std)
