"""The shortcut figures see a leak, and stay quiet without one."""

from __future__ import annotations

import random

from livr.data.shortcuts import Clue, measure


def clues(count: int, leak: float, seed: int) -> list[Clue]:
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        answer = rng.choice("AB")
        larger = answer if rng.random() < leak else rng.choice("AB")
        rows.append(Clue(answer, {"area": (2.0, 1.0) if larger == "A" else (1.0, 2.0)}))
    return rows


def test_a_leak_is_flagged() -> None:
    scores = measure({"train": clues(400, 0.5, 1), "test": clues(400, 0.5, 2)}, 0.5)
    assert not scores["area"]["ok"]
    assert scores["area"]["accuracy"] > 0.65
    assert scores["majority_answer"]["ok"]


def test_the_smaller_value_may_be_the_leak() -> None:
    flipped = {
        split: [Clue("B" if c.answer == "A" else "A", c.features) for c in clues(300, 0.6, seed)]
        for split, seed in (("train", 3), ("test", 4))
    }
    assert not measure(flipped, 0.5)["area"]["ok"]


def test_a_fair_set_passes() -> None:
    scores = measure({"train": clues(400, 0.0, 5), "test": clues(400, 0.0, 6)}, 0.5)
    assert all(score["ok"] for score in scores.values())


def test_an_unbalanced_answer_is_flagged() -> None:
    rows = {split: [Clue("A", {})] * 50 for split in ("train", "test")}
    assert not measure(rows, 0.5)["majority_answer"]["ok"]


def test_one_split_alone_gives_no_figure() -> None:
    assert measure({"train": clues(10, 0.0, 1)}, 0.5) == {}
