"""Our own variants meet the paper's rule at their ends, with a mask and without one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import livr.model.load as loading
from livr.config import TrainConfig
from livr.errors import ConfigError
from livr.method import attention
from livr.method.bottleneck import BOTTLENECK, ORDINARY, Policy
from livr.method.roles import exempt
from livr.method.stages import Stage
from livr.model.batch import Batch
from livr.model.model import Model
from livr.train.dataset import EncodedSet, collator
from livr.train.stage import Learner
from tests import tiny

CONFIG = TrainConfig()


@pytest.fixture(params=tiny.FAMILIES)
def model(request: pytest.FixtureRequest, checkpoints) -> Model:
    return loading.load(checkpoints(request.param), num_latents=4, seed=0)


@torch.no_grad()
def logits(model: Model, batch: Batch, rule: Policy, evaluation="mask", roles=None):
    roles = batch.roles_BT if roles is None else roles
    with attention.rule(rule, roles, evaluation):
        return model.answer_logits(batch)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("evaluation", ["mask", "pieces"])
def test_the_gate_meets_both_rules_at_its_ends(model, evaluation, side) -> None:
    batch = model.batch(model.encode(tiny.examples(), "keep", answer=True), side)
    shut, free = (logits(model, batch, p, evaluation) for p in (BOTTLENECK, ORDINARY))
    opened = {g: logits(model, batch, BOTTLENECK.opened(g), evaluation) for g in (0, 1)}
    assert torch.equal(opened[0], shut)
    assert torch.equal(opened[1], free)
    # From inside, through the additive mask: the limits are the same.
    nearly = {g: logits(model, batch, BOTTLENECK.opened(g), evaluation) for g in (1e-9, 1 - 1e-7)}
    torch.testing.assert_close(nearly[1e-9], shut, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(nearly[1 - 1e-7], free, rtol=1e-4, atol=1e-4)
    half = logits(model, batch, BOTTLENECK.opened(0.5), evaluation)
    assert torch.isfinite(half).all()
    assert min((half - shut).abs().max(), (half - free).abs().max()) > 1e-3


def test_a_gate_weighs_hidden_keys_by_its_factor() -> None:
    """Against softmax written out: weights of hidden keys times g, then normalised."""
    roles = torch.tensor([[1, 1, 2, 3, 4]])
    g = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, 2, 5, 8, generator=g, dtype=torch.double)
    policy = BOTTLENECK.opened(0.3)
    causal = torch.ones(1, 1, 5, 5, dtype=torch.bool).tril()
    bias = attention._gate(policy, roles, roles, causal, torch.double)
    got = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    weights = (q @ k.transpose(-1, -2) / 8**0.5).exp() * causal
    weights[..., 2, :2] *= 0.3
    weights[..., 4, :2] *= 0.3
    expected = weights / weights.sum(-1, keepdim=True) @ v
    torch.testing.assert_close(got, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("evaluation", ["mask", "pieces"])
def test_a_mixed_batch_is_each_example_under_its_own_rule(model, evaluation) -> None:
    encoded = model.encode(tiny.examples(), "keep", answer=True)
    batch = model.batch(encoded)
    free = torch.tensor([True, False, True])
    mixed = logits(model, batch, BOTTLENECK, evaluation, exempt(batch.roles_BT, free))
    alone = [
        logits(model, model.batch([row]), ORDINARY if own else BOTTLENECK)
        for row, own in zip(encoded, free, strict=True)
    ]
    torch.testing.assert_close(mixed, torch.cat(alone), rtol=1e-4, atol=1e-4)


def test_shares_of_0_and_1_train_like_the_pure_stages(model) -> None:
    batch = model.batch(model.encode(tiny.examples(), "keep", answer=True))

    def losses(*stage: object, **more: object) -> torch.Tensor:
        return Learner(model, Stage("s", *stage, **more), CONFIG)(batch)

    assert torch.equal(losses(BOTTLENECK, share=1.0), losses(BOTTLENECK))
    none = losses(BOTTLENECK, share=0.0)
    torch.testing.assert_close(none, losses(ORDINARY), rtol=1e-4, atol=1e-4)
    assert (none - losses(BOTTLENECK)).abs().max() > 1e-3


def test_a_prefix_of_latents_is_a_prompt_with_fewer(model) -> None:
    for whole, few in zip(
        model.encode(tiny.examples(), "keep", answer=True),
        model.encode(tiny.examples(), 2, answer=True),
        strict=True,
    ):
        cut = whole.without(model.latents.ids[2:])
        assert torch.equal(cut.ids_T, few.ids_T)
        assert torch.equal(cut.types_T, few.types_T)
        assert cut.answer_start == few.answer_start < whole.answer_start


def test_all_latents_are_the_longest_prefix_and_none_the_shortest(model) -> None:
    asked = tiny.examples()
    for one, two in (("keep", 4), ("drop", 0)):
        pairs = zip(model.logits(asked, latents=one), model.logits(asked, latents=two), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)
    changed = zip(model.logits(asked), model.logits(asked, latents=2), strict=True)
    assert all((a - b).abs().max() > 1e-4 for a, b in changed)
    assert model.generate(asked, latents=4) == model.generate(asked)
    with pytest.raises(ConfigError, match="5 latents asked for"):
        model.generate(asked, latents=5)


def test_elastic_training_shows_prompts_of_all_lengths(model) -> None:
    data = EncodedSet(model, tiny.examples())
    items = [data[i] for i in range(3)]
    torch.manual_seed(0)
    elastic = collator(data, Stage("s", BOTTLENECK, elastic=True).prefix)
    seen = set()
    for _ in range(20):
        batch = elastic(items)["batch"]
        seen |= set((batch.roles_BT == 3).sum(1).tolist())
        assert torch.isfinite(logits(model, batch, BOTTLENECK, "pieces")).all()
    assert seen == {1, 2, 3, 4}
    plain = collator(data, Stage("s", BOTTLENECK).prefix)(items)["batch"]
    assert torch.equal(plain.roles_BT, data.batch(items).roles_BT)


def test_noise_is_for_training_only(model) -> None:
    batch = model.batch(model.encode(tiny.examples(), "keep", answer=True))
    stage = Stage("s", BOTTLENECK, noise=0.5)
    learner = Learner(model, stage, CONFIG).train()
    first, second = learner(batch), learner(batch)
    assert (first - second).abs().max() > 1e-4
    quiet = Learner(model, replace(stage, noise=0.0), CONFIG)
    assert torch.equal(quiet(batch), quiet(batch))
    # The learner, and with it the latents, is in training mode: asking is quiet all the same.
    pairs = zip(model.logits(tiny.examples()), model.logits(tiny.examples()), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
