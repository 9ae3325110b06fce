"""Replaced content where there is hardly any to replace it with."""

from __future__ import annotations

from tests.analysis.audit.asked import question

import livr
from livr.analysis.audit import content
from livr.analysis.audit.case import Case
from livr.analysis.inside.questions import Questions


def test_of_one_question_there_is_no_noise_and_no_mean(checkpoints, monkeypatch) -> None:
    """`livr audit --limit 1`: a spread over one row is not a number."""
    put_in = []
    replacing = content.replacing
    monkeypatch.setattr(
        content, "replacing", lambda model, new: put_in.append(new) or replacing(model, new)
    )
    model = livr.load(checkpoints("qwen3_vl"), num_latents=3, seed=0)
    alone = Case(Questions(model, [question(1, "1")], 2))
    found = {f.name: f for f in content.run(alone)}
    assert all(part.isfinite().all() for new in put_in for part in new.parts)
    for name in ("content.mean", "content.mean.bottleneck", "content.noise"):
        assert (found[name].verdict, found[name].value) == ("info", None)
        assert (found[name].measured, found[name].healthy) == ("1 question", "needs 2 questions")
    assert found["content.zeros"].n == found["content.blank"].n == 1
    two = Case(Questions(model, [question(1, "1"), question(2, "2")], 2))
    assert {f.name: f.n for f in content.run(two)}["content.noise"] == 2
