"""Questions that share a source picture are known as such, and drawn together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import tiny

import livr
from livr.data.example import Example
from livr.data.store import write_dataset
from livr.evaluate.hierarchical import effect_interval
from livr.evaluate.score import Prediction, read_predictions, score, sources_of, write_predictions
from livr.evaluate.shared import (
    as_text,
    covariance,
    design_effect,
    draw,
    from_text,
    numbered,
    shared_sources,
)
from livr.evaluate.stats import wilson


def asked(number: int, *images: Any, **more: Any) -> Example:
    return Example(id=f"q{number}", images=images, question="Which?", answer="x", **more)


def test_sources_are_what_the_row_names() -> None:
    rows = [asked(0, "a.png", sources=("part 1", "part 2")), asked(1, "a.png", sources=("part 2",))]
    assert shared_sources(rows) == [("part 1", "part 2"), ("part 2",)]


def test_without_names_image_files_are_the_sources_and_no_path_is_told() -> None:
    rows = [asked(0, "/disk/a.png", "/disk/b.png"), asked(1, "/disk/b.png"), asked(2)]
    assert shared_sources(rows) == [("image 0", "image 1"), ("image 1",), ("q2",)]


def test_nothing_is_said_where_nothing_is_shared() -> None:
    picture = tiny.picture(0)
    for rows in (
        [],
        [asked(0, "a.png"), asked(1, "b.png")],
        [asked(0, picture), asked(1, picture)],
    ):
        assert shared_sources(rows) == [()] * len(rows)


def test_the_short_text_is_read_again() -> None:
    sources = numbered([("b",), ("a", "b"), ("c",)])
    assert sources == ((0,), (1, 0), (2,))
    assert from_text(as_text(sources)) == sources
    with pytest.raises(ValueError, match="int"):
        from_text("0.x 1")


def test_sources_of_as_many_questions_each_vary_as_their_sums_do() -> None:
    rng = np.random.default_rng(0)
    sources = tuple((number,) for number in np.repeat(np.arange(6), 5).tolist())
    values_SN = rng.normal(size=(2, 30))
    sums_SG = values_SN.reshape(2, 6, 5).sum(axis=2)
    assert np.allclose(covariance(values_SN, sources), 6 * np.cov(sums_SG))


def test_one_source_in_common_is_as_good_as_all() -> None:
    values = np.array([[1.0, 1.0, -1.0, -1.0]])
    one = ((0, 1), (1, 2), (3, 4), (4, 5))
    both = ((0, 1), (0, 1), (2, 3), (2, 3))
    assert covariance(values, one) == covariance(values, both) == pytest.approx(16.0)


def test_where_every_two_questions_share_a_source_nothing_is_told() -> None:
    triangle = ((0, 1), (1, 2), (0, 2))
    assert not covariance(np.array([[1.0, 0.0, 5.0]]), triangle).any()
    assert design_effect([True, False, False], triangle) == 1.0


@pytest.mark.parametrize("each", [1, 2, 4])
def test_if_sources_make_no_difference_questions_are_worth_one_each(each: int) -> None:
    rng = np.random.default_rng(each)
    found = []
    for _ in range(300):
        shown = [tuple(rng.choice(30, each, replace=False).tolist()) for _ in range(100)]
        found.append(covariance(rng.normal(size=(1, 100)), tuple(shown))[0, 0] / 100)
    # A covariance that chance takes below 0 counts as 0, which lifts this mean by a little.
    assert 0.9 < np.mean(found) < 1.15


def test_few_sources_do_not_tell_well_how_far_they_move_a_mean() -> None:
    sources = tuple((n % 4,) for n in range(40))
    values_SN = np.random.default_rng(0).normal(size=(1, 40))
    moved_DS = draw(values_SN, sources, 200_000, np.random.default_rng(0))
    error = np.sqrt(covariance(values_SN, sources)[0, 0]) / 40
    low, high = np.quantile(moved_DS, [0.025, 0.975])
    assert high == pytest.approx(3.182 * error, rel=0.02)  # Student's t with 3 degrees
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


@pytest.mark.parametrize(("each", "naive_at_most"), [(1, 0.8), (2, 0.7), (4, 0.5)])
def test_it_covers_the_truth_about_further_photographs(each: int, naive_at_most: float) -> None:
    """30 photographs that differ in how much one method is ahead, `each` of them per question."""
    rng = np.random.default_rng(3)
    runs, covered, naive = 200, 0, 0
    for run in range(runs):
        gain = rng.normal(size=30)
        shown = [tuple(rng.choice(30, each, replace=False).tolist()) for _ in range(240)]
        lead = np.array([gain[list(numbers)].sum() for numbers in shown]) / each**0.5
        lead = 0.6 * lead + 0.8 * rng.normal(size=240)
        table = np.where(np.abs(lead) > 1, np.sign(lead), 0)[None]
        together = effect_interval([table], draws=300, seed=run, sources=[tuple(shown)])
        covered += together.low <= 0 <= together.high
        alone = effect_interval([table], draws=300, seed=run)
        naive += alone.low <= 0 <= alone.high
    assert covered / runs >= 0.9
    assert naive / runs <= naive_at_most


def test_questions_of_one_photograph_are_drawn_one_by_one() -> None:
    table = np.random.default_rng(0).choice([0, 1], (2, 50))
    assert effect_interval([table], sources=[((0,),) * 50]) == effect_interval([table])


def test_sources_of_other_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="2 questions have sources, 3 have answers"):
        effect_interval([np.ones((1, 3))], sources=[((0,), (1,))])


def test_questions_are_worth_as_many_as_sources_tell_apart() -> None:
    """20 photographs, all 15 questions of one answered alike: 300 questions are worth about 20."""
    sources = tuple((number,) for number in np.repeat(np.arange(20), 15).tolist())
    alike = [number[0] % 2 == 0 for number in sources]
    assert design_effect(alike, sources) == pytest.approx(15 * 20 / 19)
    mixed = [index % 2 == 0 for index in range(300)]
    assert design_effect(mixed, sources) == 1.0
    assert design_effect([True] * 300, sources) == 1.0


def test_a_score_has_an_interval_for_other_sources() -> None:
    def judged(number: int, correct: bool, *sources: str) -> Prediction:
        return Prediction(id=f"{number}", prediction="x", answer="x", correct=correct, text="x",
                          sources=sources)  # fmt: skip

    rows = [judged(i, i < 60, f"photo {i // 10}") for i in range(100)]
    found = score(rows).by_source
    assert found is not None
    assert found.n == 10
    worth = 100 / (10 * 10 / 9)
    assert found.ci95 == pytest.approx((wilson(0.6 * worth, worth).low,
                                        wilson(0.6 * worth, worth).high))  # fmt: skip
    assert sources_of([*rows[:2], judged(100, True)]) == ((0,), (0,), (1,))
    assert score(rows).fields()["by_source"] == {"n": 10, "ci95": found.ci95}
    each = [judged(i, i < 60, f"photo {i}") for i in range(100)]
    for alone in ([judged(i, i < 60) for i in range(100)], rows[:10], each):
        assert "by_source" not in score(alone).fields()


def test_an_evaluation_notes_what_is_shared(
    tmp_path: Path, checkpoints, livr_command: Callable[..., tuple[int, str, str]]
) -> None:
    rows = [tiny_row.model_copy(update={"sources": (f"part {index // 2}",)})
            for index, tiny_row in enumerate(tiny.examples())]  # fmt: skip
    write_dataset(tmp_path / "set", {"test": rows})
    result = livr.evaluate(checkpoints("qwen3_vl"), tmp_path / "set")
    file = tmp_path / "predictions.jsonl"
    write_predictions(file, result.predictions)
    assert [row.sources for row in read_predictions(file)] == [row.sources for row in rows]
    code, out, _ = livr_command("eval", checkpoints("qwen3_vl"), "--data", tmp_path / "set")
    assert code == 0
    assert "(the questions share 2)" in next(x for x in out.splitlines() if x.startswith("other s"))
