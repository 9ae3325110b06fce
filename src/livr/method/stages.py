"""Stages: which policy holds for how many epochs. Each has its own optimiser and schedule."""

from __future__ import annotations

from dataclasses import dataclass

from livr.method.bottleneck import Policy


@dataclass(frozen=True)
class Stage:
    """One stage of training.

    Attributes:
        name: `stage1`, `stage2`: also the folder of its checkpoints.
        policy: The attention rule of every step.
        epochs: Passes over the training data.
    """

    name: str
    policy: Policy
    epochs: float


StagePlan = tuple[Stage, ...]
