"""A few real steps of a planned run, to know what it will cost on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice

import torch
from torch import Tensor

from livr.config import TrainConfig
from livr.method.stages import StagePlan
from livr.model.batch import Batch
from livr.train.dataset import EncodedSet
from livr.train.stage import Learner, mean_over_answers, per_device

WARM_UP, TIMED = 1, 3


@dataclass(frozen=True)
class Measured:
    """What one machine takes for the parts of a run.

    Attributes:
        read_seconds: Per example: read, encode, and with kept features run the vision tower.
        step_seconds: Per example and stage: forward and backward.
        update_seconds: Per optimiser step.
        answer_seconds: Per validation example: generate an answer.
        activation_bytes: Kept for the backward pass of the longest forward pass of the sample.
        feature_bytes: Kept image features per example; 0 without `cache_vision`.
    """

    read_seconds: float
    step_seconds: tuple[float, ...]
    update_seconds: float
    answer_seconds: float
    activation_bytes: int
    feature_bytes: float


def measure(
    learner: Learner, data: EncodedSet, stages: StagePlan, config: TrainConfig, answers: int
) -> Measured:
    """Time real forward and backward passes over `data`, a small sample, and change nothing.

    Args:
        learner: The model, ready to train.
        data: The sample, already read once.
        stages: The run's stages.
        config: Its settings.
        answers: Questions that validation answers at once; 0 without validation.
    """
    model, size = learner.model, per_device(config, learner.model)
    items = sorted((data[i] for i in range(len(data))), key=lambda item: len(item[0]))
    items = items * -(-size // len(items))
    middle = items[(len(items) - size) // 2 :][:size]
    longest = data.batch(items[-size:])
    learner.train()
    with _counted() as activations:
        _loss(learner, longest)
    batch = data.batch(middle)
    steps = []
    for stage in stages:
        own = type(learner)(model, stage, config)
        own.progress = 0.5  # A stage that opens is timed half open.
        steps.append(_median_seconds(partial(_step, own, batch)) / size)
    read, seen = _reading(data, config)
    learner.zero_grad()
    result = Measured(
        read_seconds=read,
        step_seconds=tuple(steps),
        update_seconds=_update_seconds(learner),
        answer_seconds=_answering(data, answers),
        activation_bytes=activations[0],
        feature_bytes=seen,
    )
    learner.zero_grad(set_to_none=True)
    return result


def _loss(learner: Learner, batch: Batch) -> Tensor:
    return mean_over_answers(learner(batch), batch.labels_BT)


def _step(learner: Learner, batch: Batch) -> None:
    torch.autograd.backward(_loss(learner, batch))


@contextmanager
def _counted() -> Iterator[list[int]]:
    """Counts bytes that autograd keeps, each storage once; weights are not counted."""
    seen: set[int] = set()
    total = [0]

    def keep(tensor: Tensor) -> Tensor:
        key = tensor.untyped_storage().data_ptr()
        if key not in seen and not isinstance(tensor, torch.nn.Parameter):
            seen.add(key)
            total[0] += tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield total


def _median_seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(WARM_UP + TIMED):
        _wait()
        start = time.perf_counter()
        work()
        _wait()
        times.append(time.perf_counter() - start)
    return sorted(times[WARM_UP:])[TIMED // 2]


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _reading(data: EncodedSet, config: TrainConfig) -> tuple[float, float]:
    """Seconds and kept bytes per example of reading a few examples again."""
    few = data.examples[:4]
    start = time.perf_counter()
    again = EncodedSet(data.model, few, cache_vision=config.cache_vision)
    _wait()
    seconds = (time.perf_counter() - start) / len(few)
    if again.items is None:
        return 0.0, 0.0
    kept = sum(f.nbytes for _, features in again.items for f in features or ())
    return seconds, kept / len(few)


def _answering(data: EncodedSet, count: int) -> float:
    """Seconds per generated answer, `count` at once: a small sample is asked several times."""
    if not count:
        return 0.0
    examples = list(islice(cycle(data.examples), count))
    prompts = EncodedSet(data.model, examples, answer=False, cache_vision=data.items is not None)
    start = time.perf_counter()
    prompts.answers(count, "ordinary")
    _wait()
    return (time.perf_counter() - start) / count


def _update_seconds(learner: Learner) -> float:
    moving = [p for p in learner.parameters() if p.requires_grad]
    for weight in moving:
        weight.grad = torch.zeros_like(weight)
    # With a rate of zero nothing moves.
    optimiser = torch.optim.AdamW(moving, lr=0.0, weight_decay=0.0)
    return _median_seconds(optimiser.step)
