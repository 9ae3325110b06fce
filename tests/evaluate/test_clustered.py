"""Errors where questions share sources: checked against matrices, textbook cases and simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import t as student

from livr.evaluate.clustered import Clusters, clusters, design_effect, linked, share_interval
from livr.evaluate.hierarchical import effect_interval
from livr.evaluate.paired import paired
from livr.evaluate.shared import Sources
from livr.evaluate.stats import wilson

TRIANGLE = ((0, 1), (1, 2), (0, 2))
Asked = Callable[[np.random.Generator], Sources]


def found(sources: Sources) -> Clusters:
    both = clusters(sources)
    assert both is not None
    return both


def evenly(each: int) -> Asked:
    """240 questions about 30 photographs, `each` of them per question."""
    return lambda rng: tuple(
        tuple(rng.choice(30, each, replace=False).tolist()) for _ in range(240)
    )


def unevenly(rng: np.random.Generator) -> Sources:
    """As the embedded localization: one photograph in a third of all questions, the others rare."""
    weights = np.array([12.0, *[1.0] * 29])
    rows = (
        rng.choice(30, 1 + int(rng.integers(3)), replace=False, p=weights / 41) for _ in range(240)
    )
    return tuple(tuple(row.tolist()) for row in rows)


many_sources = st.lists(
    st.lists(st.integers(0, 6), min_size=1, max_size=3, unique=True).map(tuple),
    min_size=3,
    max_size=25,
).map(tuple)


@given(many_sources)
@settings(deadline=None)
def test_kinds_and_sparse_sums_are_the_matrices_written_out(sources: Sources) -> None:
    n = len(sources)
    joined_NN = np.array([[bool({*a} & {*b}) for b in sources] for a in sources], dtype=float)
    both = clusters(sources)
    if joined_NN.all():
        assert both is None
        return
    assert both is not None
    values_SN = np.random.default_rng(0).normal(size=(1, n))
    apart_SN = values_SN - values_SN.mean()
    product = (apart_SN @ joined_NN @ apart_SN.T)[0, 0] / (1 - joined_NN.mean())
    assert both.covariance(values_SN)[0, 0] == pytest.approx(max(0.0, product), abs=1e-9)
    moved_NG = np.array([[(g in s) / len(s) ** 0.5 for g in range(7)] for s in sources])
    centre_NN = np.eye(n) - 1 / n
    C = moved_NG.T @ centre_NN @ joined_NN @ centre_NN @ moved_NG
    expected = max(1.0, np.trace(C) ** 2 / np.square(C).sum())
    assert both.degrees == pytest.approx(expected, rel=1e-6)


def test_sources_of_as_many_questions_each_vary_as_their_sums_do() -> None:
    rng = np.random.default_rng(0)
    both = found(tuple((number,) for number in np.repeat(np.arange(6), 5).tolist()))
    values_SN = rng.normal(size=(2, 30))
    sums_SG = values_SN.reshape(2, 6, 5).sum(axis=2)
    assert np.allclose(both.covariance(values_SN), 6 * np.cov(sums_SG))
    assert both.degrees == pytest.approx(5)


def test_one_source_behind_most_questions_leaves_few_degrees() -> None:
    both = found(((0,),) * 60 + tuple((n,) for n in range(1, 41)))
    assert 1 <= both.degrees < 1.5


def test_one_source_in_common_is_as_good_as_all() -> None:
    values = np.array([[1.0, 1.0, -1.0, -1.0]])
    one, all_of_them = ((0, 1), (1, 2), (3, 4), (4, 5)), ((0, 1), (0, 1), (2, 3), (2, 3))
    assert found(one).covariance(values) == pytest.approx(16.0)
    assert found(all_of_them).covariance(values) == pytest.approx(16.0)


@pytest.mark.parametrize("sources", [(), TRIANGLE, TRIANGLE * 30, ((0,),) * 90], ids=len)
def test_where_every_two_questions_share_a_source_nothing_is_told(sources: Sources) -> None:
    assert clusters(sources) is None
    right = [n % 3 == 0 for n in range(len(sources) or 9)]
    wrong = [False] * len(right)
    assert design_effect(right, sources) == 1.0
    assert share_interval(right, sources) == wilson(sum(right), len(right))
    assert paired([wrong], [right], sources) == paired([wrong], [right])
    table = [np.array([right], dtype=float)]
    assert effect_interval(table, sources=[sources]) == effect_interval(table)


@pytest.mark.parametrize("each", [1, 2, 4])
def test_if_sources_make_no_difference_questions_are_worth_one_each(each: int) -> None:
    rng = np.random.default_rng(each)
    drawn = []
    for _ in range(200):
        both = found(evenly(each)(rng))
        drawn.append(both.covariance(rng.normal(size=(1, 240)))[0, 0] / 240)
    # A covariance that chance takes below 0 counts as 0, which lifts this mean by a little.
    assert 0.9 < np.mean(drawn) < 1.3


def test_few_sources_do_not_tell_well_how_far_they_move_a_mean() -> None:
    both = found(tuple((n % 4,) for n in range(40)))
    values_SN = np.random.default_rng(0).normal(size=(1, 40))
    moved_DS = both.draw(values_SN, 200_000, np.random.default_rng(0))
    error = np.sqrt(both.covariance(values_SN)[0, 0]) / 40
    low, high = np.quantile(moved_DS, [0.025, 0.975])
    assert high == pytest.approx(student.ppf(0.975, 3) * error, rel=0.02)
    assert low == pytest.approx(-high, rel=0.02)


def test_an_interval_is_as_wide_as_its_sources_are_few() -> None:
    """400 questions about 20 photographs, on each of which one method is always ahead."""
    photographs = np.repeat(np.arange(20), 20)
    table = np.where(photographs % 2, 1, -1)[None]
    sources = tuple((int(number),) for number in photographs)
    alone, together = effect_interval([table]), effect_interval([table], sources=[sources])
    assert alone.high - alone.low == pytest.approx(2 * 1.96 / 20, rel=0.1)
    assert together.high - together.low == pytest.approx(2 * 2.09 / 19**0.5, rel=0.1)


def test_where_questions_of_a_photograph_differ_it_stays() -> None:
    rng = np.random.default_rng(0)
    table = rng.choice([-1, 0, 1], (1, 400))
    sources = tuple((number,) for number in np.repeat(np.arange(40), 10).tolist())
    alone, together = effect_interval([table]), effect_interval([table], sources=[sources])
    assert together.high - together.low == pytest.approx(alone.high - alone.low, rel=0.3)


def leads(rng: np.random.Generator, sources: Sources) -> NDArray[np.float64]:
    """(1, N), two equal methods: which is ahead on a question is up to its photographs and luck."""
    gain = rng.normal(size=30)
    shown = np.array([gain[list(numbers)].sum() / len(numbers) ** 0.5 for numbers in sources])
    lead = 0.6 * shown + 0.8 * rng.normal(size=len(sources))
    return np.where(np.abs(lead) > 1, np.sign(lead), 0.0)[None]


@pytest.mark.parametrize(
    ("draw_sources", "naive_at_most"),
    [(evenly(1), 0.8), (evenly(2), 0.7), (evenly(4), 0.5), (unevenly, 0.7)],
    ids=["one", "two", "four", "uneven"],
)
def test_it_covers_the_truth_about_further_photographs(
    draw_sources: Asked, naive_at_most: float
) -> None:
    rng = np.random.default_rng(3)
    runs, covered, naive, found_one = 200, 0, 0, 0
    for run in range(runs):
        sources = draw_sources(rng)
        table = leads(rng, sources)
        together = effect_interval([table], draws=300, seed=run, sources=[sources])
        covered += together.low <= 0 <= together.high
        alone = effect_interval([table], draws=300, seed=run)
        naive += alone.low <= 0 <= alone.high
        found_one += paired((table < 0).tolist(), (table > 0).tolist(), sources).p_value < 0.05
    assert covered / runs >= 0.92
    assert found_one / runs <= 0.08
    assert naive / runs <= naive_at_most


def test_sources_of_other_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="2 questions have sources, 3 have answers"):
        effect_interval([np.ones((1, 3))], sources=[((0,), (1,))])


def test_the_wider_of_both_intervals_is_taken() -> None:
    """Two photographs that happen to agree say little, though their sums hardly differ."""
    rng = np.random.default_rng(14)
    table = rng.choice([-1.0, 0.0, 1.0], (1, 1000), p=[0.2, 0.5, 0.3])
    sources = tuple((n % 2,) for n in range(1000))
    alone, together = effect_interval([table]), effect_interval([table], sources=[sources])
    assert together.high - together.low >= alone.high - alone.low


def test_questions_are_worth_as_many_as_sources_tell_apart() -> None:
    """20 photographs, all 15 questions of one answered alike: 300 questions are worth about 20."""
    sources = tuple((number,) for number in np.repeat(np.arange(20), 15).tolist())
    wider = (student.ppf(0.975, 19) / 1.959964) ** 2
    alike = [number[0] % 2 == 0 for number in sources]
    assert design_effect(alike, sources) == pytest.approx(15 * 20 / 19 * wider)
    assert design_effect([index % 2 == 0 for index in range(300)], sources) == 1.0
    assert design_effect([True] * 300, sources) == pytest.approx(wider)


def test_many_questions_about_few_photographs_need_no_matrix_of_all_pairs() -> None:
    sources = tuple((n % 50,) for n in range(40_000))
    assert design_effect([n % 50 < 25 for n in range(40_000)], sources) > 700
    assert linked(sources)[:3] == (0, 1, 2)
