"""Reading and replacing what is inside a model: exact where it must be, local where it must be."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests import tiny

import livr.model.load as loading
from livr.analysis.inside import latents, states, weights
from livr.analysis.inside.questions import Questions
from livr.config import LoraConfig
from livr.method.roles import Role
from livr.model.adapter import add_lora
from livr.model.model import Model

RULES = ("ordinary", "bottleneck")


def asked(
    family: str, checkpoints: Any, batch_size: int = 2, placement: str = "after"
) -> Questions:
    config = loading.LatentsConfig(num=4, placement=placement)
    model = loading.load(checkpoints(family), latents=config, seed=0)
    return Questions(model, [*tiny.examples(), *tiny.examples(50)], batch_size)


@pytest.fixture(params=tiny.FAMILIES)
def questions(request: pytest.FixtureRequest, checkpoints) -> Questions:
    return asked(request.param, checkpoints)


@pytest.mark.parametrize("mask", RULES)
def test_own_content_put_back_changes_nothing_bit_for_bit(questions, mask) -> None:
    content = latents.read(questions, mask)
    plain = questions.next_logits(mask)
    again = questions.next_logits(mask, edit=latents.replacing(questions.model, content))
    assert torch.equal(plain, again)
    assert not any(m._forward_hooks for m in latents.projections(questions.model))


def test_own_content_through_adapters_and_before_the_question(checkpoints) -> None:
    questions = asked("qwen3_vl", checkpoints, placement="before")
    add_lora(questions.model, LoraConfig(dropout=0.0))
    torch.manual_seed(0)
    for name, weight in questions.model.hf.named_parameters():
        if "lora_B" in name:
            weight.data.normal_(0, 0.1)
    edit = latents.replacing(questions.model, latents.read(questions))
    assert torch.equal(questions.next_logits(), questions.next_logits(edit=edit))


@pytest.mark.parametrize("mask", RULES)
def test_other_content_changes_every_answer(questions, mask) -> None:
    content = latents.read(questions, mask)
    plain = questions.next_logits(mask)
    for other in (
        content.zeros(),
        content.mean(),
        content.noise(0),
        content.take([1, 0, 4, 5, 2, 3]),
    ):
        changed = questions.next_logits(mask, edit=latents.replacing(questions.model, other))
        assert ((plain - changed).abs().amax(1) > 1e-4).all()


def test_under_the_bottleneck_content_is_all_the_answer_has_of_the_image(questions) -> None:
    """With one and the same content, questions that differ in pixels alone get one answer."""
    model = questions.model
    first = Questions(model, tiny.examples(0), 2)
    second = Questions(model, tiny.examples(50), 2)
    edit = latents.replacing(model, latents.read(first, "bottleneck"))
    one, two = (q.next_logits("bottleneck", edit=edit) for q in (first, second))
    assert torch.equal(one, two)
    one, two = (q.next_logits("ordinary", edit=edit) for q in (first, second))
    assert not torch.equal(one, two)


def test_content_survives_generation(questions) -> None:
    """The replaced content stays in the cache while an answer is written."""
    model = questions.model
    pixels = [tiny.examples(0), tiny.examples(50)]
    edit = latents.replacing(model, latents.read(Questions(model, pixels[0], 2), "bottleneck"))
    texts = [
        [row.text for row in Questions(model, e, 2).answers("bottleneck", edit=edit)]
        for e in pixels
    ]
    assert texts[0] == texts[1]


def test_content_does_not_depend_on_padding(checkpoints) -> None:
    alone, together = (
        latents.read(asked("qwen2_5_vl", checkpoints, size), "ordinary") for size in (1, 6)
    )
    for one, two in zip(alone.parts, together.parts, strict=True):
        torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-4)


def rows_of(questions: Questions) -> tuple[Any, torch.Tensor]:
    chunk = next(iter(questions.chunks()))
    batch = questions.batch(chunk, answer=True)
    return batch, torch.tensor([[batch.roles_BT.shape[1] - 3, batch.roles_BT.shape[1] - 1]] * 2)


def test_weights_are_those_of_stock_eager_attention(questions) -> None:
    batch, rows_BR = rows_of(questions)
    hf = questions.model.hf
    with torch.no_grad():
        with weights.recorded(questions.model, rows_BR) as found:
            recorded = hf(**batch.inputs).logits
        plain = hf(**batch.inputs).logits
        hf.get_decoder().set_attn_implementation("eager")
        stock = hf(**batch.inputs, output_attentions=True).attentions
    assert torch.equal(recorded, plain)
    for ours, theirs in zip(found.layers, stock, strict=True):
        expected = theirs.mean(1).gather(1, rows_BR[:, :, None].expand(-1, -1, theirs.shape[-1]))
        torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-4)


def test_weights_follow_the_rule(questions) -> None:
    batch, rows_BR = rows_of(questions)
    model = questions.model
    with (
        torch.no_grad(),
        weights.recorded(model, rows_BR) as found,
        model.rule("bottleneck", batch),
    ):
        model.hf(**batch.inputs)
    for layer_BRT in found.layers:
        assert torch.allclose(layer_BRT.sum(-1), torch.ones(2, 2))
        is_image = (batch.roles_BT == Role.IMAGE)[:, None].expand_as(layer_BRT)
        assert (layer_BRT[is_image] == 0).all()


def test_states_of_the_question_are_blind_under_the_bottleneck(questions) -> None:
    other = Questions(questions.model, [*tiny.examples(200), *tiny.examples(250)], 2)
    one, two = (states.read_states(q, "bottleneck") for q in (questions, other))
    assert torch.equal(one.text_ND, two.text_ND)
    assert not torch.equal(one.latents_NKD, two.latents_NKD)
    assert one.latents_NKD.shape == (6, 4, 32)


def test_a_decoder_without_separate_projections_is_refused(questions: Questions) -> None:
    model: Model = questions.model
    attention = model.hf.get_decoder().layers[0].self_attn
    attention.kv = attention.k_proj
    del attention.k_proj
    with pytest.raises(loading.ModelError, match="2 pairs of k_proj"):
        latents.projections(model)
