"""What a run would do, before it does it."""

from __future__ import annotations

import math
import statistics

from livr.config import TrainConfig
from livr.data.store import load_split
from livr.errors import ConfigError
from livr.method.variants import variant
from livr.model.adapter import add_lora, train_decoder
from livr.model.load import load
from livr.train.stage import Learner, per_device

_SAMPLE = 64


def plan_run(config: TrainConfig) -> dict[str, str]:
    """Load model and data, and describe the run.

    Returns:
        Names and values for people.

    Raises:
        LivrError: Whatever would stop the run itself.
    """
    if config.data is None:
        raise ConfigError("a run needs data (--data)")
    arm = variant(config.method)
    stages = arm.plan(config.epochs)
    examples = load_split(config.data, "train")
    has_val = (config.data / "val.jsonl").is_file()
    validation = load_split(config.data, "val") if has_val else []
    model = load(
            config.model,
            max_pixels=config.max_pixels,
            dtype=config.dtype,
            trust_remote_code=config.trust_remote_code,
        )
    if arm.latents:
        model.add_latents(config.latents, config.seed)
    if config.tune == "lora":
        add_lora(model, config.lora)
    else:
        train_decoder(model)
    learner = Learner(model, stages[0], config)
    moving = sum(p.numel() for p in learner.parameters() if p.requires_grad)
    total = sum(p.numel() for p in learner.parameters())
    sample = examples[:: max(1, len(examples) // _SAMPLE)]
    encoded = model.encode(sample, "keep", answer=True)
    lengths = sorted(map(len, encoded))
    images = sorted(e.num_image_tokens for e in encoded)
    fields = {
        "method": f"{arm.name} ({arm.source})",
        "model": f"{config.model}, {total:,} parameters, {moving:,} of them train",
        "data": f"{len(examples)} to train on, {len(validation)} to validate",
        "tokens per example": _spread(lengths) + f" (of {len(sample)} examples)",
        "image tokens": _spread(images),
        "forward pass": f"{per_device(config, model)} example(s) of a batch of "
        f"{config.optim.batch_size}",
    }
    for stage in stages:
        steps = math.ceil(math.ceil(len(examples) / config.optim.batch_size) * stage.epochs)
        fields[stage.name] = f"{stage.epochs:g} epochs, {steps} steps, mask {stage.policy.name}"
    return fields


def _spread(values: list[int]) -> str:
    return f"{values[0]} / {statistics.median(values):g} / {values[-1]} (min / median / max)"
