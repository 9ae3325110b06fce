"""Training that diverged: it is stopped before anything of it is kept."""

from __future__ import annotations

import math

import torch

from livr.errors import LivrError
from livr.train.stage import Learner


class DivergedError(LivrError):
    """The same run would come to the same end again."""


def refuse_loss(loss: float, step: int, stage: str, rate: float) -> None:
    """Refuse a loss that is infinite or not a number.

    Args:
        loss: The mean since the last one; a single step that failed makes it fail.
        step: When it was logged.
        stage: Name of the stage.
        rate: Peak learning rate, for the message.

    Raises:
        DivergedError: It is one.
    """
    if not math.isfinite(loss):
        raise _diverged("the loss is not a finite number", step, stage, rate)


@torch.no_grad()
def refuse_weights(learner: Learner, step: int, rate: float) -> None:
    """Refuse weights that nothing can be computed with: losses are not logged after every step.

    Args:
        learner: What moves.
        step: Steps done in its stage.
        rate: Peak learning rate, for the message.

    Raises:
        DivergedError: There are some.
    """
    # A sum of squares is not finite either where weights are so large that a forward pass fails.
    # One sum for all, so that a GPU is waited for once.
    sizes = [weight.float().square().sum() for weight in learner.trainable().values()]
    if not torch.stack(sizes).sum().isfinite():
        raise _diverged("weights are infinite or too large", step, learner.stage.name, rate)


def _diverged(what: str, step: int, stage: str, rate: float) -> DivergedError:
    return DivergedError(
        f"{what} at step {step} of {stage}: training diverged. Lower optim.lr ({rate:g} now) and "
        "start again"
    )
