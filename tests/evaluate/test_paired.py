from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from livr.evaluate.paired import paired, paired_over
from livr.evaluate.shared import Sources

outcomes = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


@given(outcomes)
def test_with_one_seed_it_is_the_binomial_test(rows: list[tuple[bool, bool]]) -> None:
    a, b = [x for x, _ in rows], [y for _, y in rows]
    result = paired([a], [b])
    assert result.delta == pytest.approx((sum(b) - sum(a)) / len(rows))
    differing = result.only_a + result.only_b
    expected = binomtest(result.only_a, differing).pvalue if differing else 1.0
    assert result.p_value == pytest.approx(expected, abs=1e-12)
    assert paired([b], [a]).p_value == pytest.approx(result.p_value)


@given(st.lists(st.tuples(*[st.booleans()] * 4), min_size=1, max_size=7))
def test_the_pooled_test_enumerates_signs(columns: list[tuple[bool, bool, bool, bool]]) -> None:
    a = [[c[0] for c in columns], [c[1] for c in columns]]
    b = [[c[2] for c in columns], [c[3] for c in columns]]
    scores = [c[2] + c[3] - c[0] - c[1] for c in columns]
    sums = [sum(s * v for s, v in zip(signs, scores, strict=True))
            for signs in product((-1, 1), repeat=len(scores))]  # fmt: skip
    expected = sum(abs(total) >= abs(sum(scores)) for total in sums) / len(sums)
    assert paired(a, b).p_value == pytest.approx(expected)


def test_repeating_a_run_adds_no_evidence() -> None:
    a, b = [False] * 6 + [True] * 4, [True] * 10
    once, thrice = paired([a], [b]), paired([a] * 3, [b] * 3)
    assert thrice.p_value == pytest.approx(once.p_value) == pytest.approx(2 / 2**6)
    assert thrice.only_b == 3 * once.only_b == 18
    assert thrice.delta == once.delta


@pytest.mark.parametrize(("a", "b"), [([], []), ([True], [True, False])])
def test_only_results_of_the_same_questions_are_paired(a: list[bool], b: list[bool]) -> None:
    with pytest.raises(ValueError, match="cannot pair"):
        paired([a], [b])


def test_tasks_of_one_size_are_tested_as_one_set_of_questions() -> None:
    a, b = [[True, False, False]], [[True, True, True]]
    c, d = [[False, False, True]], [[True, True, True]]
    both = paired_over([(a, b), (c, d)])
    joined = paired([[*a[0], *c[0]]], [[*b[0], *d[0]]])
    assert (both.n, both.only_b, both.p_value) == (6, 4, joined.p_value) == (6, 4, 0.125)


def test_each_task_counts_once_however_many_questions_it_has() -> None:
    a, b = [[True, False, False]], [[True, True, True]]
    c, d = [[False] * 2], [[True] * 2]
    both = paired_over([(a, b), (c, d)])
    assert (both.n, both.only_b) == (5, 4)
    assert both.delta == pytest.approx((2 / 3 + 1) / 2)
    # Only all four signs alike go as far: 2 of 16 choices.
    assert both.p_value == pytest.approx(0.125, abs=0.005)
    # One question that weighs as much as six: the sum has the sign of that one.
    one, many = ([[False]], [[True]]), ([[True] * 6], [[False] * 6])
    assert paired_over([one, many]).p_value == pytest.approx(1.0, abs=0.001)
    with pytest.raises(ValueError, match="nothing"):
        paired_over([])


def of_photographs(number: int, questions: int) -> Sources:
    return tuple((photograph,) for photograph in range(number) for _ in range(questions))


def test_questions_about_one_photograph_say_it_together() -> None:
    a, b = [[False] * 8 + [True] * 2], [[True] * 10]
    once = paired([[False] * 4 + [True]], [[True] * 5])
    twice = paired(a, b, of_photographs(5, 2))
    assert twice.p_value == pytest.approx(once.p_value) == pytest.approx(2 / 2**4)
    assert paired(a, b).p_value == pytest.approx(2 / 2**8)
    assert paired(a, b, tuple((n,) for n in range(10))).p_value == paired(a, b).p_value


def test_few_photographs_do_not_make_chance_look_like_a_gain() -> None:
    """Two equal methods, each ahead on all questions of some photographs: p < 0.05 is rare."""
    rng = np.random.default_rng(0)
    sources = of_photographs(20, 15)
    alone, together = 0, 0
    for _ in range(200):
        ahead = np.repeat(rng.integers(0, 2, 20), 15).astype(bool)
        a, b = [ahead.tolist()], [(~ahead).tolist()]
        alone += paired(a, b).p_value < 0.05
        together += paired(a, b, sources).p_value < 0.05
    assert together <= 0.05 * 200 + 2 * (200 * 0.05 * 0.95) ** 0.5
    assert alone > 0.3 * 200


@given(outcomes.flatmap(lambda rows: st.tuples(st.just(rows), st.integers(1, len(rows)))))
def test_what_is_shared_never_makes_p_smaller(
    drawn: tuple[list[tuple[bool, bool]], int],
) -> None:
    rows, number = drawn
    a, b = [[x for x, _ in rows]], [[y for _, y in rows]]
    sources = tuple((n % number,) for n in range(len(rows)))
    assert paired(a, b, sources).p_value >= paired(a, b).p_value


def test_questions_of_several_sources_go_with_each_of_them() -> None:
    """Two equal methods; which is ahead on a question is up to its two photographs."""
    rng = np.random.default_rng(0)
    alone, together = 0, 0
    for _ in range(200):
        which = [tuple(rng.choice(30, 2, replace=False).tolist()) for _ in range(300)]
        leaning = rng.normal(size=30)
        ahead = [bool(leaning[a] + leaning[b] > 0) for a, b in which]
        before, after = [ahead], [[not x for x in ahead]]
        alone += paired(before, after).p_value < 0.05
        together += paired(before, after, tuple(which)).p_value < 0.05
    # With 30 sources the error itself is known roughly: a little more than 5 %.
    assert together <= 0.1 * 200
    assert alone > 0.3 * 200


def test_a_large_effect_on_questions_of_several_sources_is_seen() -> None:
    rng = np.random.default_rng(0)
    sources = tuple(tuple(rng.choice(30, 3, replace=False).tolist()) for _ in range(200))
    after = rng.random(200) < 0.2
    found = paired([[False] * 200], [after.tolist()], sources)
    assert found.p_value < 0.001


def test_tasks_with_and_without_sources_are_tested_together() -> None:
    table = ([[False] * 6], [[True] * 6])
    known = of_photographs(2, 3)
    # Signs of 2 photographs, three questions each, and of 6 questions: all alike in 2 of 2**8.
    assert paired_over([table, table], [known, ()]).p_value == pytest.approx(2 / 2**8)
    half = ([[False] * 6], [[True] * 3 + [False] * 3])
    several: Sources = ((0, 1), (0, 1), (0, 2), (3,), (3,), (4,))
    alone = paired_over([half, half])
    assert paired_over([half, half], [several, ()]).p_value > alone.p_value
    with pytest.raises(ValueError, match="5 questions have sources, 6 have answers"):
        paired_over([table], [((0,), (0,), (1,), (1,), (1,))])
