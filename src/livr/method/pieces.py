"""The rule evaluated exactly without a mask, as dense causal pieces.

Positions that see the same set of roles form one causal sequence once the roles hidden from them
are taken out. Under the bottleneck these are

    1. all positions but the image, a causal square: keeps the rows of prompt and answer,
    2. everything up to the last image position, a causal square: keeps the rows of the image,
    3. the N latents over everything before them, a short rectangle.

Their cost is below that of one plain causal call, since the block "text looks at image" is never
computed. Gathering drops padding, so both padding sides and ragged batches are the same case.
Source: ours (the paper masks).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from livr.method.bottleneck import Policy
from livr.method.roles import Role


@dataclass(frozen=True)
class Piece:
    """One dense attention call.

    Attributes:
        rows_BM: Positions that look, filled up at the end with any position.
        keys_BM: Positions looked at.
        mask_BMM: None for a causal square (rows are keys), else the mask of a rectangle.
    """

    rows_BM: Tensor
    keys_BM: Tensor
    mask_BMM: Tensor | None


@dataclass(frozen=True)
class Plan:
    """The pieces of a batch, and where each position's result lies.

    Attributes:
        pieces: The calls.
        source_BT: For each position its row in the concatenated results of all pieces.
    """

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


def plan_pieces(policy: Policy, roles_BT: Tensor) -> Plan:
    """Decompose a policy over a batch.

    Args:
        policy: Any policy in which every role but LATENT sees itself.
        roles_BT: Roles, with padding on either side.

    Returns:
        A plan which `run_pieces` evaluates; equal to `bottleneck.allowed` up to rounding.
    """
    valid_BT = roles_BT != Role.PAD
    order_BT = torch.arange(roles_BT.shape[1], device=roles_BT.device).expand_as(roles_BT)
    source_BT = torch.zeros_like(roles_BT)
    pieces: list[Piece] = []
    offset = 0
    for looking, hidden in _groups(policy):
        rows_BT = _is_in(roles_BT, looking)
        if not bool(rows_BT.any()):
            continue
        last_B1 = torch.where(rows_BT, order_BT, -1).amax(1, keepdim=True)
        keys_BT = valid_BT & (order_BT <= last_B1)
        if hidden:
            keys_BT = keys_BT & ~_is_in(roles_BT, hidden)
        keys_BM = _pack(keys_BT)
        if looking == {Role.LATENT}:
            rows_BM = _pack(rows_BT)
            seen_BM = torch.arange(keys_BM.shape[1], device=roles_BT.device) < keys_BT.sum(
                1, keepdim=True
            )
            mask_BMM = (keys_BM[:, None, :] <= rows_BM[:, :, None]) & seen_BM[:, None, :]
            # Rows that only fill up the batch look at everything: an empty softmax is not a number.
            mask_BMM = mask_BMM | ~rows_BT.gather(1, rows_BM)[:, :, None]
            slot_BT = rows_BT.cumsum(1) - 1
            piece = Piece(rows_BM, keys_BM, mask_BMM)
        else:
            slot_BT = keys_BT.cumsum(1) - 1
            piece = Piece(keys_BM, keys_BM, None)
        source_BT = torch.where(rows_BT, slot_BT + offset, source_BT)
        offset += piece.rows_BM.shape[1]
        pieces.append(piece)
    return Plan(tuple(pieces), source_BT)


def _take(x_BHTD: Tensor, index_BM: Tensor) -> Tensor:
    """x_BHTD at positions index_BM: (B, H, M, D)."""
    heads, width = x_BHTD.shape[1], x_BHTD.shape[3]
    return x_BHTD.gather(2, index_BM[:, None, :, None].expand(-1, heads, -1, width))


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
        query_BHTD: Queries; keys and values may have fewer heads (grouped queries).
        key_BHTD: Keys.
        value_BHTD: Values.
        scaling: Factor on the scores, default 1/sqrt(D).
        dropout: Dropout probability on the attention weights.

    Returns:
        (B, T, H, D), as the attention interface of transformers expects. Rows of padding hold
        the result of some other row and must not be read.
    """
    grouped = query_BHTD.shape[1] != key_BHTD.shape[1]
    results: list[Tensor] = []
    for piece in plan.pieces:
        mask = None if piece.mask_BMM is None else piece.mask_BMM[:, None]
        results.append(
            scaled_dot_product_attention(
                _take(query_BHTD, piece.rows_BM),
                _take(key_BHTD, piece.keys_BM),
                _take(value_BHTD, piece.keys_BM),
                attn_mask=mask,
                is_causal=mask is None,
                dropout_p=dropout or 0.0,
                scale=scaling,
                enable_gqa=grouped,
            )
        )
    return _take(torch.cat(results, dim=2), plan.source_BT).transpose(1, 2).contiguous()
