"""Gradient checkpointing: the same gradients, and nothing of the frozen tower."""

from __future__ import annotations

import pytest
import torch

import livr
from livr.config import TrainConfig
from livr.method.variants import variant
from livr.model.adapter import add_lora
from livr.train.equip import stages_of
from livr.train.stage import Learner, mean_over_answers, recompute
from tests import tiny


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_gradients_are_the_same_and_the_tower_has_none(family, checkpoints) -> None:
    config = TrainConfig()
    model = livr.load(checkpoints(family), num_latents=4)
    add_lora(model, config.lora)
    stage = stages_of(variant("livr"), config)[0]
    before = gradients(Learner(model, stage, config))
    for _ in range(2):
        recompute(model.hf)
    seen: list[bool] = []
    hook = model.hf.model.visual.register_forward_hook(
        lambda module, inputs, output: seen.append(output.pooler_output.requires_grad)
    )
    after = gradients(Learner(model, stage, config))
    hook.remove()
    assert seen == [False]
    assert before.keys() == after.keys()
    assert all(torch.equal(after[name], grad) for name, grad in before.items())


def gradients(learner: Learner) -> dict[str, torch.Tensor]:
    """Of one step without dropout."""
    learner.train()
    for module in learner.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    model = learner.model
    batch = model.batch(model.encode(tiny.examples(), "keep", True))
    learner.zero_grad()
    mean_over_answers(learner(batch), batch.labels_BT).backward()
    return {n: p.grad.clone() for n, p in learner.named_parameters() if p.grad is not None}
