"""The order in which the decoder meets the curriculum: few kinds of question first, then more.

Looking something up ("where is A?") takes two steps of attention, and each is of no use without
the other. Mixed with dozens of other questions from the start, look-ups were not learnt at all
(docs/mini.md). Alone they are learnt within a few hundred steps, and the rest builds on them.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field


class Phase(BaseModel):
    """A stretch of training with one mixture.

    Attributes:
        steps: Optimiser steps.
        worlds: How often each kind of scene is drawn, relative to the others.
        shares: Shares of steps with one, two and three pictures.
        questions: Most questions in a sequence. Many pictures with few questions each teach
            more than few pictures with many.
        lettered: Share of the questions asked as multiple choice, where they can be.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(ge=1)
    worlds: dict[str, float]
    shares: tuple[float, float, float] = (1.0, 0.0, 0.0)
    questions: int = Field(default=4, ge=1)
    lettered: float = Field(default=0.2, ge=0.0, le=1.0)


LOOK_UPS = Phase(steps=250, worlds={"places": 1.0}, questions=3, lettered=0.0)
"""Where is a mark, and nothing else."""

_MAIN = {
    "totals": 2.0, "amounts": 1.5, "colors": 0.7, "places": 0.5, "fits": 1.0, "darker": 1.0,
    "same_style": 1.2, "same_photo": 1.2,
}  # fmt: skip
_LAST = {
    "totals": 2.0, "amounts": 2.0, "colors": 1.0, "places": 1.0, "darker": 1.0, "scene": 1.5,
    "same_style": 1.0, "same_photo": 1.0, "styles": 0.7, "kinds": 0.7,
}  # fmt: skip
_GLIMPSE = {
    "look_ups": 1.0, "colors": 1.5, "amounts": 2.5, "scene": 1.0, "fits": 1.0, "darker": 0.7,
    "same_spot": 2.0, "spots": 1.0, "same_part": 1.0,
    "same_style": 1.5, "same_photo": 1.5, "fills": 1.0,
}  # fmt: skip

PHASES = (
    LOOK_UPS,
    Phase(
        steps=150,
        worlds={"places": 2.0, "look_ups": 2.0, "scene": 2.0, "amounts": 2.0},
        lettered=0.0,
    ),
    Phase(steps=100, worlds=_GLIMPSE, shares=(0.45, 0.25, 0.3), questions=5, lettered=0.0),
    Phase(steps=200, worlds={"amounts": 4.0, "colors": 2.0, "places": 1.0}, lettered=0.0),
    Phase(steps=100, worlds={"totals": 5.0, "colors": 1.0, "places": 0.7}, lettered=0.0),
    Phase(steps=2000, worlds=_MAIN, shares=(0.5, 0.0, 0.5), questions=6, lettered=0.0),
    Phase(steps=350, worlds=_LAST, shares=(0.55, 0.0, 0.45), questions=6),
)
"""What the shipped model was trained on. The third was too broad and too short to teach much; it
stays because the weights went through it."""


def phase_at(phases: Sequence[Phase], step: int) -> Phase:
    """The phase that a step belongs to; steps after the end belong to the last."""
    for phase in phases:
        if step < phase.steps:
            return phase
        step -= phase.steps
    return phases[-1]


def first_steps(phases: Sequence[Phase], steps: int) -> tuple[Phase, ...]:
    """The phases cut off after a number of steps."""
    kept: list[Phase] = []
    for phase in phases:
        if steps <= 0:
            break
        kept.append(phase.model_copy(update={"steps": min(steps, phase.steps)}))
        steps -= phase.steps
    return tuple(kept)
