"""The rule evaluated exactly without a mask, as dense causal pieces.

Positions that see the same set of roles form one causal sequence once the roles hidden from them
are taken out. Under the bottleneck these are

    1. all positions but the image, a causal square: keeps the rows of prompt and answer,
    2. everything up to the last image position, a causal square: keeps the rows of the image,
    3. the N latents over everything before them, a short rectangle.

The block "text looks at image" is never computed, so this costs less than one plain causal call.
Taking positions out drops padding, too. Source: ours (the paper masks).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from livr.method.bottleneck import Policy
from livr.method.roles import Role

Positions = Tensor | slice
"""Positions of each row of a batch, (B, M); a slice where they are the same run in all rows."""


@dataclass(frozen=True)
class Piece:
    """One dense attention call.

    Attributes:
        rows: Positions that look, filled up at the end with any position.
        keys: Positions looked at.
        mask_BMM: None for a causal square (rows are keys), else the mask of a rectangle.
    """

    rows: Positions
    keys: Positions
    mask_BMM: Tensor | None


@dataclass(frozen=True)
class Plan:
    """The pieces of a batch, and in `source_BT` each position's row in their joined results."""

    pieces: tuple[Piece, ...]
    source_BT: Tensor


def _groups(policy: Policy) -> Iterator[tuple[frozenset[Role], frozenset[Role]]]:
    """(roles that look, roles hidden from them). Latents are few and get a rectangle alone."""
    by_hidden: dict[frozenset[Role], set[Role]] = {}
    for role in (Role.IMAGE, Role.PROMPT, Role.ANSWER):
        by_hidden.setdefault(policy.hidden_from(role), set()).add(role)
    for hidden, roles in by_hidden.items():
        yield frozenset(roles), hidden
    yield frozenset({Role.LATENT}), policy.hidden_from(Role.LATENT)


def _is_in(roles_BT: Tensor, wanted: frozenset[Role]) -> Tensor:
    values = torch.tensor(sorted(wanted), dtype=roles_BT.dtype, device=roles_BT.device)
    return torch.isin(roles_BT, values)


def _pack(keep_BT: Tensor) -> Tensor:
    """Positions where `keep_BT` holds, in order, moved to the front: (B, longest row)."""
    longest = int(keep_BT.sum(1).max())
    return torch.argsort(~keep_BT, dim=1, stable=True)[:, :longest]


def _run(index_BM: Tensor) -> Positions:
    """The same as a slice if it is one, which takes no copying."""
    first, length = int(index_BM[0, 0]), index_BM.shape[1]
    run_M = torch.arange(first, first + length, device=index_BM.device)
    return slice(first, first + length) if bool((index_BM == run_M).all()) else index_BM


def plan_pieces(policy: Policy, roles_BT: Tensor) -> Plan:
    """Decompose a policy over a batch.

    Args:
        policy: Any policy in which every role but LATENT sees itself.
        roles_BT: Roles, with padding on either side.

    Returns:
        A plan which `run_pieces` evaluates; equal to `bottleneck.allowed` up to rounding.
    """
    order_BT = torch.arange(roles_BT.shape[1], device=roles_BT.device).expand_as(roles_BT)
    source_BT = torch.zeros_like(roles_BT)
    pieces: list[Piece] = []
    offset = 0
    for looking, hidden in _groups(policy):
        rows_BT = _is_in(roles_BT, looking)
        if not bool(rows_BT.any()):
            continue
        last_B1 = torch.where(rows_BT, order_BT, -1).amax(1, keepdim=True)
        keys_BT = (roles_BT != Role.PAD) & (order_BT <= last_B1) & ~_is_in(roles_BT, hidden)
        is_square = looking != {Role.LATENT}
        kept_BT = keys_BT if is_square else rows_BT
        keys_BM = _pack(keys_BT)
        rows_BM = keys_BM if is_square else _pack(rows_BT)
        mask_BMM = None
        if not is_square:
            before_BMM = keys_BM[:, None, :] <= rows_BM[:, :, None]
            # Rows that only fill up the batch look at everything: an empty softmax is not a number.
            is_filler_BM = ~rows_BT.gather(1, rows_BM)
            mask_BMM = before_BMM & keys_BT.gather(1, keys_BM)[:, None] | is_filler_BM[:, :, None]
        pieces.append(Piece(_run(rows_BM), _run(keys_BM), mask_BMM))
        source_BT = torch.where(rows_BT, kept_BT.cumsum(1) - 1 + offset, source_BT)
        offset += rows_BM.shape[1]
    return Plan(tuple(pieces), source_BT)


def _take(x_BHTD: Tensor, where: Positions, times: int = 1) -> Tensor:
    """x_BHTD at some positions, each head `times`: (B, H, M, D). Rows move with all their heads."""
    if times > 1:
        return _take(x_BHTD, where).repeat_interleave(times, dim=1)
    if isinstance(where, slice):
        return x_BHTD[:, :, where]
    batch, heads, length, width = x_BHTD.shape
    starts_B1 = torch.arange(0, batch * length, length, device=where.device)[:, None]
    rows = x_BHTD.transpose(1, 2).reshape(batch * length, heads * width)
    taken = rows.index_select(0, (where + starts_B1).flatten())
    return taken.view(batch, -1, heads, width).transpose(1, 2)


def run_pieces(
    plan: Plan,
    query_BHTD: Tensor,
    key_BHTD: Tensor,
    value_BHTD: Tensor,
    scaling: float | None = None,
    dropout: float | None = 0.0,
) -> Tensor:
    """Attention by pieces.

    Args:
        plan: From `plan_pieces`.
        query_BHTD: Queries.
        key_BHTD, value_BHTD: Keys and values; they may have fewer heads (grouped queries).
        scaling: Factor on the scores, default 1/sqrt(D).
        dropout: Dropout probability on the attention weights.

    Returns:
        (B, T, H, D), as transformers' attention interface. Rows of padding hold some other row.
    """
    groups = query_BHTD.shape[1] // key_BHTD.shape[1]
    results = []
    for piece in plan.pieces:
        # Only flash attention reads grouped keys, on a GPU; other kernels would keep all scores.
        flash = piece.mask_BMM is None and query_BHTD.dtype in (torch.float16, torch.bfloat16)
        result_BHMD = scaled_dot_product_attention(
            _take(query_BHTD, piece.rows),
            _take(key_BHTD, piece.keys, 1 if flash else groups),
            _take(value_BHTD, piece.keys, 1 if flash else groups),
            attn_mask=None if piece.mask_BMM is None else piece.mask_BMM[:, None],
            is_causal=piece.mask_BMM is None,
            dropout_p=dropout or 0.0,
            scale=scaling,
            enable_gqa=flash and groups > 1,
        )
        results.append(result_BHMD.transpose(1, 2))
    results_BHTD = torch.cat(results, dim=1).transpose(1, 2)
    return _take(results_BHTD, plan.source_BT).transpose(1, 2).contiguous()
