"""Checkpoints of a stage: what moves and the time it took; the trainer adds its own state."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

if TYPE_CHECKING:
    from livr.train.stage import Learner

WEIGHTS = "trainable.safetensors"
DONE = "final.safetensors"
"""What a finished stage leaves: with it, its checkpoints are not needed any more."""


def save_trainable(learner: Learner, file: Path, seconds: float) -> None:
    """Write everything that moves; the file appears when it is complete.

    Args:
        learner: What moves.
        file: Where to.
        seconds: Time spent on the stage so far.
    """
    partial = file.with_name(file.name + ".part")
    state = {name: weight.contiguous() for name, weight in learner.trainable().items()}
    save_file(state, partial, metadata={"seconds": f"{seconds:.3f}"})
    partial.replace(file)


def recorded_seconds(file: Path) -> float:
    """Time spent on a stage until `file` was written by `save_trainable`."""
    with safe_open(file, "pt") as saved:
        return float((saved.metadata() or {}).get("seconds", 0))


@torch.no_grad()
def restore(learner: Learner, file: Path) -> None:
    """Set everything that moves to saved values; names must match exactly."""
    saved, own = load_file(file), dict(learner.named_parameters())
    for name in learner.trainable():
        own[name].copy_(saved[name])


def last_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint of a stage: the trainer writes its state last."""
    found = [p.parent for p in folder.glob("checkpoint-*/trainer_state.json") if _is_json(p)]
    return max(found, key=lambda p: int(p.name.rpartition("-")[2]), default=None)


def clear_checkpoints(folder: Path) -> None:
    """Delete the checkpoints of a finished stage: AdamW's state is twice the size of what moves."""
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint, ignore_errors=True)


def worth_resuming(run: Path) -> bool:
    """Whether any stage of a run folder is finished or has a complete checkpoint."""
    return any(
        (folder / DONE).is_file() or last_checkpoint(folder) is not None
        for folder in run.glob("*/")
    )


def reached(checkpoint: Path) -> tuple[int, float]:
    """The step and the epoch of a checkpoint."""
    state = _state(checkpoint)
    return int(state["global_step"]), float(state["epoch"])


def is_last(checkpoint: Path) -> bool:
    """Whether a checkpoint is the stage's end: its state says how many steps there are."""
    state = _state(checkpoint)
    return bool(state["global_step"] >= state["max_steps"])


def _state(checkpoint: Path) -> dict[str, Any]:
    found = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True
