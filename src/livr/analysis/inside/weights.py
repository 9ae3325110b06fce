"""Attention weights of chosen positions, under any rule.

The decoder is switched, through the registries of transformers, to an attention that computes
what "livr" computes and besides writes down the weights of some query positions. The output of
the model is therefore bit-identical; stock eager attention would not know the rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface

from livr.method import attention
from livr.model.model import Model

NAME = "livr_recorded"


@dataclass
class Weights:
    """Attention weights, averaged over heads.

    Attributes:
        rows_BR: Positions that look, R per sequence.
        layers: One (B, R, T) float32 tensor per decoder layer, filled by a forward pass.
    """

    rows_BR: Tensor
    layers: list[Tensor] = field(default_factory=list)

    def stacked(self) -> Tensor:
        """(layers, B, R, T)."""
        return torch.stack(self.layers)


_active: ContextVar[Weights | None] = ContextVar("livr_weights", default=None)


@contextmanager
def recorded(model: Model, rows_BR: Tensor) -> Iterator[Weights]:
    """Write down the weights of `rows_BR` in every forward pass over a whole prompt inside."""
    decoder = model.hf.get_decoder()
    AttentionMaskInterface.register(NAME, AttentionMaskInterface()[attention.NAME])
    AttentionInterface.register(NAME, _attend)
    weights = Weights(rows_BR)
    token = _active.set(weights)
    decoder.set_attn_implementation(NAME)
    try:
        yield weights
    finally:
        decoder.set_attn_implementation(attention.NAME)
        _active.reset(token)


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    weights = _active.get()
    if weights is not None:
        weights.layers.append(
            _weights(query, key, attention_mask, weights.rows_BR, kwargs.get("scaling"))
        )
    inner = AttentionInterface()[attention.NAME]
    out: tuple[Tensor, None] = inner(module, query, key, value, attention_mask, **kwargs)
    return out


def _weights(
    query_BHTD: Tensor, key_BHTD: Tensor, mask: Tensor | None, rows_BR: Tensor, scale: float | None
) -> Tensor:
    """(B, R, T) weights, the mean over heads."""
    batch, heads, length, width = query_BHTD.shape
    scale = width**-0.5 if scale is None else scale
    index = rows_BR[:, None, :, None].expand(-1, heads, -1, width)
    picked_BHRD = query_BHTD.gather(2, index).float()
    key_BHTD = key_BHTD.float().repeat_interleave(heads // key_BHTD.shape[1], dim=1)
    scores_BHRT = picked_BHRD @ key_BHTD.transpose(2, 3) * scale
    if mask is None:  # no padding and no rule: plain causal order
        keys = torch.arange(length, device=rows_BR.device)
        open_BRT = keys <= rows_BR[:, :, None]
    else:
        whole_BTT = mask[:, 0].expand(batch, -1, -1)
        open_BRT = whole_BTT.gather(1, rows_BR[:, :, None].expand(-1, -1, length))
    if open_BRT.dtype != torch.bool:
        scores_BHRT = scores_BHRT + open_BRT[:, None]
    else:
        scores_BHRT = scores_BHRT.masked_fill(~open_BRT[:, None], -torch.inf)
    return scores_BHRT.softmax(-1).mean(1)
