"""What the trainer tells a run while it trains a stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback


class Hooks(TrainerCallback):  # type: ignore[misc]
    """Passes the trainer's events on, and progress to the learner.

    Args:
        on_step: Called after each optimiser step.
        on_log: Called with (step, epoch, loss, lr).
        on_epoch: Called with the step when an epoch has ended, before its checkpoint.
        on_checkpoint: Called with (step, epoch) once its checkpoint is there.
    """

    def __init__(
        self,
        on_step: Callable[[], None],
        on_log: Callable[[int, float, float, float], None],
        on_epoch: Callable[[int], None],
        on_checkpoint: Callable[[int, float], None],
    ) -> None:
        self._step, self._log = on_step, on_log
        self._epoch, self._checkpoint = on_epoch, on_checkpoint

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        kwargs["model"].progress = state.global_step / state.max_steps

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._step()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if logs and "loss" in logs:
            self._log(state.global_step, state.epoch, logs["loss"], logs["learning_rate"])

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._epoch(state.global_step)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._checkpoint(state.global_step, state.epoch)
