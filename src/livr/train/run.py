"""A whole training run: data, latents, adapters, stages, the checkpoint that is kept."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import set_seed

from livr.config import TrainConfig, dump
from livr.data.example import Example
from livr.data.store import load_split
from livr.errors import ConfigError, DataError
from livr.evaluate.score import judge, score
from livr.method.stages import Stage, StagePlan
from livr.method.variants import Variant, variant
from livr.model.adapter import add_lora, save_adapter, train_decoder
from livr.model.load import load
from livr.model.model import Model
from livr.train.dataset import EncodedSet
from livr.train.log import RunLog
from livr.train.progress import VALIDATION_COST, Listener, Meter
from livr.train.stage import Hooks, Learner, last_checkpoint, restore, run_stage, save_trainable

_DONE = "final.safetensors"
_ENCODING_COST = 0.3


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
    return _ENCODING_COST * (train + val) + epochs * (train + VALIDATION_COST * val)


def train(
    config: TrainConfig,
    *,
    model: Model | None = None,
    resume: bool = False,
    on_progress: Listener | None = None,
) -> Run:
    """Train as `config` says and write the run folder `config.out`.

    Args:
        config: Everything about the run; `data` and `out` must be set.
        model: An already loaded backbone, to be trained in place; default: load config.model.
        resume: Continue a run that was interrupted, from its last complete checkpoint.
        on_progress: Told how far the run is.

    Raises:
        ConfigError: Settings contradict each other or the run folder.
        DataError: The data set is wrong.
        ModelError: The backbone cannot be loaded.
    """
    config = _with_whole_paths(config)
    if config.data is None or config.out is None:
        raise ConfigError("a run needs both data (--data) and a folder to write to (--out)")
    arm = variant(config.method)
    plan = arm.plan(config.epochs)
    if not plan:
        raise ConfigError(f"method {arm.name} trains nothing; use livr eval on the model itself")
    examples, validation = _load_data(config.data)
    out = _prepare(config, config.out, resume)
    set_seed(config.seed)
    if model is None:
        model = load(
            config.model,
            max_pixels=config.max_pixels,
            dtype=config.dtype,
            trust_remote_code=config.trust_remote_code,
        )
    _equip(model, arm, config)
    dump(config, out / "config.yaml")
    return _Runner(model, plan, config, out, examples, validation, on_progress).run()


def _with_whole_paths(config: TrainConfig) -> TrainConfig:
    """Paths in a run folder must mean the same wherever it is opened from."""
    folder = Path(config.model)
    model = str(folder.resolve()) if folder.is_dir() else config.model
    data = config.data.resolve() if config.data is not None else None
    out = config.out.resolve() if config.out is not None else None
    return config.model_copy(update={"model": model, "data": data, "out": out})


def _load_data(folder: Path) -> tuple[list[Example], list[Example]]:
    examples = load_split(folder, "train")
    if not examples:
        raise DataError(f"{folder / 'train.jsonl'} is empty")
    has_val = (folder / "val.jsonl").is_file()
    return examples, load_split(folder, "val") if has_val else []


def _prepare(config: TrainConfig, out: Path, resume: bool) -> Path:
    exists = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if exists and not resume:
        raise ConfigError(f"{out} exists already; choose another --out, or continue with --resume")
    if resume and not (out / "config.yaml").is_file():
        raise ConfigError(f"nothing to resume: {out} has no config.yaml")
    if resume:
        partial = out / "resumed.yaml"
        dump(config, partial)
        same = partial.read_text(encoding="utf-8") == (out / "config.yaml").read_text("utf-8")
        partial.unlink()
        if not same:
            raise ConfigError(f"{out} was started with other settings than these; see config.yaml")
    out.mkdir(parents=True, exist_ok=True)
    return out


def _equip(model: Model, arm: Variant, config: TrainConfig) -> None:
    """Latents if the variant has them, and what trains."""
    if arm.latents and model.latents is None:
        model.add_latents(config.latents, config.seed)
    if not arm.latents and model.latents is not None:
        raise ConfigError(f"method {arm.name} has no latents, but the model brings some")
    if config.tune == "lora":
        add_lora(model, config.lora)
    else:
        train_decoder(model)


class _Runner:
    """The state of one run."""

    def __init__(
        self,
        model: Model,
        plan: StagePlan,
        config: TrainConfig,
        out: Path,
        examples: Sequence[Example],
        validation: Sequence[Example],
        on_progress: Listener | None,
    ) -> None:
        self.model, self.plan, self.config, self.out = model, plan, config, out
        self.validation = validation
        self.log = RunLog(out)
        total = workload(config, len(examples), len(validation))
        self.meter = Meter(total, on_progress)
        self.train_set = self._encode(examples, answer=True)
        self.val_set = self._encode(validation, answer=False)
        self.best: tuple[float, float] | None = None

    def _encode(self, examples: Sequence[Example], answer: bool) -> EncodedSet:
        return EncodedSet(
            self.model,
            examples,
            answer=answer,
            cache_vision=self.config.cache_vision,
            on_progress=lambda n: self.meter.advance(n * _ENCODING_COST, "reading images"),
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
        learner = Learner(self.model, stage, self.config)
        learner.train()
        if (folder / _DONE).is_file():
            restore(learner, folder / _DONE)
            self.meter.advance(
                stage.epochs * (len(self.train_set) + VALIDATION_COST * len(self.val_set)), "done"
            )
            return self._recorded_seconds(folder)
        self._rewind(stage, folder)
        started = time.monotonic()
        step_size = self.config.optim.batch_size
        hooks = Hooks(
            on_step=lambda: self.meter.advance(step_size, f"{self.config.method} {stage.name}"),
            on_log=lambda step, epoch, loss, lr: self.log.append(
                stage=stage.name, epoch=round(epoch, 4), step=step, loss=loss, lr=lr
            ),
            on_epoch=lambda step, epoch: self._validate(stage, step, epoch),
        )
        run_stage(learner, self.train_set, stage, folder, self.config, hooks)
        seconds = time.monotonic() - started
        save_trainable(learner, folder / _DONE, {"seconds": f"{seconds:.3f}"})
        return seconds

    @staticmethod
    def _recorded_seconds(folder: Path) -> float:
        from safetensors import safe_open

        with safe_open(folder / _DONE, "pt") as file:
            return float((file.metadata() or {}).get("seconds", "nan"))

    def _rewind(self, stage: Stage, folder: Path) -> None:
        """Make the log and the best epoch those of the checkpoint a resumed stage starts from."""
        checkpoint = last_checkpoint(folder)
        step = int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0
        names = [s.name for s in self.plan]
        later = set(names[names.index(stage.name) + 1 :])
        if self.log.path.is_file():
            self.log.forget_after(stage.name, step, later)
        if stage is self.plan[-1]:
            for event in self.log.events():
                if event["stage"] == stage.name and "val_accuracy" in event:
                    self._note_best(event["val_accuracy"], event["epoch"])

    def _note_best(self, accuracy: float, epoch: float) -> bool:
        if self.best is None or accuracy > self.best[0]:
            self.best = (accuracy, epoch)
            return True
        return False

    def _validate(self, stage: Stage, step: int, epoch: float) -> None:
        """Accuracy of generated answers under the stage's own rule."""
        if not self.validation:
            return
        texts = self.val_set.answers(32, stage.policy.name)
        rows = [judge(e, t) for e, t in zip(self.validation, texts, strict=True)]
        accuracy = score(rows).accuracy
        self.log.append(
            stage=stage.name,
            epoch=round(epoch, 4),
            step=step,
            val_accuracy=accuracy,
            mask=stage.policy.name,
        )
        self.meter.advance(VALIDATION_COST * len(rows), f"{self.config.method} {stage.name}")
        if stage is self.plan[-1] and self._note_best(accuracy, epoch):
            save_adapter(self.model, self.out / stage.name / "best")

    def _finish(self, seconds: float) -> Run:
        last = self.plan[-1]
        best = self.out / last.name / "best"
        keep_best = self.config.checkpoint == "best" and best.is_dir()
        if keep_best:
            shutil.copytree(best, self.out / "adapter.partial", dirs_exist_ok=True)
            (self.out / "adapter.partial").rename(self.out / "adapter")
        else:
            save_adapter(self.model, self.out / "adapter")
        accuracies = [e for e in self.log.events() if "val_accuracy" in e]
        final = accuracies[-1]["val_accuracy"] if accuracies else None
        run = Run(
            path=self.out,
            method=self.config.method,
            train_seconds=round(seconds, 3),
            val_accuracy=self.best[0] if keep_best and self.best else final,
            best_epoch=self.best[1] if keep_best and self.best else last.epochs,
        )
        summary: dict[str, Any] = {
            "method": run.method,
            "seed": self.config.seed,
            "train_examples": len(self.train_set),
            "train_seconds": run.train_seconds,
            "val_accuracy": run.val_accuracy,
            "kept": "best" if keep_best else "last",
            "epoch": run.best_epoch,
            "trainable_parameters": sum(
                p.numel()
                for p in Learner(self.model, last, self.config).parameters()
                if p.requires_grad
            ),
        }
        text = json.dumps(summary, indent=2) + "\n"
        (self.out / "train.json").write_text(text, encoding="utf-8")
        return run
