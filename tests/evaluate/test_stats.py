from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from livr.evaluate.stats import mcnemar, paired, wilson

outcomes = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(counts: tuple[int, int]) -> None:
    k, n = counts
    ours, theirs = wilson(k, n), binomtest(k, n).proportion_ci(method="wilson")
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)
    assert 0 <= ours.low <= k / n <= ours.high <= 1


@pytest.mark.parametrize(("k", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_impossible_counts(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="right answers"):
        wilson(k, n)


@given(outcomes)
def test_mcnemar_is_the_binomial_test(rows: list[tuple[bool, bool]]) -> None:
    a, b = [x for x, _ in rows], [y for _, y in rows]
    result = mcnemar(a, b)
    assert result.delta == pytest.approx((sum(b) - sum(a)) / len(rows))
    differing = result.only_a + result.only_b
    expected = binomtest(result.only_a, differing).pvalue if differing else 1.0
    assert result.p_value == pytest.approx(expected, abs=1e-12)
    assert mcnemar(b, a).p_value == pytest.approx(result.p_value)


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
        mcnemar(a, b)
