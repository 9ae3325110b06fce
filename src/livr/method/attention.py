"""How a policy reaches a backbone: through the attention registries of transformers.

`install` switches a decoder to the attention named "livr". With no rule in force it is exactly
the stock SDPA attention. Inside `with rule(...)` the mask registry asks us for the mask, and we
answer in one of two ways:

    "mask"    a boolean mask, handed to SDPA like any other. The reference. A policy that is
              partly open adds the log of its openness to the scores instead.
    "pieces"  a `Plan`: the same attention as a few dense causal calls over gathered positions.
              The block "text looks at image", which the rule throws away, is never computed.
              For plain causal order only: a layer of another order gets a mask, and so does
              a policy that is partly open, which throws nothing away.

Nothing of any model's forward is copied or patched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import and_masks, causal_mask_function, sdpa_mask

from livr.method.bottleneck import Policy
from livr.method.pieces import Plan, plan_pieces, run_pieces
from livr.method.roles import Role

NAME = "livr"
Evaluation = Literal["mask", "pieces"]


@dataclass(frozen=True)
class Rule:
    """A policy in force for one batch.

    Attributes:
        policy: Which role may see which.
        roles_BT: The roles of the batch. Positions generated later count as ANSWER.
        evaluation: "mask" or "pieces"; both give the same result.
    """

    policy: Policy
    roles_BT: Tensor
    evaluation: Evaluation = "mask"


_active: ContextVar[Rule | None] = ContextVar("livr_rule", default=None)


@contextmanager
def rule(policy: Policy, roles_BT: Tensor, evaluation: Evaluation = "mask") -> Iterator[None]:
    """Put a policy in force for every forward pass inside the block.

    The mask is built at the start of a forward pass and travels with it, so gradient
    checkpointing may recompute layers after the block has ended.
    """
    token = _active.set(Rule(policy, roles_BT, evaluation) if policy.hidden else None)
    try:
        yield
    finally:
        _active.reset(token)


def install(decoder: nn.Module) -> None:
    """Switch a language-model backbone to the attention called "livr" (decoder only).

    Args:
        decoder: What `model.get_decoder()` of a transformers model returns.
    """
    AttentionMaskInterface.register(NAME, _make_mask)
    AttentionInterface.register(NAME, _attend)
    decoder.set_attn_implementation(NAME)  # type: ignore[operator]


def _roles_to_length(roles_BT: Tensor, batch: int, length: int) -> Tensor:
    """Roles for `length` keys: generated positions are answers, beams repeat their sequence."""
    repeats = batch // roles_BT.shape[0]
    roles_BT = roles_BT.repeat_interleave(repeats, dim=0) if repeats > 1 else roles_BT
    missing = length - roles_BT.shape[1]
    return nn.functional.pad(roles_BT, (0, max(missing, 0)), value=int(Role.ANSWER))


def _make_mask(
    batch_size: int,
    q_length: int,
    kv_length: int,
    q_offset: int = 0,
    kv_offset: int = 0,
    **kwargs: Any,
) -> Tensor | Plan | None:
    """The mask interface of transformers; see `sdpa_mask` for the arguments."""
    shape = (batch_size, q_length, kv_length, q_offset, kv_offset)
    active = _active.get()
    if active is None:
        return cast("Tensor | None", sdpa_mask(*shape, **kwargs))
    roles_BT = _roles_to_length(active.roles_BT, batch_size, kv_offset + kv_length)
    whole = q_length == kv_length == active.roles_BT.shape[1] and q_offset == kv_offset == 0
    # Pieces know causal order alone. Families with sliding windows, or whose images or prompts
    # see themselves in both directions, ask for another order and get a mask.
    causal = kwargs["mask_function"] is causal_mask_function
    gated = active.policy.openness > 0
    if active.evaluation == "pieces" and whole and causal and not gated:
        return plan_pieces(active.policy, roles_BT)
    kwargs["allow_is_causal_skip"] = False
    if gated:
        queries_BQ = roles_BT[:, q_offset : q_offset + q_length]
        keys_BK = roles_BT[:, kv_offset : kv_offset + kv_length]
        causal_B1QK: Tensor = sdpa_mask(*shape, **kwargs)
        return _gate(active.policy, queries_BQ, keys_BK, causal_B1QK, kwargs["dtype"])
    table = active.policy.table().to(roles_BT.device)

    def visible(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return table[roles_BT[batch, query], roles_BT[batch, key]]

    kwargs["mask_function"] = and_masks(kwargs["mask_function"], visible)
    return cast(Tensor, sdpa_mask(*shape, **kwargs))


def _gate(
    policy: Policy, queries_BQ: Tensor, keys_BK: Tensor, causal_B1QK: Tensor, dtype: torch.dtype
) -> Tensor:
    """What to add to the scores: the policy's log gates, and next to nothing beyond the order."""
    gates = policy.log_gates().to(queries_BQ.device, dtype)
    gates_B1QK = gates[queries_BQ[:, None, :, None], keys_BK[:, None, None, :]]
    return torch.where(causal_B1QK, gates_B1QK, torch.finfo(dtype).min)


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | Plan | None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """The attention interface of transformers: stock SDPA, unless the mask is a plan."""
    if isinstance(attention_mask, Plan):
        options = {name: kwargs.get(name) for name in ("dropout", "scaling")}
        return run_pieces(attention_mask, query, key, value, **options), None
    out: tuple[Tensor, None] = sdpa_attention_forward(
        module, query, key, value, attention_mask, **kwargs
    )
    return out
