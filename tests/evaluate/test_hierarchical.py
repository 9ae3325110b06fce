from __future__ import annotations

import numpy as np
import pytest

from livr.evaluate import hierarchical
from livr.evaluate.hierarchical import effect_interval, holm
from livr.evaluate.stats import paired_difference


def test_holm_by_hand() -> None:
    # 5 x 0.005, 4 x 0.01, 3 x 0.02, then never below what came before.
    assert holm([0.02, 0.005, 0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.025, 0.06, 0.04, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


def test_holm_is_between_nothing_and_bonferroni() -> None:
    values = np.random.default_rng(1).uniform(0, 0.2, 20).tolist()
    for raw, adjusted in zip(values, holm(values), strict=True):
        assert raw <= adjusted <= min(1.0, 20 * raw)


def test_no_effect_is_certain_after_few_questions() -> None:
    """Where nothing varies the interval is Agresti and Min's, that of half a question each."""
    for n in (10, 40, 200):
        found = effect_interval([np.zeros((2, n))], draws=20_000)
        expected = paired_difference([True] * n, [True] * n)
        assert found.high == pytest.approx(expected.high, rel=0.35)
        assert found.low == pytest.approx(-found.high)
    certain = effect_interval([np.full((3, 40), 1), np.full((2, 7), 1)])
    assert 0.8 < certain.low < certain.high == 1.0


def test_without_tasks_and_seeds_it_is_the_ordinary_bootstrap() -> None:
    table = np.array([[1] * 30 + [0] * 70])
    found = effect_interval([table], draws=20_000)
    half = 1.96 * (0.3 * 0.7 / 100) ** 0.5
    assert found.low == pytest.approx(0.3 - half, abs=0.015)
    assert found.high == pytest.approx(0.3 + half, abs=0.015)


def test_tasks_that_disagree_make_it_wider() -> None:
    rng = np.random.default_rng(0)
    alike = [rng.choice([0, 1], (3, 400), p=[0.9, 0.1]) for _ in range(6)]
    apart = [rng.choice([0, 1], (3, 400), p=[1 - p, p]) for p in (0, 0, 0, 0.2, 0.2, 0.2)]
    narrow, wide = effect_interval(alike), effect_interval(apart)
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_more_seeds_that_disagree_are_not_taken_for_more_questions() -> None:
    rng = np.random.default_rng(0)
    by_seed = np.stack([rng.choice([0, 1], 1000, p=[1 - p, p]) for p in (0.0, 0.3, 0.0, 0.3)])
    pooled = by_seed.reshape(1, -1)
    wide, narrow = effect_interval([by_seed]), effect_interval([pooled])
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_it_covers_the_truth_about_as_often_as_it_says() -> None:
    """Simulated grids with variation at all three levels around a known mean effect."""
    rng = np.random.default_rng(7)
    truth, runs, covered, naive = 0.05, 150, 0, 0
    for run in range(runs):
        tables = []
        for _ in range(9):
            task = truth + rng.normal(0, 0.05)
            seeds = np.clip(task + rng.normal(0, 0.02, 5), -0.4, 0.4)[:, None]
            up = np.clip(0.2 + seeds / 2, 0, 1)
            down = np.clip(0.2 - seeds / 2, 0, 1)
            draw = rng.uniform(size=(5, 80))
            tables.append((draw < up).astype(int) - (draw > 1 - down).astype(int))
        found = effect_interval(tables, draws=400, seed=run)
        covered += found.low <= truth <= found.high
        flat = np.concatenate([t.ravel() for t in tables])
        half = 1.96 * flat.std() / len(flat) ** 0.5
        naive += abs(flat.mean() - truth) <= half
    assert 0.87 <= covered / runs <= 0.99
    # What it is for: questions taken as all there is to vary are far too sure.
    assert naive / runs < 0.8


def test_the_seed_fixes_the_interval() -> None:
    table = np.random.default_rng(0).integers(-1, 2, (3, 50))
    assert effect_interval([table] * 3) == effect_interval([table] * 3)


def test_what_is_kept_of_a_draw_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    tables = [rng.integers(-1, 2, (seeds, 50)) for seeds in (1, 3)]
    sources = [tuple((n // 5,) for n in range(50)), ()]
    monkeypatch.setattr(hierarchical, "MOST_KEPT", 0)
    anew = effect_interval(tables, sources=sources)
    monkeypatch.undo()
    kept = [effect_interval(tables, sources=sources) for _ in range(2)]
    assert kept == [anew, anew]
    assert effect_interval(tables[::-1], sources=sources[::-1]) != anew


def test_nothing_cannot_be_resampled() -> None:
    for nothing in ([], [np.zeros((0, 3))], [np.zeros(3)]):
        with pytest.raises(ValueError, match="nothing"):
            effect_interval(nothing)
