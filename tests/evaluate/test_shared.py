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
from livr.evaluate.shared import as_text, design_effect, draw, from_text, numbered, shared_sources
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


def test_one_source_each_is_the_bootstrap_of_clusters() -> None:
    sources = ((0,), (0,), (1,), (2,))
    surplus_DN = 4 * draw(np.eye(4), sources, 500, np.random.default_rng(0))
    times_DN = 1 + surplus_DN / np.sqrt(3 / 2)  # without the correction for few sources
    assert np.allclose(times_DN, times_DN.round())
    assert np.array_equal(times_DN[:, 0], times_DN[:, 1])
    assert np.allclose(times_DN[:, [0, 2, 3]].sum(axis=1), 3)


def test_questions_move_together_as_far_as_they_share() -> None:
    sources = ((0, 1), (1, 2), (0, 1), (3,), *((n,) for n in range(4, 40)))
    one_each = 40 * np.eye(40)
    found = np.cov(draw(one_each, sources, 100_000, np.random.default_rng(0)).T)
    assert np.allclose(np.diag(found), 1, atol=0.05)
    assert found[0, 1] == pytest.approx(0.5, abs=0.05)
    assert found[0, 2] == pytest.approx(1, abs=0.05)
    assert found[0, 3] == pytest.approx(0, abs=0.06)


def test_an_interval_is_as_wide_as_its_sources_are_few() -> None:
    """400 questions about 20 photographs, on each of which one method is always ahead."""
    photographs = np.repeat(np.arange(20), 20)
    table = np.where(photographs % 2, 1, -1)[None]
    sources = tuple((int(number),) for number in photographs)
    alone, together = effect_interval([table]), effect_interval([table], sources=[sources])
    assert alone.high - alone.low == pytest.approx(2 * 1.96 / 20, rel=0.1)
    assert together.high - together.low == pytest.approx(2 * 1.96 / 19**0.5, rel=0.1)


def test_where_questions_of_a_photograph_differ_it_stays() -> None:
    rng = np.random.default_rng(0)
    table = rng.choice([-1, 0, 1], (1, 400))
    sources = tuple((number,) for number in np.repeat(np.arange(40), 10).tolist())
    alone, together = effect_interval([table]), effect_interval([table], sources=[sources])
    assert together.high - together.low == pytest.approx(alone.high - alone.low, rel=0.3)


@pytest.mark.parametrize("several", [False, True])
def test_it_covers_the_truth_about_further_photographs(several: bool) -> None:
    rng = np.random.default_rng(3)
    truth, runs, covered, naive = 0.1, 200, 0, 0
    for run in range(runs):
        gain = truth + rng.normal(0, 0.35, 30)
        shown = [
            tuple(rng.choice(30, 2, replace=False).tolist()) if several and i % 2 else (i % 30,)
            for i in range(240)
        ]
        chance = np.array([gain[list(numbers)].mean() for numbers in shown])
        up = rng.uniform(size=240) < np.clip(chance, 0, 1)
        down = rng.uniform(size=240) < np.clip(-chance, 0, 1)
        table = (up.astype(int) - down.astype(int))[None]
        low_high = effect_interval([table], draws=300, seed=run, sources=[tuple(shown)])
        covered += low_high.low <= truth <= low_high.high
        alone = effect_interval([table], draws=300, seed=run)
        naive += alone.low <= truth <= alone.high
    assert covered / runs >= 0.9
    assert naive / runs <= (0.75 if not several else 0.85)


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
