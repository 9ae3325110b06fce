"""Many comparisons at once: correction for their number, and an interval over three levels.

A mean gain over tasks is uncertain because other tasks could have been taken, because other seeds
could have been drawn, and because other questions could have been asked. The bootstrap here draws
anew at all three levels, and of other source pictures where questions share some. Textbook
statistics (Holm 1979; Davison and Hinkley 1997, section 3.8); the paper reports none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from livr.evaluate.clustered import clusters
from livr.evaluate.shared import Sources
from livr.evaluate.stats import TAIL, Interval

DRAWS = 4000
IMAGINED = (0.5, -0.5)
"""Two questions that are drawn from besides, half a question each: one that only the one method
gets right, one that only the other does. Without them an interval would have no width where the
two never differ (after Agresti and Min 2005)."""
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
    sources: Sequence[Sources] = (),
) -> Interval:
    """Hierarchical bootstrap interval of a mean difference, the mean of the tasks' own means.

    Every draw takes as many tasks as there are, with replacement; within each, seeds and, crossed
    with them, questions, with replacement. With one task only seeds and questions are drawn. The
    chance in questions counts at each level, so that the interval is too wide where tasks and
    seeds hardly differ, by a factor of 2 at most if questions have no sources. What a few tasks or
    seeds say of others it tells too narrowly, as every bootstrap of few units. Where questions have
    sources in common, how far their mean moves is drawn instead, see `livr.evaluate.clustered`,
    and the wider of the two is taken.

    Args:
        differences: One array (S, N) per task: of seed s at question n, right or wrong of the one
            method minus the other's, -1, 0 or 1. S and N may differ between tasks.
        draws: Resamples.
        seed: Seed of the draw.
        sources: The sources of each task's questions; empty where they have none in common. By
            default no task's have.

    Raises:
        ValueError: There is nothing to draw from, or sources are not those of the questions.

    >>> effect_interval([np.zeros((2, 100)), np.ones((3, 50))])
    Interval(low=-0.0075, high=1.0)
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
    low, high = np.quantile(drawn_D, [TAIL, 1 - TAIL])
    return Interval(float(low), float(high))


Counts = tuple[NDArray[np.int16], NDArray[np.int16]]
"""How often each draw has each seed, (D, S), and each question, imagined ones too, (D, N + 2)."""


def _again(
    shapes: tuple[tuple[int, ...], ...], draws: int, seed: int
) -> tuple[tuple[Counts, ...], Mapping[str, Any]]:
    """What is drawn for tasks of these shapes, and the state of the generator after it."""
    rng = np.random.default_rng(seed)

    def drawn(units: int) -> NDArray[np.int16]:
        return rng.multinomial(units, np.full(units, 1 / units), draws).astype(np.int16)

    counts = tuple((drawn(seeds), drawn(n + len(IMAGINED))) for seeds, n in shapes)
    return counts, rng.bit_generator.state


_kept = lru_cache(maxsize=4)(_again)
"""The same, kept for the next line of a table, whose tasks have the same shapes."""


def _task_means(
    table_SN: NDArray[np.float64],
    sources: Sources,
    counts: Counts,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Resampled means of one task, (draws,): seeds and questions, crossed.

    With other sources unless that gives a narrower interval: with few sources chance can make it
    look so, and to know that questions go together never tells more.
    """
    seeds, n = table_SN.shape
    seeds_DS, items_DN = counts
    if sources and len(sources) != n:
        raise ValueError(f"{len(sources)} questions have sources, {n} have answers")
    mean_S = table_SN.mean(axis=1)
    apart_SN = np.hstack([table_SN - mean_S[:, None], np.tile(IMAGINED, (seeds, 1))])
    moved = [((seeds_DS @ apart_SN) * items_DN).sum(axis=1) / n]
    if found := clusters(sources):
        # A generator of its own: what tasks without sources draw stays as it is.
        moved_DS = found.draw(table_SN, len(seeds_DS), rng.spawn(1)[0])
        moved.append((seeds_DS * moved_DS).sum(axis=1))
    drawn = [(seeds_DS @ mean_S + moved_D) / seeds for moved_D in moved]
    widest_D: NDArray[np.float64] = max(
        drawn, key=lambda means_D: np.ptp(np.quantile(means_D, [TAIL, 1 - TAIL]))
    )
    return widest_D.clip(-1.0, 1.0)
