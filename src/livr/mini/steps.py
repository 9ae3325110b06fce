"""What both stages of pre-training do at every step: render ahead, move the weights, save."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from livr.errors import ConfigError
from livr.files import whole_file

Batch = TypeVar("Batch")


def in_order(lessons: Dataset[Batch], start: int, stop: int, workers: int = 1) -> Iterator[Batch]:
    """The batches of steps start .. stop-1 in order, rendered ahead of time."""
    yield from DataLoader(
        lessons,
        batch_size=None,
        sampler=range(start, stop),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
    )


def move(
    loss: Tensor, weights: Iterable[nn.Parameter], optimizers: list[torch.optim.Optimizer]
) -> None:
    """One step of all optimisers along the loss, its gradient cut to length 1."""
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(weights, 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, all of them or nothing."""
    with whole_file(path) as partial:
        torch.save(state, partial)


def read_state(path: Path) -> dict[str, Any]:
    """Read what `write_state` wrote.

    Raises:
        ConfigError: The file is damaged.
    """
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
    except (EOFError, OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise ConfigError(
            f"{path} is damaged; delete it to do that stage again, or choose another --out"
        ) from error
    return state
