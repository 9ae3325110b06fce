"""Questions and pixels: kept features stand in for them, or they stay; memory stays small."""

from __future__ import annotations

import weakref
from pathlib import Path

import pytest
import torch
from tests import tiny
from tests.families import BUILDERS, REMOTE

import livr
from livr.analysis.check import check
from livr.analysis.inside.questions import Questions
from livr.analysis.laws import PIXELS_ONLY
from livr.data.example import Example
from livr.model.encoder import Encoder


@pytest.fixture(scope="module")
def swallows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose code takes features as it takes any argument it does not know."""
    return REMOTE(tmp_path_factory.mktemp("remote") / "pixels_only", pixels_only=True)


@pytest.fixture(scope="module")
def remote(swallows: Path) -> livr.Model:
    return livr.load(swallows, num_latents=3, seed=0, trust_remote_code=True)


def test_code_that_takes_no_features_is_asked_with_pixels(remote: livr.Model) -> None:
    assert not remote.can_keep_features
    one, two = (Questions(remote, tiny.examples(seed), 2) for seed in (0, 50))
    for mask in ("ordinary", "bottleneck"):
        assert ((one.next_logits(mask) - two.next_logits(mask)).abs().amax(1) > 1e-3).all()
        live = remote.generate(one.examples, mask, batch_size=2)
        assert [row.text for row in one.answers(mask)] == live
    first = torch.stack([x[0] for x in remote.logits(one.examples, batch_size=2)])
    torch.testing.assert_close(one.next_logits(), first, atol=1e-4, rtol=1e-4)


def test_the_laws_hold_on_code_that_takes_no_features(swallows, monkeypatch) -> None:
    def no_features(self, encoded):
        raise AssertionError("asked for image features")

    monkeypatch.setattr(livr.Model, "image_features", no_features)
    found = {f.law: f for f in check(str(swallows), trust_remote_code=True).findings}
    assert [f for f in found.values() if not f.holds] == []
    assert found["roles"].measured.endswith(PIXELS_ONLY)
    assert found["5 cached vision"].measured == PIXELS_ONLY


@pytest.fixture
def most_alive(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each question that is encoded: how many have had their pixels in memory."""
    pixels: list[weakref.ref[torch.Tensor]] = []
    counts: list[int] = []
    encode = Encoder.encode

    def counted(self: Encoder, example: Example, *rest: object) -> object:
        row = encode(self, example, *rest)
        pixels.append(weakref.ref(row.images["pixel_values"]))
        counts.append(sum(p() is not None for p in pixels))
        return row

    monkeypatch.setattr(Encoder, "encode", counted)
    return counts


def many() -> list[Example]:
    return [example for seed in range(0, 40, 10) for example in tiny.examples(seed)]


def test_pixels_of_one_question_are_in_memory_at_a_time(checkpoints, most_alive) -> None:
    model = livr.load(checkpoints("qwen2_5_vl"), num_latents=3, seed=0)
    questions = Questions(model, many(), 2)
    most_alive.clear()
    for use in ("keep", "drop"):
        list(questions.chunks(use))
    assert len(most_alive) == 24
    assert max(most_alive) <= 2
    list(questions.chunks())
    assert len(most_alive) == 24  # encoded once


def test_where_features_are_not_kept_pixels_are_read_a_chunk_at_a_time(remote, most_alive) -> None:
    questions = Questions(remote, many(), 2)
    most_alive.clear()
    for _ in range(2):
        for chunk in questions.chunks():
            assert len(chunk.prompts) == 2 and chunk.features is None
    assert len(most_alive) == 24
    assert max(most_alive) <= 5


@pytest.mark.parametrize("family", ["smolvlm", "idefics3"])
def test_kept_questions_hold_no_masks_of_pixels(family: str, tmp_path: Path) -> None:
    model = livr.load(BUILDERS[family](tmp_path / family), num_latents=3, seed=0)
    for chunk in Questions(model, tiny.examples(), 2).chunks():
        assert chunk.features
        assert [name for row in chunk.answered for name in row.images if "pixel" in name] == []
