"""The recipe of an embedded checkpoint: what it learns from, for how long, and how fast."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from livr.mini.phases import AGAIN, PHASES, Phase, first_steps


class PretrainConfig(BaseModel):
    """How the embedded model is made.

    Attributes:
        size: Name of a shape.
        seed: Seed of weights and curriculum.
        start_from: Checkpoint folder to go on from with another curriculum, seen from the run's
            folder; its tokenizer is kept and `pretrain` does not teach the tower alone again.
        base: Recipe of what comes first, done in `base/`; this one goes on from its checkpoint.
        tower_steps: Steps of the vision tower alone, before everything else.
        phases: What the decoder learns from, one mixture after the other.
        batch: Sequences of a step, as a share of the usual number.
        frozen: Steps at the beginning during which the tower stays as it is, None for all: the
            first gradients of a new decoder are noise.
        tower_rate: Factor on the tower's rates afterwards.
        decay: Steps at the end over which the rate falls to zero.
        warmup: Steps over which it rises.
        lr: Rate of AdamW.
        muon_lr: Rate of Muon, matched to AdamW's update size; None gives its matrices to AdamW.
        weight_decay: Of Muon's matrices.
        bfloat16: Whether products are computed in bfloat16; the weights stay float32.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: str = "mini"
    seed: int = 0
    start_from: str | None = None
    base: PretrainConfig | None = None
    tower_steps: int = 2400
    phases: tuple[Phase, ...] = PHASES
    batch: float = 1.0
    frozen: int | None = None
    tower_rate: float = 0.3
    decay: int = 1200
    warmup: int = 50
    lr: float = 2e-3
    muon_lr: float | None = 6e-3
    weight_decay: float = 0.05
    bfloat16: bool = False

    @property
    def steps(self) -> int:
        """Optimiser steps of the decoder, all phases."""
        return sum(phase.steps for phase in self.phases)

    @property
    def worlds(self) -> dict[str, float]:
        """Every kind of scene that some phase shows, all with the same weight."""
        return dict.fromkeys([name for phase in self.phases for name in phase.worlds], 1.0)

    @property
    def before(self) -> int:
        """Optimiser steps of the decoder in what comes first."""
        return self.base.before + self.base.steps if self.base else 0

    @property
    def first(self) -> PretrainConfig:
        """The recipe at the bottom: it starts from the seed and teaches the tower."""
        return self.base.first if self.base else self

    def same_until(self, step: int, other: PretrainConfig) -> bool:
        """Whether two recipes agree about every step before this one."""
        ahead = {"phases": first_steps(self.phases, step), "decay": 0}
        theirs = {"phases": first_steps(other.phases, step), "decay": 0}
        rates = all(self.rate(s) == other.rate(s) for s in range(step))
        return rates and self.model_copy(update=ahead) == other.model_copy(update=theirs)

    def rate(self, step: int) -> float:
        """Factor on all rates at a step."""
        rise = min(1.0, (step + 1) / self.warmup)
        return rise * min(1.0, max(0.0, (self.steps - step) / self.decay))


def shipped(size: str = "mini", **first: Any) -> PretrainConfig:
    """The recipe of the shipped checkpoints; `first` are settings of its first part."""
    base = PretrainConfig(size=size, **first)
    return PretrainConfig(
        size=size,
        seed=base.seed,
        base=base,
        tower_steps=0,
        phases=AGAIN,
        decay=600,
        lr=1e-3,
        muon_lr=3e-3,
    )
