"""Questions that share a source picture are known as such."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import t as student
from tests import tiny

import livr
from livr.data.example import Example
from livr.data.store import write_dataset
from livr.evaluate.score import Prediction, read_predictions, score, sources_of, write_predictions
from livr.evaluate.shared import as_text, from_text, numbered, shared_sources
from livr.evaluate.stats import wilson


def asked(number: int, *images: Any, **more: Any) -> Example:
    return Example(id=f"q{number}", images=images, question="Which?", answer="x", **more)


def test_sources_are_what_the_row_names() -> None:
    rows = [asked(0, "a.png", sources=("part 1", "part 2")), asked(1, "a.png", sources=("part 2",))]
    assert shared_sources(rows) == [("part 1", "part 2"), ("part 2",)]


def test_without_names_image_files_are_the_sources_and_no_path_is_told() -> None:
    rows = [asked(0, "/disk/a.png", "/disk/b.png"), asked(1, "/disk/b.png"), asked(2)]
    assert shared_sources(rows) == [("image 0", "image 1"), ("image 1",), ("q2",)]


def test_who_gives_latents_to_a_question_is_a_source_of_its_answer() -> None:
    rows, donors = [asked(0, "a.png"), asked(1, "b.png")], [asked(2, "c.png")] * 2
    assert shared_sources(rows, donors) == [("image 0", "image 1"), ("image 2", "image 1")]
    assert shared_sources(rows, rows[::-1]) == [("image 0", "image 1"), ("image 1", "image 0")]
    assert shared_sources(rows, rows) == [(), ()]


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


def test_a_score_has_an_interval_for_other_sources() -> None:
    def judged(number: int, correct: bool, *sources: str) -> Prediction:
        return Prediction(id=f"{number}", prediction="x", answer="x", correct=correct, text="x",
                          sources=sources)  # fmt: skip

    rows = [judged(i, i < 60, f"photo {i // 10}") for i in range(100)]
    found = score(rows).by_source
    assert found is not None
    assert found.n == 10
    worth = 100 / (10 * 10 / 9 * (student.ppf(0.975, 9) / 1.959964) ** 2)
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
