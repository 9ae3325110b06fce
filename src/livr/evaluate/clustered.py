"""Errors where questions share source pictures (ours).

Any two questions with a source in common go together, whatever else each of them shows (Fafchamps
and Gubert 2007). Where one source is behind many questions, what is told of other sources rests
on few, and Student's t has as few degrees (Bell and McCaffrey 2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from livr.evaluate.shared import Sources
from livr.evaluate.stats import UPPER, Interval, wilson

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Z = 1.959964
"""The normal distribution's 97.5 % quantile."""


@dataclass(frozen=True)
class Clusters:
    """Which questions go together.

    Questions of the same sources are of one kind; K kinds stand for N questions.

    Attributes:
        kind_N: The kind of each question.
        joined_KK: 1 where two kinds have a source in common, else 0.
        share: The part of all pairs of questions, each with itself among them, that have one.
        degrees: How many independent sources there are, less one, as far as the error of a mean
            is concerned: Satterthwaite's number, if sources are all that moves an answer.
    """

    kind_N: NDArray[np.intp]
    joined_KK: csr_array
    share: float
    degrees: float

    def covariance(self, values_SN: NDArray[np.float64]) -> NDArray[np.float64]:
        """How the sums of rows of values vary, and go together, from sources to other sources.

        The products of every two questions with a source in common, from each row's mean. Taking
        the mean away takes as large a part of them as there are such pairs among all, so they are
        divided by the rest; for G sources of as many questions each, one per question, that is
        the usual G / (G - 1).

        Args:
            values_SN: One value per question in each of S rows.

        Returns:
            (S, S), never below 0.
        """
        apart_SN = values_SN - values_SN.mean(axis=1, keepdims=True)
        kinds = self.joined_KK.shape[0]
        sums_SK = np.array([np.bincount(self.kind_N, row, kinds) for row in apart_SN])
        found_SS = sums_SK @ (self.joined_KK @ sums_SK.T) / (1 - self.share)
        # Where one of two joined questions is joined with a third, chance can take it below 0.
        size_S, turn_SS = np.linalg.eigh(found_SS)
        return np.asarray(turn_SS * size_S.clip(0) @ turn_SS.T)

    def draw(
        self, values_SN: NDArray[np.float64], draws: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Other sources: by how much the mean of each row of values then moves.

        Args:
            values_SN: One value per question in each of S rows.
            draws: Number of draws, D.
            rng: The source of chance.

        Returns:
            (D, S), about 0: Student's t with the rows' covariance and these degrees.
        """
        seeds, n = values_SN.shape
        covariance_SS = self.covariance(values_SN) / n**2
        normal_DS = rng.multivariate_normal(np.zeros(seeds), covariance_SS, draws, method="eigh")
        return np.asarray(
            normal_DS / np.sqrt(rng.chisquare(self.degrees, (draws, 1)) / self.degrees)
        )


@lru_cache(maxsize=64)
def clusters(sources: Sources) -> Clusters | None:
    """Which questions go together by their sources.

    Args:
        sources: The sources of each question, (N,); empty where they share none.

    Returns:
        None if that tells nothing: there are no sources, or every two questions have one in common.
    """
    if not sources:
        return None
    kind_N, touched_KG = _kinds(sources)
    joined_KK = _joined(touched_KG)
    often_K = np.bincount(kind_N).astype(float)
    share = float(often_K @ joined_KK @ often_K) / len(sources) ** 2
    if share == 1:
        return None
    return Clusters(kind_N, joined_KK, share, _degrees(touched_KG, joined_KK, often_K))


def linked(sources: Sources) -> tuple[int, ...]:
    """The group of each question; those of different groups share nothing, nor do their sources.

    >>> linked(((0,), (1, 2), (2,), (0,)))
    (0, 1, 1, 0)
    """
    from scipy.sparse.csgraph import connected_components

    kind_N, touched_KG = _kinds(sources)
    _, group_K = connected_components(_joined(touched_KG), directed=False)
    return tuple(int(group) for group in group_K[kind_N])


def _kinds(sources: Sources) -> tuple[NDArray[np.intp], csr_array]:
    """The kind of each question, and (K, G), 1 where those of a kind are asked of a source."""
    from scipy.sparse import csr_array

    kinds = {numbers: kind for kind, numbers in enumerate(dict.fromkeys(sources))}
    row = np.repeat(np.arange(len(kinds)), [len(numbers) for numbers in kinds])
    column = np.concatenate([np.array(numbers) for numbers in kinds])
    touched_KG = csr_array((np.ones(len(row)), (row, column)))
    return np.array([kinds[numbers] for numbers in sources]), touched_KG


def _joined(touched_KG: csr_array) -> csr_array:
    """(K, K), 1 where two kinds have a source in common."""
    joined_KK = touched_KG @ touched_KG.T
    joined_KK.data[:] = 1.0
    return joined_KK


def _degrees(touched_KG: csr_array, joined_KK: csr_array, often_K: NDArray[np.float64]) -> float:
    """(trace C)^2 / trace C^2 with C how any two sources come into the covariance together.

    C = P' M J M P: J joins questions, M takes the mean away, and P says how far each source moves
    each question. M is 1 less a constant matrix, so that C is a sparse matrix and two outer
    products, and only sums are needed.
    """
    from scipy.sparse import diags_array

    each = diags_array(often_K / np.sqrt(touched_KG.sum(axis=1)))
    moved_KG = each @ touched_KG
    sparse_GG = moved_KG.T @ joined_KK @ moved_KG
    mean_G = np.asarray(moved_KG.sum(axis=0)) / often_K.sum()
    joins_G = moved_KG.T @ (joined_KK @ often_K)
    pairs = float(often_K @ joined_KK @ often_K)
    # C = sparse - joins mean' - mean joins' + pairs mean mean'
    mm, jm, jj = mean_G @ mean_G, joins_G @ mean_G, joins_G @ joins_G
    trace = float(sparse_GG.trace()) - 2 * jm + pairs * mm
    through = pairs * (mean_G @ (sparse_GG @ mean_G)) - 2 * (joins_G @ (sparse_GG @ mean_G))
    outer = 2 * jj * mm + 2 * jm**2 + (pairs * mm) ** 2 - 4 * pairs * jm * mm
    squares = float(sparse_GG.multiply(sparse_GG).sum()) + 2 * through + outer
    return max(1.0, float(trace**2 / squares))


def design_effect(values: Sequence[float], sources: Sources) -> float:
    """How many questions are worth one, for an interval that takes them as independent.

    Kish's design effect, estimated from the values, times how much wider Student's t is for few
    sources. Where all values are alike, what sources do to them cannot be told; then it is the
    latter alone.

    Args:
        values: One per question, as right or wrong, (N,).
        sources: The sources of each question, (N,); empty where they share none.

    Returns:
        At least 1: with few sources chance can make sharing look like a gain. 1 where sources
        tell nothing, see `clusters`.

    >>> design_effect([True, True, False, False], ((0,), (1,), (0,), (1,)))
    1.0
    >>> round(design_effect([True] * 30 + [False] * 30, ((0,),) * 30 + ((1,),) * 30) / 60)
    42
    """
    found = clusters(sources)
    if found is None:
        return 1.0
    from scipy.stats import t

    values_1N = np.asarray(values, dtype=float)[None]
    independent = float(values_1N.size * values_1N.var())
    together = float(found.covariance(values_1N)[0, 0])
    wider = float(t.ppf(UPPER, found.degrees)) / Z
    return max(1.0, (together / independent if independent else 1.0) * wider**2)


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
