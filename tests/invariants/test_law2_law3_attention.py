"""Laws 2 and 3: no rule, no difference; and a rule without a mask equals the masked one."""

from __future__ import annotations

import pytest
import torch
import transformers

import livr.model.load as loading
from livr.method import attention, pieces
from livr.method.bottleneck import POLICIES, allowed
from livr.method.pieces import plan_pieces, run_pieces
from livr.method.roles import Role
from livr.model.model import Model
from tests import tiny


@pytest.fixture(params=tiny.FAMILIES)
def model(request: pytest.FixtureRequest, checkpoints) -> Model:
    return loading.load(checkpoints(request.param), num_latents=4, seed=0)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_ordinary_rule_equals_the_stock_forward(family, side, checkpoints) -> None:
    folder = checkpoints(family)
    ours = loading.load(folder)
    stock = transformers.AutoModelForImageTextToText.from_pretrained(folder).eval()
    assert stock.get_decoder().config._attn_implementation == "sdpa"
    batch = ours.batch(ours.encode(tiny.examples(), "keep", answer=True), side)
    with torch.no_grad():
        expected = stock(**batch.inputs, logits_to_keep=batch.keep_BT).logits
    assert torch.equal(torch.cat(ours.logits(tiny.examples(), side=side)), expected)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("mask", [p for p in POLICIES if p != "ordinary"])
def test_pieces_equal_the_mask_in_outputs_and_gradients(model, mask, side) -> None:
    batch = model.batch(model.encode(tiny.examples(), "keep", answer=True), side)
    found = {}
    for evaluation in ("mask", "pieces"):
        weight = model.hf.get_decoder().layers[0].self_attn.q_proj.weight.requires_grad_(True)
        model.latents.zero_grad()
        with model.rule(mask, batch, evaluation):
            logits = model.hf(**batch.inputs, logits_to_keep=batch.keep_BT).logits
        loss = torch.nn.functional.cross_entropy(logits, batch.targets_N)
        loss.backward()
        found[evaluation] = (logits.detach(), weight.grad, model.latents.rows.grad)
        weight.grad = None
    for masked, exact in zip(*found.values(), strict=True):
        assert torch.isfinite(masked).all()
        torch.testing.assert_close(exact, masked, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_pieces_equal_a_dense_mask_in_double_precision(name, kv_heads) -> None:
    """Random role sequences, both padding sides, images anywhere: exact up to fp64 rounding."""
    g = torch.Generator().manual_seed(0)
    for _ in range(10):
        roles = torch.randint(1, 5, (3, 17), generator=g)
        roles[0, :5], roles[1, -4:] = Role.PAD, Role.PAD
        q = torch.randn(3, 4, 17, 8, generator=g, dtype=torch.double)
        k, v = torch.randn(2, 3, kv_heads, 17, 8, generator=g, dtype=torch.double)
        mask = allowed(POLICIES[name], roles)
        expected = torch.nn.functional.scaled_dot_product_attention(
            q, k, v, attn_mask=mask[:, None], enable_gqa=True
        ).transpose(1, 2)
        got = run_pieces(plan_pieces(POLICIES[name], roles), q, k, v)
        real = roles != Role.PAD
        torch.testing.assert_close(got[real], expected[real], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_only_a_kernel_that_reads_grouped_keys_gets_them(dtype, monkeypatch) -> None:
    """Any other kernel of a GPU would keep the scores of every head, T x T, for the backward."""
    calls = []

    def seen(query, key, value, *, attn_mask, enable_gqa, **kwargs) -> torch.Tensor:
        calls.append((attn_mask is None, enable_gqa, key.shape[1], value.shape[1]))
        return kernel(query, key, value, attn_mask=attn_mask, enable_gqa=enable_gqa, **kwargs)

    kernel = torch.nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(pieces, "scaled_dot_product_attention", seen)
    g = torch.Generator().manual_seed(0)
    roles = torch.tensor([[Role.IMAGE, Role.PROMPT, Role.LATENT, Role.ANSWER]] * 2)
    q = torch.randn(2, 4, 4, 8, generator=g)
    k, v = torch.randn(2, 2, 2, 4, 8, generator=g)
    plan = plan_pieces(POLICIES["bottleneck"], roles)
    got = run_pieces(plan, q.to(dtype), k.to(dtype), v.to(dtype))
    torch.testing.assert_close(got.float(), run_pieces(plan, q, k, v), rtol=0.02, atol=0.02)
    assert {square for square, *_ in calls} == {True, False}
    for square, grouped, *heads in calls[: len(plan.pieces)]:
        assert grouped == (square and dtype is torch.bfloat16)
        assert heads == ([2, 2] if grouped else [4, 4])


def test_the_rule_ends_with_its_block(model) -> None:
    batch = model.batch(model.encode(tiny.examples(), "keep", answer=True))
    with torch.no_grad():
        before = model.hf(**batch.inputs).logits
        with pytest.raises(RuntimeError, match="stop"), model.rule("bottleneck", batch):
            raise RuntimeError("stop")
        assert torch.equal(model.hf(**batch.inputs).logits, before)


def test_vision_tower_keeps_its_own_attention(model) -> None:
    assert model.hf.get_decoder().config._attn_implementation == attention.NAME
    assert model.hf.get_encoder("image").config._attn_implementation != attention.NAME
