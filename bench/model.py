"""What steps, prompts and words must cost, beside a count, this machine, and an H100.

    counted     operations counted by torch on the bench model, over those of the formulas
                (`parts/limits.py`); keys and values must match to the byte
    share       operations per second of a step here, over those of a large matrix product here
    predicted   3B and 4B backbones on an H100: seconds, what sets the limit, memory of keys and
                values. From a data sheet; not measured by us.

Image features are kept, so that the vision tower is no part of a step. It stands apart as `vision`:
counted over the formula of `livr train --dry-run`, a rough one: every weight of tower and projector
for every patch, and no attention.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from parts.checkpoint import bench_model, examples, parameters
from parts.limits import (
    Lengths,
    Shape,
    kv_bytes,
    prompt_flops,
    real_shapes,
    step_flops,
    step_seconds,
    word_flops,
    word_seconds,
)
from parts.timing import interleaved, main, median, ratio, rounded
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import DynamicCache

from livr.config import TrainConfig
from livr.method.bottleneck import BOTTLENECK, ORDINARY
from livr.method.stages import Stage
from livr.model import compress
from livr.model.adapter import add_lora
from livr.model.batch import Batch, join_pixels
from livr.model.encoder import Encoded
from livr.model.model import Features, Model
from livr.train import estimate
from livr.train.stage import Learner, mean_over_answers

FACTOR = 1.1
"""Formulas and counts agree within this factor: norms, rotations and softmax are left out."""
STEPS = {
    "stage1": (BOTTLENECK, "pieces", "pieces"),
    "masked": (BOTTLENECK, "mask", "mask"),
    "stage2": (ORDINARY, "mask", "causal"),
}
"""Per kind of step the rule, how it is evaluated, and how the formulas call that."""
IMAGE, TEXT, MARKERS, LATENTS, ANSWER = 576, 100, 4, 16, 2
"""An example of the predictions: two photographs at a moderate budget, or one large one."""


def counted(work: Callable[[], object]) -> int:
    """Operations of `work` in matrix products, of which attention is made here."""
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        work()
    return int(counter.get_total_flops())


def learners(model: Model) -> dict[str, Learner]:
    """One per kind of step, over the same model."""
    config = TrainConfig.model_validate({"lora": {"dropout": 0.0}})
    add_lora(model, config.lora)
    return {
        name: Learner(model, Stage(name, rule), config.model_copy(update={"bottleneck": how}))
        for name, (rule, how, _) in STEPS.items()
    }


def steps(arms: dict[str, Learner], batch: Batch) -> dict[str, Callable[[], object]]:
    """A forward and backward pass of each kind."""

    def step(learner: Learner) -> None:
        mean_over_answers(learner(batch), batch.labels_BT).backward()

    return {name: (lambda x=x: step(x)) for name, x in arms.items()}


@torch.no_grad()
def answering(
    model: Model, shape: Shape, rows: list[Encoded], features: Features
) -> dict[str, float]:
    """Counts over formulas of a prompt and of a word; keys and values must be exact.

    For a model without LoRA, or with LoRA merged.
    """
    batch = model.batch(rows, "left", features)
    n = Lengths.of(batch)
    cache = DynamicCache()

    def read() -> Any:
        return model.hf(**batch.inputs, past_key_values=cache, use_cache=True, logits_to_keep=1)

    prompt = counted(read)
    number = cache.layers[0].keys.element_size()
    assert compress.kv_bytes(cache) == len(rows) * kv_bytes(shape, n.total, number)
    notes = compress.remember(model, rows, features=features)
    assert notes.bytes_after == len(rows) * kv_bytes(shape, n.total - n.image, number)
    ids_B1 = torch.zeros_like(notes.next_B1)
    word = counted(lambda: notes._read(ids_B1, torch.ones_like(ids_B1)))
    expected = {
        "prompt": prompt_flops(shape, n, "causal", halved=False),
        "word": word_flops(shape, n.total - n.image + 1),
    }
    found = {"prompt": prompt, "word": word}
    return {name: found[name] / len(rows) / expected[name] for name in found}


def vision(model: Model, shape: Shape, rows: list[Encoded]) -> float:
    """Counted operations of the vision tower over the formula's."""
    patches = join_pixels(rows)["pixel_values"].shape[0]
    return counted(lambda: model.image_features(rows)) / (2 * shape.size.vision * patches)


def multiply_rate(size: int) -> float:
    """Operations per second of a square matrix product, the best of three."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    seconds = interleaved({"product": lambda: a @ b}, 3)["product"]
    return 2 * size**3 / min(seconds)


def predicted(gpu: str = "H100", batch: int = 32) -> dict[str, Any]:
    """What the formulas say of real backbones."""
    card = estimate.find_gpu(gpu)
    total = IMAGE + TEXT + LATENTS + ANSWER
    n = Lengths(total, IMAGE, MARKERS, LATENTS, total - ANSWER, ANSWER)
    result = {}
    for name, shape in real_shapes(LATENTS).items():
        found: dict[str, Any] = {"parameters": shape.size.total, "trainable": shape.size.trainable}
        for kind, (_, _, how) in STEPS.items():
            seconds, limit = step_seconds(card, shape, n, how, 1)
            found[kind] = {
                "tflop": rounded(step_flops(shape, n, how) / 1e12),
                "seconds": rounded(seconds),
                "seconds_of_8": rounded(step_seconds(card, shape, n, how, 8)[0]),
                "limit": limit,
            }
        found["stage1_over_stage2"] = rounded(
            step_flops(shape, n, "pieces") / step_flops(shape, n, "causal")
        )
        found["vision_seconds"] = rounded(estimate.read_seconds(card, shape.size, 4 * IMAGE))
        found["prompt_seconds"] = rounded(
            prompt_flops(shape, n, "causal") / (estimate.MFU * card.flops)
        )
        kept, dropped = total, total - IMAGE
        for kind, positions in (("kept", kept), ("dropped", dropped)):
            seconds, limit = word_seconds(card, shape, positions, batch)
            found[f"image_{kind}"] = {
                "kv_mib": rounded(kv_bytes(shape, positions, 2) / 2**20),
                "word_seconds": rounded(seconds / batch),
                "limit": limit,
            }
        result[name] = found
    return result


def run(short: bool) -> dict[str, Any]:
    sizes, rounds = ((16, 36), 1) if short else ((64, 256, 576), 5)
    by_tokens: dict[str, Any] = {}
    with bench_model(short) as model:
        total = parameters(model)
        shape = Shape.of(model.hf, 0)
        answers = {}
        for tokens in sizes:
            prompts = model.encode(examples(2, tokens), "keep", answer=False)
            answers[tokens] = answering(model, shape, prompts, model.image_features(prompts))
        arms = learners(model)
        trainable = sum(p.numel() for p in arms["stage1"].parameters() if p.requires_grad)
        shape = Shape.of(model.hf, trainable)
        rate = multiply_rate(256 if short else 2048)
        for tokens in sizes:
            rows = model.encode(examples(2, tokens), "keep", answer=True)
            features = model.image_features(rows)
            batch = model.batch(rows, "left", features)
            n = Lengths.of(batch)
            works = steps(arms, batch)
            expected = {name: step_flops(shape, n, STEPS[name][2], halved=False) for name in STEPS}
            # A mask is computed whole either way.
            expected["masked"] = step_flops(shape, n, "mask")
            over = {name: counted(works[name]) / len(rows) / expected[name] for name in STEPS}
            over |= answers[tokens]
            assert all(1 / FACTOR < value < FACTOR for value in over.values()), over
            seconds = interleaved(works, rounds)
            by_tokens[str(tokens)] = {
                "length": n.total,
                "counted": {name: rounded(value) for name, value in over.items()},
                "vision": rounded(vision(model, shape, rows)),
                "stage1_over_stage2": {
                    "predicted": rounded(
                        step_flops(shape, n, "pieces") / step_flops(shape, n, "causal")
                    ),
                    "measured": ratio(seconds, "stage1", "stage2"),
                },
                "share": {
                    name: rounded(
                        len(rows) * step_flops(shape, n, STEPS[name][2]) / median(s) / rate
                    )
                    for name, s in seconds.items()
                },
            }
    return {
        "by_tokens": by_tokens,
        "gflops_of_a_product": rounded(rate / 1e9),
        "predicted": {"gpu": "H100", "lengths": [IMAGE, TEXT, LATENTS, ANSWER], **predicted()},
        "batch": 2,
        "rounds": rounds,
        "parameters": total,
    }


if __name__ == "__main__":
    main("model", run)
