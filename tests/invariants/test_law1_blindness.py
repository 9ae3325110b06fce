"""Law 1: under the bottleneck the image reaches the answer through the latents and only so."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import livr.model.load as loading
from livr.data.example import Example
from livr.errors import ConfigError
from livr.model.encoder import Encoded
from livr.model.model import Model
from tests import tiny

BLIND = ("bottleneck", "latents_unprompted")


@pytest.fixture(params=tiny.FAMILIES)
def model(request: pytest.FixtureRequest, checkpoints) -> Model:
    return loading.load(checkpoints(request.param), num_latents=4, seed=0)


def other_pixels(examples: list[Example]) -> list[Example]:
    """The same questions about other images of equal sizes."""
    return [
        e.model_copy(
            update={
                "images": tuple(tiny.picture(900 + i, im.size) for i, im in enumerate(e.images))
            }
        )
        for e in examples
    ]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("evaluation", ["mask", "pieces"])
@pytest.mark.parametrize("mask", BLIND)
def test_without_latents_pixels_change_nothing_bit_for_bit(model, mask, evaluation, side) -> None:
    asked = tiny.examples()
    options = {"mask": mask, "latents": "drop", "side": side, "evaluation": evaluation}
    before = model.logits(asked, **options)
    after = model.logits(other_pixels(asked), **options)
    for one, two in zip(before, after, strict=True):
        assert torch.isfinite(one).all()
        assert torch.equal(one, two)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("evaluation", ["mask", "pieces"])
@pytest.mark.parametrize("mask", BLIND)
def test_with_latents_pixels_are_seen(model, mask, evaluation, side) -> None:
    asked = tiny.examples()
    options = {"mask": mask, "side": side, "evaluation": evaluation}
    before = model.logits(asked, **options)
    after = model.logits(other_pixels(asked), **options)
    for one, two in zip(before, after, strict=True):
        assert (one - two).abs().max() > 1e-4


@pytest.mark.parametrize("mask", ["ordinary", "answer_blind"])
def test_other_rules_see_without_latents(model, mask) -> None:
    asked = tiny.examples()
    before = model.logits(asked, mask=mask, latents="drop")
    after = model.logits(other_pixels(asked), mask=mask, latents="drop")
    for one, two in zip(before, after, strict=True):
        assert (one - two).abs().max() > 1e-4


def test_generation_is_blind_too(model) -> None:
    asked = tiny.examples()
    options = {"mask": "bottleneck", "latents": "drop", "max_new_tokens": 6}
    assert model.generate(asked, **options) == model.generate(other_pixels(asked), **options)


def test_generation_follows_the_rule_step_by_step(model) -> None:
    """Greedy decoding with a cache equals teacher forcing its own output under the same rule."""
    for mask in ("ordinary", "bottleneck"):
        for prompt in model.encode(tiny.examples(), "keep", answer=False):
            ids: list[int] = []
            while len(ids) < 4 and ids[-1:] != [model.encoder.end_of_turn]:
                ids.append(next_token(model, prompt, ids, mask))
            said = model.tokenizer.decode(ids, skip_special_tokens=True).strip()
            assert model.generate_encoded([prompt], mask, max_new_tokens=4) == [said]


@torch.no_grad()
def next_token(model: Model, prompt: Encoded, ids: list[int], mask: str) -> int:
    """The likeliest next token after `ids`, from a forward pass over everything so far."""
    ids_T = torch.cat([prompt.ids_T, torch.tensor(ids, dtype=torch.long)])
    types_T = torch.cat([prompt.types_T, torch.zeros(len(ids), dtype=torch.long)])
    batch = model.batch([replace(prompt, ids_T=ids_T, types_T=types_T)])
    with model.rule(mask, batch):
        scores = model.hf(**batch.inputs).logits[0, -1]
    scores[list(model.latents.ids)] = -torch.inf
    return int(scores.argmax())


def test_an_unknown_rule_is_one_clear_message(model) -> None:
    with pytest.raises(ConfigError, match="choose one of ordinary, bottleneck"):
        model.logits(tiny.examples(), mask="blindfold")
