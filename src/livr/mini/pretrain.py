"""Pre-training of the embedded model: resumable, deterministic by seed and step.

AdamW moves embeddings, norms and the patch projection; Muon moves the matrices inside blocks,
which reaches the same loss in far fewer steps. The rate warms up, stays, and falls at the end, so
a longer run repeats the stable part of a shorter one exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import AutoModelForImageTextToText, PreTrainedTokenizerFast

from livr.errors import ConfigError
from livr.mini.folder import kept_tokenizer, save_checkpoint
from livr.mini.lesson import answers_right, lesson_logits
from livr.mini.log import PretrainLog
from livr.mini.muon import Muon
from livr.mini.recipe import PretrainConfig
from livr.mini.shape import build, shape
from livr.mini.steps import in_order, move, read_state, write_state
from livr.mini.stream import Lessons
from livr.mini.tokenizer import special_ids
from livr.mini.tower import SAVE_EVERY, train_tower
from livr.repeatable import repeatable

SPARE_ROWS = 64
"""Embedding rows beyond the tokenizer, so that latents need no larger matrix."""


@dataclass(frozen=True)
class Report:
    """What a listener hears after each step.

    Attributes:
        step: Steps done, those of what came first included.
        loss: Mean loss per answer token of the last step.
        accuracy: Share of answers right in the last step (fresh questions, never repeated).
    """

    step: int
    loss: float
    accuracy: float


def tower_weights(model: Any) -> list[nn.Parameter]:
    """Everything that turns pictures into the decoder's positions."""
    return list(model.model.visual.parameters())


def make_optimizers(model: Any, config: PretrainConfig) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside blocks unless it has no rate, AdamW for everything else.

    Each has a group for the tower and one for the rest; `rate` of a group is its highest.
    """
    tower = {id(w) for w in tower_weights(model)}
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, weight in model.named_parameters():
        inside = "layers" in name or "blocks" in name or "merger" in name
        groups.setdefault((inside and weight.ndim == 2, id(weight) in tower), []).append(weight)

    def of(matrices: bool, rate: float) -> list[dict[str, Any]]:
        return [
            {"params": groups[matrices, seen], "rate": rate * (config.tower_rate if seen else 1.0)}
            for seen in (False, True)
        ]

    adam: Any = {"lr": config.lr, "betas": (0.9, 0.98), "weight_decay": 0.0}
    if config.muon_lr is None:
        # One pass over memory; with a hundred million weights the update else takes seconds.
        return [torch.optim.AdamW(of(False, config.lr) + of(True, config.lr), fused=True, **adam)]
    return [
        Muon(of(True, config.muon_lr), lr=config.muon_lr, weight_decay=config.weight_decay),
        torch.optim.AdamW(of(False, config.lr), **adam),
    ]


@repeatable()
def pretrain(
    config: PretrainConfig,
    out: Path,
    *,
    export_to: Path | None = None,
    on_step: Callable[[Report], None] | None = None,
    on_tower: Callable[[int, float], None] | None = None,
    save_every: int = SAVE_EVERY,
    workers: int = 1,
) -> Path:
    """Train from the seed, or from the state in `out` if there is one.

    Args:
        config: The recipe. It may differ from that of a saved state only in what comes after it.
        out: Folder of the run: state, log, and the finished checkpoint in `checkpoint/`.
        export_to: Also write usable weights here at every save.
        on_step: Told about every step of the decoder.
        on_tower: Told (step, loss) about every step of the tower.
        save_every: Steps between saves.
        workers: Rendering processes; 0 renders in the main process.

    Returns:
        The folder of the finished checkpoint.

    Raises:
        ConfigError: No such size, or the state in `out` is damaged or another recipe's.
    """
    numbers = shape(config.size)
    out.mkdir(parents=True, exist_ok=True)
    saved = _saved(out / "state.pt", config)
    earlier = str(out / config.start_from) if config.start_from else None
    if config.base is not None:
        alike: Any = {"on_step": on_step, "on_tower": on_tower, "save_every": save_every}
        earlier = str(pretrain(config.base, out / "base", workers=workers, **alike))
    tokenizer = kept_tokenizer(out / "tokenizer", config.seed, earlier)
    model = _initial_model(config, earlier, tokenizer, out, workers, on_tower)
    optimizers, tower = make_optimizers(model, config), tower_weights(model)
    start = _restore(saved, model, optimizers)
    lessons = Lessons(tokenizer, numbers, config.seed, config.phases, share=config.batch)
    log = PretrainLog(out / "log.jsonl", start)
    model.train()
    for step, batch in enumerate(in_order(lessons, start, config.steps, workers), start):
        _set_rates(optimizers, config.rate(step))
        for weight in tower:
            weight.requires_grad_(config.frozen is not None and step >= config.frozen)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16):
            logits_NV = lesson_logits(model, batch)
        loss = cross_entropy(logits_NV.float(), batch.targets_N)
        move(loss, model.parameters(), optimizers)
        right = answers_right(logits_NV.detach(), batch)
        report = Report(config.before + step + 1, loss.item(), right.float().mean().item())
        log.add(step + 1, report.loss, batch.skills, right.tolist())
        if on_step is not None:
            on_step(report)
        if (step + 1) % save_every == 0 or step + 1 == config.steps:
            _save(out / "state.pt", config, step + 1, model, optimizers)
            if export_to is not None:
                save_checkpoint(model, tokenizer, numbers, export_to)
    save_checkpoint(model, tokenizer, numbers, out / "checkpoint")
    return out / "checkpoint"


def _set_rates(optimizers: list[torch.optim.Optimizer], factor: float) -> None:
    for group in (g for optimizer in optimizers for g in optimizer.param_groups):
        group["lr"] = group["rate"] * factor


def _initial_model(
    config: PretrainConfig,
    earlier: str | None,
    tokenizer: PreTrainedTokenizerFast,
    out: Path,
    workers: int,
    on_tower: Callable[[int, float], None] | None,
) -> Any:
    """The model before the first step: an earlier checkpoint, or the seed with its tower taught."""
    if earlier is not None:
        model: Any = AutoModelForImageTextToText.from_pretrained(earlier, dtype="float32")
        for part in (model.config.text_config, model.config.vision_config):
            part.dtype = None  # so that config.json stays what a model from the seed writes
        return model
    numbers = shape(config.size)
    model = build(numbers, special_ids(tokenizer), len(tokenizer) + SPARE_ROWS, config.seed)
    if config.tower_steps and not (out / "state.pt").is_file():
        seed, steps = config.seed, config.tower_steps
        train_tower(model, numbers, seed, steps, out, on_step=on_tower, workers=workers)
    return model


def _save(
    path: Path,
    config: PretrainConfig,
    step: int,
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
) -> None:
    state = {
        "config": config.model_dump(),
        "step": step,
        "model": model.state_dict(),
        "optimizers": [o.state_dict() for o in optimizers],
    }
    write_state(path, state)


def _saved(path: Path, config: PretrainConfig) -> dict[str, Any] | None:
    """The saved state of a run, if there is one; another recipe's is refused before work begins."""
    if not path.is_file():
        return None
    state = read_state(path)
    if not config.same_until(int(state["step"]), PretrainConfig.model_validate(state["config"])):
        raise ConfigError(f"{path} belongs to another recipe; choose another --out")
    return state


def _restore(
    state: dict[str, Any] | None, model: nn.Module, optimizers: list[torch.optim.Optimizer]
) -> int:
    """Load a saved state; returns the number of steps already done."""
    if state is None:
        return 0
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return int(state["step"])
