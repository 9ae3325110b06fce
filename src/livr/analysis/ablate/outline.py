"""What a grid at full scale would take, before its weights and its data are there.

Counted as every estimate is (`livr.train.estimate`), on the published shapes of the backbones and
on round figures for the pictures of the public data sets. An outline tells a day on a GPU from a
week. Once data and weights are there, real ones are counted instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from torch import nn
from transformers import PreTrainedModel

from livr.analysis.ablate.arm import Arm
from livr.analysis.ablate.grid import Grid, Task
from livr.backbones.published import Shape, find_shape
from livr.config import TrainConfig
from livr.errors import DataError
from livr.method.variants import variant
from livr.train import estimate

TRAIN, VAL, TEST = 1000, 250, 250
"""Questions of a task (appendix A); its test sets have between 117 and 700."""
TRAINED_ON: Mapping[str, int] = MappingProxyType({"sat": 32_000})
"""Training questions where they are others (METHOD.md section 4)."""
WORDS, ANSWER = 100, 3
"""Positions of question, choices and chat template, and of the answer."""
SELF_FED = 3
"""What a step of Mirage takes over one of direct SFT, measured on mini: it feeds itself."""
_PHOTO, _SMALL = 640 * 480, 512 * 384
PICTURES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "counting": (1, 1024 * 768),
        "jigsaw": (3, 400 * 100),
        "localization": (1, _PHOTO),
        "visual_correspondence": (2, _PHOTO),
        "art_style": (3, 256 * 256),
        "semantic_correspondence": (2, _SMALL),
        "functional_correspondence": (2, _SMALL),
        "relative_reflectance": (1, _PHOTO),
        "visual_similarity": (3, 512 * 512),
        "vsp": (1, 240 * 240),
        "sat": (2, _PHOTO),
        "visual_cot": (1, _PHOTO),
    }
)
"""Pictures of a question and pixels of each in the public data sets, in round figures."""


def outline(
    grid: Grid, runs: Mapping[tuple[str, int], TrainConfig | None], gpu: estimate.Gpu
) -> dict[tuple[str, str, int], float]:
    """Seconds of every cell, tests included, by task, variant and seed.

    Args:
        grid: The grid.
        runs: Its runs by variant and seed; None where nothing is trained.
        gpu: The GPU.

    Raises:
        ModelError: The model's shape is not known.
        DataError: The pictures of a task are not known.
    """
    shape = find_shape(grid.model)
    for part in (part for task in grid.tasks for part in task.parts):
        if part not in PICTURES:
            raise DataError(f"nothing is known of the pictures of {part} without them")
    hf = shape.skeleton()
    found = {}
    for arm, seed in grid.seeded():
        run = runs[arm.name, seed]
        size = _sizes(hf, run)
        for task in grid.tasks:
            found[task.name, arm.name, seed] = _seconds(gpu, shape, size, task, arm, run)
    return found


def _sizes(hf: PreTrainedModel, run: TrainConfig | None) -> estimate.Sizes:
    """The model's numbers, with those that the run trains."""
    if run is not None and run.tune == "full":
        return estimate.sizes(hf, estimate.sizes(hf, 0, True).decoder, True)
    # LoRA is on every linear layer of the language model.
    linear = [m for m in hf.get_decoder().modules() if isinstance(m, nn.Linear)]
    rank = run.lora.r if run else 0
    return estimate.sizes(hf, rank * sum(m.in_features + m.out_features for m in linear), False)


def _seconds(
    gpu: estimate.Gpu,
    shape: Shape,
    size: estimate.Sizes,
    task: Task,
    arm: Arm,
    run: TrainConfig | None,
) -> float:
    method = variant(arm.method)
    latents = run.latents.num if run is not None and method.latents else 0
    question = _question(shape, task, latents, 1 + method.repeats)
    answering = estimate.answer_seconds(gpu, size, question.tokens)
    answering += estimate.read_seconds(gpu, size, question.patches)
    seconds = TEST * len(task.tested) * answering
    if run is None:
        return seconds
    train = round(sum(w * TRAINED_ON.get(part, TRAIN) for part, w in task.parts.items()))
    counts = (train, VAL * len(task.parts))
    reading, epoch = estimate.epoch_seconds(
        gpu, size, question, counts, run.optim.per_device or 1,
        checkpointing=run.gradient_checkpointing, features_kept=run.cache_vision,
    )  # fmt: skip
    passes = SELF_FED if method.home else 1
    return seconds + reading + sum(run.epochs) * epoch * passes


def _question(shape: Shape, task: Task, latents: int, times: int) -> estimate.Question:
    """The mean over the parts of a mixture; `times` says how often it shows its pictures."""
    shown = [PICTURES[part] for part in task.parts]
    tokens = sum(count * shape.image_tokens(pixels) for count, pixels in shown) / len(shown)
    patches = sum(count * shape.patches(pixels) for count, pixels in shown) / len(shown)
    return estimate.Question(times * tokens + WORDS + latents + ANSWER, ANSWER, patches)
