"""Whole training runs to compare: ours, with one optimisation taken out at a time, and TRL's.

TRL gets the same model, prompts, answers, LoRA targets, starting weights, batch, order of the data,
optimiser and schedule. It has no bottleneck, so a run of LIVR's two stages stands beside TRL with
latents as trainable token rows under plain causal attention, for as many epochs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import embedding
from transformers import AutoModelForImageTextToText, PrinterCallback, Trainer, set_seed
from transformers.utils import logging

from livr.backbones.backbone import lora_targets
from livr.backbones.family import family_of
from livr.backbones.processor import load_processor
from livr.config import TrainConfig
from livr.data.example import Example
from livr.data.store import load_split, write_dataset
from livr.method.latents import Latents, token_names
from livr.method.variants import variant
from livr.model import model as asking
from livr.model.load import load
from livr.train.equip import equip, stages_of
from livr.train.log import RunLog
from livr.train.run import train
from livr.train.stage import StageTrainer, arguments
from parts.checkpoint import BENCH, SHORT, examples, write_checkpoint
from parts.child import peak_bytes

EPOCHS = {"sft": (10.0,), "latents_only": (10.0,), "livr": (4.0, 6.0)}
"""Passes over the data by method, ten in all (appendix B)."""
SHARED = (
    "num_train_epochs",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "learning_rate",
    "weight_decay",
    "adam_beta1",
    "adam_beta2",
    "adam_epsilon",
    "max_grad_norm",
    "optim",
    "lr_scheduler_type",
    "warmup_steps",
    "seed",
    "data_seed",
    "logging_strategy",
    "logging_steps",
    "logging_first_step",
    "disable_tqdm",
    "log_level",
    "dataloader_pin_memory",
)
"""Arguments of the trainer that TRL gets from ours."""


@dataclass(frozen=True)
class Arm:
    """One way to train.

    Attributes:
        method: Our variant, or the one that TRL imitates.
        trl: Whether TRL trains.
        settings: Changes to our settings, or to TRL's `SFTConfig`.
        without: An optimisation to take out that has no setting, see `without`.
    """

    method: str
    trl: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    without: str | None = None


@dataclass(frozen=True)
class Job:
    """What all arms train on.

    Attributes:
        folder: Holds `checkpoint`, `data` and what `prepare` wrote for TRL.
        batch: Examples per optimiser step.
    """

    folder: str
    batch: int


def settings(arm: Arm, job: Job, out: Path) -> TrainConfig:
    """Our settings. No dropout, and a rate at which ten epochs of a few examples move the loss."""
    values = {
        "method": arm.method,
        "epochs": EPOCHS[arm.method],
        "model": f"{job.folder}/checkpoint",
        "data": f"{job.folder}/data",
        "out": out,
        "lora": {"dropout": 0.0},
        "optim": {"batch_size": job.batch, "lr": 3e-3},
    }
    own = {} if arm.trl else dict(arm.settings)
    values["optim"] |= own.pop("optim", {})
    return TrainConfig.model_validate(values | own)


def rows(short: bool, count: int) -> list[Example]:
    """Questions about pictures of several sizes, in turn."""
    sizes = (16, 20, 24, 36) if short else (256, 288, 320, 400)
    several = [examples(count, tokens) for tokens in sizes]
    return [several[i % len(sizes)][i] for i in range(count)]


def prepare(job: Job, short: bool, count: int) -> int:
    """Write checkpoint and data, and for TRL our starting weights and prompts.

    Returns:
        Parameters of the model.
    """
    logging.disable_progress_bar()
    folder = Path(job.folder)
    write_checkpoint(SHORT if short else BENCH, folder / "checkpoint")
    write_dataset(folder / "data", {"train": rows(short, count)})
    for method in ("sft", "latents_only"):
        config = settings(Arm(method), job, folder / "unused")
        set_seed(config.seed)
        model = load(config.model)
        size = sum(weight.numel() for weight in model.hf.parameters())
        equip(model, variant(method), config)
        start = {n: p.detach() for n, p in model.hf.named_parameters() if p.requires_grad}
        if model.latents is not None:
            start["latents"] = model.latents.rows.detach()
        save_file({n: w.contiguous() for n, w in start.items()}, folder / f"{method}.safetensors")
        end = model.tokenizer.convert_ids_to_tokens(model.encoder.end_of_turn)
        texts = [
            {"prompt": model.encoder.prompt_text(row), "completion": row.answer + end}
            for row in load_split(folder / "data", "train")
        ]
        (folder / f"{method}.json").write_text(json.dumps(texts), encoding="utf-8")
    return size


def measure(arm: Arm, job: Job) -> dict[str, Any]:
    """Train from data on disk to trained weights, the loading of the model left out.

    Returns:
        `seconds`; `bytes`, the peak above what the libraries take; `losses`, as logged: the
        first step, then means over ten.
    """
    logging.disable_progress_bar()
    before = peak_bytes()
    with TemporaryDirectory() as folder:
        seconds, losses = (_trl if arm.trl else _ours)(arm, job, Path(folder) / "run")
    return {"seconds": seconds, "bytes": peak_bytes() - before, "losses": losses}


def _ours(arm: Arm, job: Job, out: Path) -> tuple[float, list[float]]:
    config = settings(arm, job, out)
    model = load(config.model)
    start = time.perf_counter()
    with without(arm.without):
        train(config, model=model)
    seconds = time.perf_counter() - start
    return seconds, [event["loss"] for event in RunLog(out).events() if "loss" in event]


def _trl(arm: Arm, job: Job, out: Path) -> tuple[float, list[float]]:
    from datasets import Dataset, Image, List, disable_progress_bars
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    disable_progress_bars()
    config = settings(arm, job, out)
    has_latents = variant(arm.method).latents
    dtype = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    hf = AutoModelForImageTextToText.from_pretrained(config.model, dtype=dtype)
    processor = load_processor(config.model, family=family_of(hf.config.model_type))
    first = len(processor.tokenizer)
    ids = list(range(first, first + config.latents.num)) if has_latents else None
    if has_latents:
        processor.tokenizer.add_tokens(token_names(config.latents.num), special_tokens=True)
    start = time.perf_counter()
    texts = json.loads(Path(job.folder, f"{arm.method}.json").read_text(encoding="utf-8"))
    found = load_split(Path(job.folder) / "data", "train")
    lines = [t | {"images": list(map(str, e.images))} for t, e in zip(texts, found, strict=True)]
    data = Dataset.from_list(lines).cast_column("images", List(Image()))
    (stage,) = stages_of(variant(arm.method), config)
    size = config.optim.per_device or config.optim.batch_size
    same = arguments(config, stage, out, size)
    options = {
        "save_strategy": "no",
        "bf16": False,
        "gradient_checkpointing": False,
        "max_length": None,
        "completion_only_loss": True,
        "report_to": "none",
    }
    options |= {name: getattr(same, name) for name in SHARED}
    trainer = SFTTrainer(
        model=hf,
        args=SFTConfig(output_dir=str(out), **(options | dict(arm.settings))),
        train_dataset=data,
        processing_class=processor,
        peft_config=LoraConfig(
            r=config.lora.r,
            lora_alpha=config.lora.alpha,
            lora_dropout=config.lora.dropout,
            target_modules=lora_targets(hf),
            trainable_token_indices={"embed_tokens": ids} if ids else None,
            task_type="CAUSAL_LM",
        ),
    )
    trainer.remove_callback(PrinterCallback)
    head = trainer.model.get_output_embeddings()
    if not hasattr(head, "bias"):
        # TRL's output layer asks for it; peft's wrapper around a tied one has none (TRL 1.16).
        head.bias = None
    set_start(trainer.model, load_file(Path(job.folder) / f"{arm.method}.safetensors"))
    trainer.train()
    seconds = time.perf_counter() - start
    return seconds, [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


@torch.no_grad()
def set_start(model: nn.Module, start: Mapping[str, Tensor]) -> None:
    """Give peft's weights the values that ours start from; every one must have its match."""
    left = dict(start)
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            is_row = "trainable_tokens_delta" in name
            weight.copy_(left.pop("latents" if is_row else name.removeprefix("base_model.model.")))
    assert not left, sorted(left)


@contextmanager
def without(name: str | None) -> Iterator[None]:
    """Take one optimisation out.

    Args:
        name: `answer_scores`: score every position, then choose. `overlay`: put the latents' rows
            into a copy of the embedding matrix, as peft does. `sorting`: batches in random order.
    """
    if name is None:
        yield
        return
    target, attribute, instead = {
        "answer_scores": (asking, "logits_where", _logits_everywhere),
        "overlay": (Latents, "attach", _attach_copying),
        "sorting": (StageTrainer, "_get_train_sampler", Trainer._get_train_sampler),
    }[name]
    with patch.object(target, attribute, instead):
        yield


def _logits_everywhere(hf: Any, inputs: Mapping[str, Any], keep_BT: Tensor) -> Tensor:
    logits: Tensor = hf(**inputs, use_cache=False).logits
    return logits[keep_BT]


def _attach_copying(latents: Latents, table: nn.Module) -> Any:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        ids_K = torch.tensor(list(latents.ids), device=output.device)
        rows_KD = latents.rows_KD().to(output.dtype)
        return embedding(inputs[0], torch.index_copy(module.weight, 0, ids_K, rows_KD))

    return table.register_forward_hook(hook)
