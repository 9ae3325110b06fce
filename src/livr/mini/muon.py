"""Muon in fp32: momentum whose matrix is made orthogonal before it moves the weights.

torch.optim.Muon does the same in bfloat16, which is many times slower on a CPU. Matrices of one
shape are stacked and treated at once. Source: K. Jordan et al., 2024 (quintic Newton-Schulz).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

_A, _B, _C = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5
_MOMENTUM = 0.95
"""Of the gradient (Nesterov)."""


def orthogonalize(matrices_NRC: Tensor) -> Tensor:
    """Push all singular values of each matrix towards 1."""
    tall = matrices_NRC.shape[-2] > matrices_NRC.shape[-1]
    x = matrices_NRC.mT if tall else matrices_NRC
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    result: Tensor = x.mT if tall else x
    return result


class Muon(torch.optim.Optimizer):
    """Muon for 2-D weights; the update has the size AdamW's would have at the same rate.

    Args:
        params: Matrices, or groups of them.
        lr: Rate.
        weight_decay: Decoupled.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        lr: float,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape[weight.shape].append(weight)
            for shape, weights in by_shape.items():
                updates = torch.stack([self._momentum(w) for w in weights])
                scale = 0.2 * max(shape) ** 0.5 * group["lr"]
                for weight, update in zip(weights, orthogonalize(updates), strict=True):
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(update, alpha=-scale)

    def _momentum(self, weight: nn.Parameter) -> Tensor:
        state = self.state[weight]
        assert weight.grad is not None
        buffer = state.setdefault("momentum", torch.zeros_like(weight))
        buffer.lerp_(weight.grad, 1 - _MOMENTUM)
        return weight.grad.lerp(buffer, _MOMENTUM)
