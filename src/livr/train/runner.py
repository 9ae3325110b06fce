"""The stages of a run one after another, and the checkpoint that is kept."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import set_seed

from livr.config import TrainConfig
from livr.data.example import Example
from livr.evaluate.score import judge, score
from livr.files import write_json
from livr.method.stages import Stage, StagePlan
from livr.model.adapter import save_adapter
from livr.model.model import Model
from livr.train import processes
from livr.train.best import Best, Epoch
from livr.train.checkpoint import (
    DONE,
    WEIGHTS,
    clear_checkpoints,
    last_checkpoint,
    reached,
    recorded_seconds,
    restore,
    save_trainable,
)
from livr.train.dataset import EncodedSet, open_store
from livr.train.diverged import refuse_loss, refuse_weights
from livr.train.equip import Parts
from livr.train.hooks import Hooks
from livr.train.log import RunLog
from livr.train.progress import VALIDATION_COST, Listener, Meter
from livr.train.stage import Learner, run_stage

ENCODING_COST = 0.3
"""Reading an example's images once against one training step on it."""


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        path: Its folder; `livr.load(run.path)` gives the trained model.
        method: Name of the variant.
        train_seconds: Time spent training, validation included.
        val_accuracy: Validation accuracy of the kept checkpoint; None without val.jsonl.
        best_epoch: Epoch of the final stage that was kept.
    """

    path: Path
    method: str
    train_seconds: float
    val_accuracy: float | None
    best_epoch: float

    def __fspath__(self) -> str:
        return str(self.path)


def workload(config: TrainConfig, train: int, val: int) -> float:
    """Work of a run in the unit of `Progress`, for `train` and `val` examples."""
    epochs = sum(config.epochs)
    return ENCODING_COST * (train + val) + epochs * (train + VALIDATION_COST * val)


class Runner:
    """The state of one run; `run` takes it to its end.

    Args:
        model: The backbone with latents and adapters in place.
        plan: The stages.
        config: Every setting.
        out: The run folder; what it already holds is continued.
        examples: The training split.
        validation: The validation split, possibly empty.
        on_progress: Told how far the run is.
        parts: What sets and losses are made with.
    """

    def __init__(
        self,
        model: Model,
        plan: StagePlan,
        config: TrainConfig,
        out: Path,
        examples: Sequence[Example],
        validation: Sequence[Example],
        on_progress: Listener | None,
        parts: Parts,
    ) -> None:
        self.model, self.plan, self.config, self.out = model, plan, config, out
        self.parts = parts
        self.validation = validation
        self.log = RunLog(out)
        total = workload(config, len(examples), len(validation))
        self.meter = Meter(total, on_progress)
        self.store = open_store(model, config)
        self.train_set = self._encode(examples, answer=True)
        self.val_set = self._encode(validation, answer=False)
        self.best = Best(out / plan[-1].name)

    def _encode(self, examples: Sequence[Example], answer: bool) -> EncodedSet:
        return self.parts.dataset(
            self.model,
            examples,
            answer=answer,
            cache_vision=self.config.cache_vision,
            store=self.store,
            on_progress=lambda n: self.meter.advance(n * ENCODING_COST, "reading images"),
        )

    def run(self) -> Run:
        seconds = 0.0
        for stage in self.plan:
            # The latents' rows and dropout must not depend on how long earlier stages ran.
            set_seed(self.config.seed)
            seconds += self._stage(stage)
        return self._finish(seconds)

    def _stage(self, stage: Stage) -> float:
        folder = self.out / stage.name
        learner = self.parts.learner(self.model, stage, self.config)
        learner.train()
        if (folder / DONE).is_file():
            restore(learner, folder / DONE)
            self.meter.advance(
                stage.epochs * (len(self.train_set) + VALIDATION_COST * len(self.val_set)), "done"
            )
            self._remember_best(stage)
            seconds = recorded_seconds(folder / DONE)
        else:
            self._take_up(learner, stage, folder)
            seconds = run_stage(
                learner, self.train_set, stage, folder, self.config, self._hooks(learner, stage)
            )
            processes.by_first(lambda: save_trainable(learner, folder / DONE, seconds))
        processes.by_first(lambda: clear_checkpoints(folder))
        return seconds

    def _hooks(self, learner: Learner, stage: Stage) -> Hooks:
        step_size, rate = self.config.optim.batch_size, self.config.optim.lr * stage.rate
        return Hooks(
            on_step=lambda: self.meter.advance(step_size, f"{self.config.method} {stage.name}"),
            on_log=lambda *logged: self._note_loss(stage, *logged),
            on_epoch=lambda step: refuse_weights(learner, step, rate),
            on_checkpoint=lambda step, epoch: self._validate(stage, step, epoch),
        )

    def _take_up(self, learner: Learner, stage: Stage, folder: Path) -> None:
        """Make log and best epoch those of the checkpoint that a resumed stage starts from."""
        checkpoint = last_checkpoint(folder)
        step, epoch = reached(checkpoint) if checkpoint else (0, 0.0)
        names = [s.name for s in self.plan]
        later = set(names[names.index(stage.name) + 1 :])
        processes.by_first(lambda: self.log.forget_after(stage.name, step, later))
        self._remember_best(stage)
        processes.by_first(self.best.sweep)
        if checkpoint is not None and self.validation and not self.log.validated(stage.name, step):
            restore(learner, checkpoint / WEIGHTS)
            self._validate(stage, step, epoch)

    def _remember_best(self, stage: Stage) -> None:
        """Take the best epoch of the final stage from the log, where a resumed run left it."""
        if stage is self.plan[-1]:
            for event in self.log.events():
                if event["stage"] == stage.name and "val_accuracy" in event:
                    self.best.note(Epoch.of(event))

    def _note_loss(self, stage: Stage, step: int, epoch: float, loss: float, lr: float) -> None:
        refuse_loss(loss, step, stage.name, self.config.optim.lr * stage.rate)
        self.log.append(stage=stage.name, epoch=round(epoch, 4), step=step, loss=loss, lr=lr)

    def _validate(self, stage: Stage, step: int, epoch: float) -> None:
        """Accuracy of generated answers under the stage's rule, closed if it opens.

        Its checkpoint is there already: if this fails, a resumed run has only this to do again.
        """
        if not self.validation:
            return
        own, size = processes.own_share(len(self.val_set)), self.config.val_batch_size
        texts = processes.together(self.val_set.answers(size, stage.asked.name, own))
        rows = [judge(e, t) for e, t in zip(self.validation, texts, strict=True)]
        # As the log has it: a resumed run reads it from there, and must report the same.
        found = Epoch(score(rows).accuracy, round(epoch, 4), step)
        better = stage is self.plan[-1] and self.best.note(found)
        if better and processes.is_first() and self.best.place is not None:
            save_adapter(self.model, self.best.place)
        self.log.append(
            stage=stage.name,
            epoch=found.epoch,
            step=step,
            val_accuracy=found.accuracy,
            mask=stage.asked.name,
        )
        if better and processes.is_first():
            self.best.sweep()
        self.meter.advance(VALIDATION_COST * len(rows), f"{self.config.method} {stage.name}")

    def _finish(self, seconds: float) -> Run:
        last, found, best = self.plan[-1], self.best.found, self.best.place
        if self.config.checkpoint == "last" or best is None or not best.is_dir():
            found = best = None
        accuracies = [e["val_accuracy"] for e in self.log.events() if "val_accuracy" in e]
        run = Run(
            path=self.out,
            method=self.config.method,
            train_seconds=round(seconds, 3),
            val_accuracy=found.accuracy if found else accuracies[-1] if accuracies else None,
            best_epoch=found.epoch if found else last.epochs,
        )
        processes.by_first(lambda: self._write(run, best))
        return run

    def _write(self, run: Run, best: Path | None) -> None:
        """The kept adapter, and what there is to say about the run."""
        kept = self.out / "adapter"
        if best is not None:
            partial = self.out / "adapter.partial"
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(best, partial)
            # A finished run that is resumed has one, and so has one killed right after this.
            shutil.rmtree(kept, ignore_errors=True)
            partial.rename(kept)
        else:
            save_adapter(self.model, kept)
        learner = self.parts.learner(self.model, self.plan[-1], self.config)
        summary: dict[str, Any] = {
            "method": run.method,
            "seed": self.config.seed,
            "train_examples": len(self.train_set),
            "train_seconds": run.train_seconds,
            "val_accuracy": run.val_accuracy,
            "kept": "last" if best is None else "best",
            "epoch": run.best_epoch,
            "trainable_parameters": sum(p.numel() for p in learner.parameters() if p.requires_grad),
        }
        write_json(self.out / "train.json", summary)
