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
        notes: Decoder layer after which the pictures' own positions are to know what can be known
            before any question (`livr.mini.skills.base.Note`); 0 if they learn nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(ge=1)
    worlds: dict[str, float]
    shares: tuple[float, float, float] = (1.0, 0.0, 0.0)
    questions: int = Field(default=4, ge=1)
    lettered: float = Field(default=0.2, ge=0.0, le=1.0)
    notes: int = Field(default=0, ge=0)


LOOK_UPS = Phase(steps=150, worlds={"places": 1.0}, questions=3, lettered=0.0)
"""Where is a mark, and nothing else."""

_SINGLE = {"places": 1.0, "colors": 2.0, "fits": 2.0, "amounts": 2.0, "darker": 1.0}
_VIEWS = {"views": 1.0}
_LINKS = {"same_spot": 1.5, "same_part": 0.7, "views": 0.5}
_ALIKE = {"same_style": 0.8, "same_photo": 1.2, "fills": 0.8}
_SPOTS = {"found_spot": 3.0, "found_part": 0.8}
_LAST = {"scene": 1.5, "totals": 1.0, "styles": 0.5, "kinds": 0.5}

_TWO = Phase(steps=250, worlds=_SINGLE | _LINKS, shares=(0.55, 0.45, 0.0), lettered=0.0, notes=3)
_THREE = Phase(
    steps=950,
    worlds=_SINGLE | _LINKS | _ALIKE,
    shares=(0.35, 0.25, 0.4),
    questions=6,
    lettered=0.0,
    notes=3,
)
PHASES = (
    LOOK_UPS,
    _TWO.model_copy(update={"worlds": _SINGLE | _VIEWS, "shares": (0.8, 0.2, 0.0)}),
    _TWO,
    _THREE,
    _THREE.model_copy(
        update={"steps": 400, "worlds": _SINGLE | _SPOTS | _ALIKE, "shares": (0.25, 0.45, 0.3)}
    ),
    _THREE.model_copy(
        update={
            "steps": 300,
            "worlds": _SINGLE | _SPOTS | _ALIKE | _LAST,
            "shares": (0.35, 0.35, 0.3),
            "lettered": 0.2,
        }
    ),
)
"""What the shipped model is trained on: look-ups; judgements about one picture, and spots found
again in a second one; questions about that; three pictures, two of them alike; multiple choice.
What a phase has taught is asked on in the next: 500 steps without look-ups unlearn them."""

_ALL = _SINGLE | _ALIKE | _LAST
AGAIN = (
    _THREE.model_copy(
        update={
            "steps": 650,
            "worlds": _ALL | {"matches": 4.0, "found_part": 0.8, "flocks": 2.0},
            "shares": (0.35, 0.42, 0.23),
            "lettered": 0.1,
        }
    ),
)
"""What it is trained on once more, from the weights of `PHASES` and with a rate that rises and
falls anew: spots that places do not give away (`livr.mini.skills.matches`), and many of a kind."""


GRAFTED = (
    LOOK_UPS.model_copy(update={"steps": 1200}),
    Phase(steps=600, worlds=_SINGLE, questions=4, lettered=0.0),
    Phase(
        steps=1200,
        worlds=_ALL | {"matches": 2.0, "flocks": 1.0},
        shares=(0.45, 0.3, 0.25),
        questions=4,
        lettered=0.2,
    ),
)
"""What a language model learns that comes to the tower with its words: look-ups, judgements about
one picture, then all."""


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
