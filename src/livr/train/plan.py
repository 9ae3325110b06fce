"""What a run would do and what it would cost, before it does it."""

from __future__ import annotations

import math
import os
import resource
import statistics
import sys
from collections.abc import Sequence
from random import Random

import torch

from livr.backbones.four_bit import need_four_bit
from livr.config import TrainConfig
from livr.data.example import Example
from livr.data.store import load_split
from livr.errors import ConfigError
from livr.method.stages import StagePlan
from livr.method.variants import Variant, variant
from livr.model.encoder import Encoded
from livr.model.model import Model
from livr.train import estimate
from livr.train.cost import Cost, Plan
from livr.train.dataset import CACHE_LIMIT_BYTES
from livr.train.equip import equip, parts_of, stages_of
from livr.train.folder import check_target, with_whole_paths
from livr.train.measure import Measured, measure
from livr.train.stage import Learner, per_device
from livr.train.start import load_base, refuse_run

_COUNTED, _TIMED = 64, 8


def plan_run(config: TrainConfig, gpu: str | None = None, resume: bool = False) -> Plan:
    """Load model and data, take a few steps without changing anything, and describe the run.

    Args:
        config: The run.
        gpu: Also estimate for this GPU: A100, H100 or RTX 6000 Ada.
        resume: Whether the run would continue one in its folder.

    Raises:
        LivrError: Whatever would stop the run itself.
    """
    if config.data is None:
        raise ConfigError("a run needs data (--data)")
    refuse_run(config.model)
    # As the run itself sees them; what is shown keeps the names that were typed.
    whole = with_whole_paths(config)
    if whole.out is not None:
        check_target(whole, whole.out, resume)
    if config.load_in_4bit:
        need_four_bit()
    card = None if gpu is None else estimate.find_gpu(gpu)
    arm = variant(config.method)
    stages = stages_of(arm, config)
    examples = load_split(config.data, "train")
    if not examples:
        raise ConfigError(f"{config.data / 'train.jsonl'} is empty")
    has_val = (config.data / "val.jsonl").is_file()
    validation = load_split(config.data, "val") if has_val else []
    model = _equipped(config, arm)
    encoded = model.encode(_some(examples, _COUNTED), "keep", answer=True)
    lengths = sorted(map(len, encoded))
    tokens = (lengths[0], statistics.median(lengths), lengths[-1])
    parts = parts_of(arm, config)
    learner = parts.learner(model, stages[0], config)
    size = estimate.sizes(model.hf, _trainable(learner), config.tune == "full")
    # A forward pass is as long as its longest example, so the sample fills one.
    timed = _some(examples, max(_TIMED, min(per_device(config, model), _COUNTED)))
    sample = parts.dataset(model, timed, cache_vision=config.cache_vision)
    answers = min(config.val_batch_size, len(validation))
    found = measure(learner, sample, stages, config, answers)
    counts = (len(examples), len(validation))
    costs = [_here(found, counts, stages, config)]
    if card is not None:
        costs.append(_on(card, size, encoded, found, counts, stages, config, model))
    steps = tuple(
        math.ceil(math.ceil(len(examples) / config.optim.batch_size) * s.epochs) for s in stages
    )
    facts = _facts(config, arm, stages, steps, encoded, model, counts, size)
    if config.cache_vision:
        facts["image features"] = _where_features_go(found.feature_bytes, counts, config)
    return Plan(
        facts=facts,
        steps=steps,
        stage_names=tuple(s.name for s in stages),
        trainable=size.trainable,
        tokens=tokens,
        costs=tuple(costs),
    )


def _equipped(config: TrainConfig, arm: Variant) -> Model:
    model = load_base(config)
    equip(model, arm, config)
    if config.gradient_checkpointing:
        model.hf.gradient_checkpointing_enable({"use_reentrant": False})
    return model


def _trainable(learner: Learner) -> int:
    return sum(p.numel() for p in learner.parameters() if p.requires_grad)


def _some(examples: Sequence[Example], count: int) -> list[Example]:
    """A random sample, the same every time: rows may take turns (tasks of a mixture do)."""
    return Random(0).sample(examples, min(count, len(examples)))


def _facts(
    config: TrainConfig,
    arm: Variant,
    stages: StagePlan,
    steps: Sequence[int],
    encoded: Sequence[Encoded],
    model: Model,
    counts: tuple[int, int],
    size: estimate.Sizes,
) -> dict[str, str]:
    facts = {
        "method": f"{arm.name} ({arm.source})",
        "model": f"{config.model}, {size.total:,} parameters; {size.trainable:,} train",
        "data": f"{counts[0]} to train on, {counts[1]} to validate",
        "tokens per example": f"{_spread([len(e) for e in encoded])} (of {len(encoded)} examples)",
        "image tokens": _spread([e.num_image_tokens for e in encoded]),
        "forward pass": f"{per_device(config, model)} example(s) of a batch of "
        f"{config.optim.batch_size}",
    }
    for stage, count in zip(stages, steps, strict=True):
        facts[stage.name] = f"{stage.epochs:g} epochs, {count} steps, mask {stage.policy.name}"
    return facts


def _here(
    found: Measured,
    counts: tuple[int, int],
    stages: StagePlan,
    config: TrainConfig,
) -> Cost:
    """From real steps on this machine."""
    train, val = counts
    features = _in_memory(found.feature_bytes, counts, config)
    updates = math.ceil(train / config.optim.batch_size) * found.update_seconds
    seconds = tuple(
        stage.epochs * (train * step + updates + val * found.answer_seconds)
        for stage, step in zip(stages, found.step_seconds, strict=True)
    )
    if torch.cuda.is_available():
        name, used = torch.cuda.get_device_name(), torch.cuda.max_memory_allocated()
        limit = torch.cuda.get_device_properties(0).total_memory
    else:
        name, used = "this machine", _peak_bytes()
        limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    # The steps just taken, on the longest examples, are in the peak; the features are not.
    memory = used + features
    reading = found.read_seconds * sum(counts)
    return Cost(name, "from a few steps", reading, seconds, memory, limit)


def _on(
    gpu: estimate.Gpu,
    size: estimate.Sizes,
    encoded: Sequence[Encoded],
    found: Measured,
    counts: tuple[int, int],
    stages: StagePlan,
    config: TrainConfig,
    model: Model,
) -> Cost:
    """From a data sheet."""
    question = estimate.Question(
        tokens=statistics.mean(map(len, encoded)),
        answer=statistics.mean(len(e) - e.answer_start for e in encoded),
        patches=statistics.mean(_patches(e) for e in encoded),
    )
    half = model.hf.dtype == torch.bfloat16
    there = 4 if config.load_in_4bit else size.weight_bytes
    per_example = found.feature_bytes * there / (2 if half else 4)
    features = _in_memory(per_example, counts, config)
    reading, epoch = estimate.epoch_seconds(
        gpu, size, question, counts, per_device(config, model),
        checkpointing=config.gradient_checkpointing,
        features_kept=bool(features or _on_disk(per_example, counts, config)),
    )  # fmt: skip
    activations = found.activation_bytes / (estimate.HALF_SHARE if half else 1)
    memory = estimate.gpu_memory(size, activations, features, config.load_in_4bit)
    seconds = tuple(stage.epochs * epoch for stage in stages)
    return Cost(
        gpu.name, "estimated, within a factor of about two", reading, seconds, memory, gpu.memory
    )


def _patches(row: Encoded) -> int:
    """Positions of the vision tower: rows of pixel values where a family keeps them so."""
    pixels = row.images.get("pixel_values")
    flat = pixels is not None and pixels.ndim == 2
    return int(pixels.shape[0]) if flat and pixels is not None else 4 * row.num_image_tokens


def _on_disk(per_example: float, counts: tuple[int, int], config: TrainConfig) -> float:
    """Bytes of image features in the vision cache; 0 where they do not fit."""
    total = per_example * sum(counts)
    return total if total <= config.vision_cache_gib * 2**30 else 0.0


def _in_memory(per_example: float, counts: tuple[int, int], config: TrainConfig) -> float:
    """Bytes of image features kept in memory: where the vision cache is too small for them."""
    if _on_disk(per_example, counts, config):
        return 0.0
    both = [per_example * n for n in counts]
    return sum(size for size in both if size <= CACHE_LIMIT_BYTES)


def _where_features_go(per_example: float, counts: tuple[int, int], config: TrainConfig) -> str:
    if not per_example:
        return "not kept: this model does not take them in place of pixels"
    size = f"about {per_example * sum(counts) / 2**30:.2g} GiB"
    if _on_disk(per_example, counts, config):
        return f"{size} in {config.vision_cache or 'a vision cache beside the run'}"
    limit = f"more than vision_cache_gib={config.vision_cache_gib:g}"
    if _in_memory(per_example, counts, config) >= per_example * counts[0]:
        return f"{size} in memory ({limit})"
    return f"{size} would be needed ({limit}): the vision tower runs in every epoch"


def _peak_bytes() -> int:
    """Most memory this process has had so far, libraries included."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _spread(values: Sequence[int]) -> str:
    return f"{min(values)} / {statistics.median(values):g} / {max(values)} (min / median / max)"
