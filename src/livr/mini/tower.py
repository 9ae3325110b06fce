"""Stage one of pre-training: the vision tower learns to name what lies in every cell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from livr.errors import ConfigError
from livr.mini.dense import DenseLessons
from livr.mini.head import DenseHead
from livr.mini.log import PretrainLog
from livr.mini.muon import Muon
from livr.mini.shape import MiniShape
from livr.mini.steps import in_order, move, read_state, write_state

WARMUP = 50
SAVE_EVERY = 250
"""Steps between saves; an interrupted stage goes on from the last."""
FALL = 0.3
"""Share of the steps, at the end, over which the rate falls."""


def _optimizers(
    tower: nn.Module, head: nn.Module, rates: tuple[float, float]
) -> list[torch.optim.Optimizer]:
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = list(head.parameters())
    for name, weight in tower.named_parameters():
        inside = weight.ndim == 2 and ("blocks" in name or "merger" in name)
        (matrices if inside else others).append(weight)
    return [
        Muon(matrices, lr=rates[0], weight_decay=0.05),
        torch.optim.AdamW(others, lr=rates[1], betas=(0.9, 0.98), weight_decay=0.0),
    ]


def train_tower(
    model: Any,
    numbers: MiniShape,
    seed: int,
    steps: int,
    out: Path,
    *,
    rates: tuple[float, float] = (3e-3, 2e-3),
    on_step: Callable[[int, float], None] | None = None,
    workers: int = 1,
    words_WD: Tensor | None = None,
) -> None:
    """Train the vision tower of `model` in place, or load it if `out` has it finished.

    Args:
        model: The whole model; only its tower and projector move.
        numbers: Its size.
        seed: Of the pictures and of the heads.
        steps: Optimiser steps of 64 pictures.
        out: Run folder; gets `tower.pt` and `tower.jsonl`.
        rates: Of Muon and of AdamW.
        on_step: Told (step, loss).
        workers: Rendering processes.
        words_WD: Directions in which the first labels are to be read, see `DenseHead`.

    Raises:
        ConfigError: The stage in `out` belongs to another recipe, or its file is damaged.
    """
    tower = model.model.visual
    done, unfinished = out / "tower.pt", out / "tower-state.pt"
    if done.is_file():
        tower.load_state_dict(read_state(done))
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = DenseHead(model.config.text_config.hidden_size, words_WD)
    optimizers = _optimizers(tower, head, rates)
    parts = [tower, head, *optimizers]
    start = _restore(unfinished, (seed, steps), parts)
    weights = [*tower.parameters(), *head.parameters()]
    lessons = in_order(DenseLessons(numbers, seed), start, steps, workers)
    log = PretrainLog(out / "tower.jsonl", start)
    for step, batch in enumerate(lessons, start):
        factor = min(1.0, (step + 1) / WARMUP, (steps - step) / (FALL * steps))
        for optimizer, rate in zip(optimizers, rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
        loss, right = head(tower(batch.pixels, grid_thw=batch.grids).pooler_output, batch)
        move(loss, weights, optimizers)
        log.add_shares(step + 1, loss.item(), right)
        if on_step is not None:
            on_step(step + 1, loss.item())
        if (step + 1) % SAVE_EVERY == 0 and step + 1 < steps:
            states = [part.state_dict() for part in parts]
            write_state(unfinished, {"recipe": [seed, steps], "step": step + 1, "parts": states})
    write_state(done, tower.state_dict())
    unfinished.unlink(missing_ok=True)


def _restore(path: Path, recipe: tuple[int, int], parts: list[Any]) -> int:
    """Load an unfinished stage; returns the number of steps already done."""
    if not path.is_file():
        return 0
    state = read_state(path)
    if tuple(state["recipe"]) != recipe:
        raise ConfigError(f"{path} belongs to another recipe; choose another --out")
    for part, saved in zip(parts, state["parts"], strict=True):
        part.load_state_dict(saved)
    return int(state["step"])
