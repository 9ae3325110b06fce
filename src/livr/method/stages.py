"""Stages: which policy holds for how many epochs. Each has its own optimiser and schedule.

In the paper a policy holds for every example throughout a stage. Ours: a gate that opens by and by,
a policy for some examples only, noise on the rows, fewer latents. What is off draws nothing random.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi

import torch
from torch import Tensor

from livr.method.bottleneck import ORDINARY, Policy
from livr.method.roles import exempt

Schedule = Callable[[float], float]
"""From progress through a stage to the openness of its policy, both in [0, 1]."""


def closed(progress: float) -> float:
    """What the policy hides stays hidden (the paper)."""
    return 0.0


def cosine(progress: float) -> float:
    """From closed to open, slowly at both ends (ours).

    >>> [round(cosine(t), 2) for t in (0, 0.25, 0.5, 1)]
    [0.0, 0.15, 0.5, 1.0]
    """
    return (1 - cos(pi * progress)) / 2


@dataclass(frozen=True)
class Stage:
    """One stage of training.

    Attributes:
        name: `stage1`, `stage2`: also the folder of its checkpoints.
        policy: The attention rule.
        epochs: Passes over the training data.
        rate: Factor on the peak learning rate of the run.
        gate: How far the rule is open, by progress through the stage.
        share: Probability, per example and step, that the rule holds; else the ordinary one.
        noise: Noise on the latents' rows, see `Latents.noisy`.
        elastic: Whether each prompt has only the first k latents, k uniform in 1..K.
    """

    name: str
    policy: Policy
    epochs: float = 1.0
    rate: float = 1.0
    gate: Schedule = closed
    share: float = 1.0
    noise: float = 0.0
    elastic: bool = False

    @property
    def asked(self) -> Policy:
        """The rule of validation: that of all examples, or the ordinary one if they differ."""
        return self.policy if self.share == 1 else ORDINARY

    def rule(self, progress: float) -> Policy:
        """The policy after a part of the stage's steps, 0 to 1."""
        return self.policy.opened(self.gate(progress))

    def roles(self, roles_BT: Tensor) -> Tensor:
        """The roles of a batch, with the examples that are free of the rule drawn anew."""
        if self.share == 1:
            return roles_BT
        return exempt(roles_BT, torch.rand(len(roles_BT)) >= self.share)

    def prefix(self, num: int) -> int:
        """How many of `num` latents the next example gets."""
        return int(torch.randint(1, num + 1, ())) if self.elastic and num else num


StagePlan = tuple[Stage, ...]
