"""Training on the CPU that gives the same numbers twice, with any number of threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils import deterministic

_FILLING: Any = deterministic


@contextmanager
def repeatable() -> Iterator[None]:
    """Sums in a fixed order while this is entered, on the CPU; as before afterwards.

    With several threads PyTorch adds the gradients of repeated indices in whatever order the
    threads come, unless it is told otherwise; two runs then drift apart after some ten steps.
    The same number of threads is still needed: one thread rounds otherwise than two. On a GPU
    nothing is changed, where the fixed order costs time. New tensors are not filled before they
    are written, as PyTorch else does beside a fixed order: it takes up to a sixth of a step and
    changes no number (ours).
    """
    if torch.cuda.is_available():
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    filled = _FILLING.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=True)
    _FILLING.fill_uninitialized_memory = False
    try:
        yield
    finally:
        _FILLING.fill_uninitialized_memory = filled
        torch.use_deterministic_algorithms(before, warn_only=warns)
