"""Who gives latents to a question, and what chance makes of it."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from tests import tiny
from tests.analysis.audit.asked import about_photographs, question

from livr.analysis.audit import content, transplant
from livr.analysis.audit.case import Case, partners
from livr.analysis.audit.finding import fall, judge_effect
from livr.evaluate.score import Prediction
from livr.evaluate.shared import sources_among


def test_partners_have_the_same_form_and_other_images() -> None:
    asked = [question(i, str(i % 3), images=1 + i % 2) for i in range(12)]
    asked.append(question(99, "1", images=3))
    found = partners(asked, seed=0)
    assert set(found) == set(range(12))
    assert all(i != j and len(asked[i].images) == len(asked[j].images) for i, j in found.items())
    different = partners(asked, seed=0, other_answer=True)
    assert all(asked[i].answer != asked[j].answer for i, j in different.items())
    assert partners(asked, seed=0) == found


def test_partners_prefer_the_same_words() -> None:
    asked = [question(i, str(i), "How many fish?" if i % 2 else "How many?") for i in range(8)]
    assert all(i % 2 == j % 2 for i, j in partners(asked, seed=1).items())


def test_partners_show_something_else_and_take_turns() -> None:
    asked = [
        e.model_copy(update={"images": (tiny.picture(i),), "task": "t"})
        for i, e in enumerate(about_photographs(5, 6))
    ]
    found = partners(asked, seed=0)
    assert all(asked[i].sources != asked[j].sources for i, j in found.items())
    assert max(Counter(found.values()).values()) <= 2
    alone = partners(asked[:6], seed=0)  # nothing else is there
    assert len(alone) == 6 and all(i != j for i, j in alone.items())


def test_latents_that_know_nothing_are_rarely_followed_by_chance() -> None:
    """One donor serves several questions, and what it makes of them is one draw, not several."""
    rng = np.random.default_rng(0)
    asked = [question(i, "yes" if i % 5 else "no") for i in range(100)]
    followed = naive = 0
    for seed in range(200):
        partner = partners(asked, seed, other_answer=True)
        says = rng.random((2, 100)) < 0.8  # whoever gives or keeps latents says yes that often
        given = [bool(says[0, j]) == (asked[j].answer == "yes") for j in partner.values()]
        kept = [bool(says[1, i]) == (asked[j].answer == "yes") for i, j in partner.items()]
        donors = [asked[j] for j in partner.values()]
        sources = sources_among([asked[i] for i in partner], donors)
        followed += judge_effect(fall(given, kept, sources).interval) == "pass"
        naive += judge_effect(fall(given, kept).interval) == "pass"
    assert followed <= 0.05 * 200
    assert naive > 0.05 * 200


@pytest.mark.parametrize("part", ["transplant", "content.other"])
def test_the_donor_counts_as_a_source_of_the_answer(monkeypatch, part: str) -> None:
    module = {"transplant": transplant, "content.other": content}[part]
    examples = [
        e.model_copy(update={"answer": "yn"[i % 2], "images": (tiny.picture(i),)})
        for i, e in enumerate(about_photographs(10, 2))
    ]
    answers = [Prediction(id=e.id, prediction="y", answer=e.answer, correct=True, text="y")
               for e in examples]  # fmt: skip
    questions = SimpleNamespace(
        examples=examples, model=None, answers=lambda *_, edit=None: answers
    )
    case = Case(questions)
    case._read["ordinary"] = type("Held", (list,), {"take": lambda self, _: self})(examples)
    shown = []

    def watched(before, after, sources=()):
        shown.append(sources)
        return fall(before, after, sources)

    monkeypatch.setattr(module, "replacing", lambda *_: None)
    monkeypatch.setattr(module, "fall", watched)
    if module is transplant:
        transplant._transplant(case, "ordinary", partners(examples, 0, other_answer=True))
    else:
        content._replace(case, "ordinary", "other")
    (sources,) = shown
    assert len(sources) == 20
    assert all(len(own) == 2 for own in sources)  # its photograph and the donor's
