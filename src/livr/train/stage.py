"""One stage: `transformers.Trainer` on the answer loss under the stage's rule."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.tensorboard import SummaryWriter
from transformers import PrinterCallback, Trainer, TrainingArguments
from transformers.integrations import TensorBoardCallback

from livr.config import TrainConfig
from livr.errors import ConfigError
from livr.method.attention import rule
from livr.method.stages import Stage
from livr.model.batch import IGNORE, Batch
from livr.model.model import Model
from livr.train import processes
from livr.train.checkpoint import (
    WEIGHTS,
    is_last,
    last_checkpoint,
    recorded_seconds,
    restore,
    save_trainable,
)
from livr.train.dataset import EncodedSet, collator
from livr.train.hooks import Hooks
from livr.train.sampler import FilledUp, SortedSteps, random_order

SMALL_MODEL = 100_000_000
"""Below this number of parameters a whole optimiser step fits one forward pass."""


class Learner(nn.Module):
    """What the trainer moves: the model and its latents under a stage's rule.

    Attributes:
        progress: Share of the stage's steps that are done; the trainer keeps it up to date.

    `forward` returns the negative log likelihood of every answer token of the batch, (N,).
    """

    def __init__(self, model: Model, stage: Stage, config: TrainConfig) -> None:
        super().__init__()
        self.hf = model.hf
        self.latents = model.latents
        self.model = model
        self.stage = stage
        self.progress = 0.0
        self.evaluation = config.bottleneck

    def forward(self, batch: Batch) -> Tensor:
        roles_BT = self.stage.roles(batch.roles_BT)
        noisy = self.latents.noisy(self.stage.noise) if self.latents is not None else nullcontext()
        with noisy, rule(self.stage.rule(self.progress), roles_BT, self.evaluation):
            logits = self.model.answer_logits(batch)
        return cross_entropy(logits.float(), batch.targets_N, reduction="none")

    def trainable(self) -> dict[str, Tensor]:
        """Everything that moves: LoRA (or the language model) and the K rows."""
        return {n: p.detach() for n, p in self.named_parameters() if p.requires_grad}


def mean_over_answers(
    losses_N: Tensor, labels_BT: Tensor, num_items_in_batch: Tensor | int | None = None
) -> Tensor:
    """Mean over the answer tokens of the whole optimiser step, however it is accumulated."""
    count = num_items_in_batch if num_items_in_batch is not None else (labels_BT != IGNORE).sum()
    return losses_N.sum() / count


class StageTrainer(Trainer):  # type: ignore[misc]
    """A `Trainer` whose checkpoints hold only what moves, and the time it took.

    Attributes:
        started: When the stage began by `time.monotonic`; earlier by the time before an
            interruption.
    """

    started = 0.0

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        if not self.args.should_save:
            return
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        learner = self.accelerator.unwrap_model(self.model)
        save_trainable(learner, folder / WEIGHTS, time.monotonic() - self.started)

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        size, count = self.args.train_batch_size, self.args.world_size
        step = size * self.args.gradient_accumulation_steps
        lengths = self.train_dataset.lengths() if 1 < size < step else None
        if lengths is not None:
            order: Any = SortedSteps(lengths, step * count, self.args.data_seed)
        elif count == 1:
            return super()._get_train_sampler(train_dataset)
        else:
            order = random_order(len(self.train_dataset), self.args.data_seed)
        return order if count == 1 else FilledUp(order, size * count)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        learner = self.accelerator.unwrap_model(model or self.model)
        restore(learner, Path(resume_from_checkpoint) / WEIGHTS)


def per_device(config: TrainConfig, model: Model) -> int:
    """Examples per forward pass: as set, or all of a process at once if the model is small.

    Raises:
        ConfigError: The batch cannot be shared out evenly among processes and passes.
    """
    each = processes.examples_each(config.optim.batch_size)
    given = config.optim.per_device
    if given is None:
        size = sum(p.numel() for p in model.hf.parameters())
        return each if size < SMALL_MODEL else 1
    if each % given:
        raise ConfigError(
            f"optim.per_device={given} does not divide the {each} examples of an optimiser step "
            "that each process takes"
        )
    return given


def arguments(config: TrainConfig, stage: Stage, folder: Path, per_device: int) -> Any:
    """The trainer's arguments: each stage has its own warm-up and cosine (appendix B)."""
    optim = config.optim
    given = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=stage.epochs,
        per_device_train_batch_size=per_device,
        gradient_accumulation_steps=processes.examples_each(optim.batch_size) // per_device,
        learning_rate=optim.lr * stage.rate,
        weight_decay=optim.weight_decay,
        adam_beta1=optim.beta1,
        adam_beta2=optim.beta2,
        adam_epsilon=optim.eps,
        max_grad_norm=optim.max_grad_norm,
        optim="adamw_torch",
        lr_scheduler_type="cosine",
        warmup_steps=optim.warmup,
        seed=config.seed,
        data_seed=config.seed,
        save_strategy="epoch",
        save_total_limit=1,
        logging_strategy="steps",
        logging_steps=10,
        logging_first_step=True,
        # It would log the losses before for one that is not a number, and hide a divergence.
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        log_level="error",
        use_cpu=not torch.cuda.is_available(),
    )
    # One GPU per process. Otherwise the trainer would spread each forward pass over all GPUs it
    # sees with DataParallel, which cannot cut a `Batch`.
    given._n_gpu = min(given._n_gpu, 1)
    # `accelerate launch` asks for autocast by the environment. The precision is the model's own.
    given.mixed_precision = "no"
    return given


def recompute(hf: Any) -> None:
    """Recompute activations in the backward pass, those of what trains only.

    transformers also makes the first layers' outputs need gradients, the vision tower's too, which
    would then be passed through backwards for nothing. Only reentrant checkpoints need that.
    """
    if not hf.is_activation_checkpointing:
        hf.activation_checkpointing_enable({"use_reentrant": False})
        hf.disable_input_require_grads()


def run_stage(
    learner: Learner,
    data: EncodedSet,
    stage: Stage,
    folder: Path,
    config: TrainConfig,
    hooks: Hooks,
) -> float:
    """Train one stage to its end, from its last complete checkpoint if there is one.

    Returns:
        Seconds spent on the stage, those before an interruption included.
    """
    started = time.monotonic()
    checkpoint = last_checkpoint(folder)
    if checkpoint is not None:
        started -= recorded_seconds(checkpoint / WEIGHTS)
        if is_last(checkpoint):
            # The trainer would begin the rest of an epoch that was to be trained in part only.
            restore(learner, checkpoint / WEIGHTS)
            return time.monotonic() - started
    size = per_device(config, learner.model)
    callbacks: list[Any] = [hooks]
    board: Any = nullcontext()
    if processes.is_first():
        board = SummaryWriter(str(folder.parent / "tensorboard" / stage.name))
        callbacks.append(TensorBoardCallback(board))
    trainer = StageTrainer(
        model=learner,
        args=arguments(config, stage, folder, size),
        train_dataset=data,
        data_collator=collator(data, stage.prefix),
        compute_loss_func=mean_over_answers,
        callbacks=callbacks,
    )
    trainer.started = started
    trainer.remove_callback(PrinterCallback)
    processes.draw_apart(config.seed)
    if config.gradient_checkpointing:
        recompute(learner.hf)
    # A board that is left open writes on beside whatever comes after an error.
    with board:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    return time.monotonic() - started
