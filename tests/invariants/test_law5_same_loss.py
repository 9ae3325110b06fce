"""Law 5: cached features, batching, padding side and accumulation change the loss by rounding."""

from __future__ import annotations

import pytest
import torch

import livr.model.load as loading
from livr.config import LatentsConfig, TrainConfig
from livr.method.bottleneck import BOTTLENECK
from livr.method.stages import Stage
from livr.model.adapter import add_lora
from livr.train.dataset import EncodedSet
from livr.train.run import train
from livr.train.stage import Learner, mean_over_answers
from tests import tiny

CONFIG = TrainConfig(latents=LatentsConfig(num=4))


@pytest.fixture(params=tiny.FAMILIES)
def learner(request: pytest.FixtureRequest, checkpoints) -> Learner:
    model = loading.load(checkpoints(request.param), num_latents=4, seed=0)
    add_lora(model, CONFIG.lora)
    # Fresh LoRA adds nothing: give it something to add.
    for name, weight in model.hf.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1, generator=torch.Generator().manual_seed(1))
    return Learner(model, Stage("stage1", BOTTLENECK, 1), CONFIG).eval()


def loss_and_gradient(learner: Learner, *batches) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The loss of one optimiser step over `batches`, accumulated."""
    learner.zero_grad()
    count = sum((b.labels_BT != -100).sum() for b in batches)
    total = torch.zeros(())
    for batch in batches:
        part = mean_over_answers(learner(batch), batch.labels_BT, count)
        part.backward()
        total += part.detach()
    return total, {n: p.grad.clone() for n, p in learner.named_parameters() if p.requires_grad}


def assert_same(one, two) -> None:
    torch.testing.assert_close(one[0], two[0], rtol=1e-5, atol=1e-6)
    for name, gradient in one[1].items():
        torch.testing.assert_close(gradient, two[1][name], rtol=1e-3, atol=2e-5, msg=name)


def test_cached_vision_equals_live(learner) -> None:
    live = EncodedSet(learner.model, tiny.examples(), cache_vision=False)
    cached = EncodedSet(learner.model, tiny.examples(), cache_vision=True)
    one = live.batch([live[i] for i in range(3)])
    two = cached.batch([cached[i] for i in range(3)])
    assert "pixel_values" in one.inputs
    assert "pixel_values" not in two.inputs
    assert torch.equal(learner(one), learner(two))


def test_cached_vision_answers_like_live(learner) -> None:
    live = EncodedSet(learner.model, tiny.examples(), answer=False, cache_vision=False)
    cached = EncodedSet(learner.model, tiny.examples(), answer=False, cache_vision=True)
    for mask in ("ordinary", "bottleneck"):
        assert live.answers(2, mask) == cached.answers(2, mask)


def test_padding_side(learner) -> None:
    model = learner.model
    encoded = model.encode(tiny.examples(), "keep", answer=True)
    left, right = (model.batch(encoded, side) for side in ("left", "right"))
    assert_same(loss_and_gradient(learner, left), loss_and_gradient(learner, right))


def test_batching_and_accumulation(learner) -> None:
    model = learner.model
    encoded = model.encode(tiny.examples(), "keep", answer=True)
    together = loss_and_gradient(learner, model.batch(encoded))
    apart = loss_and_gradient(learner, *(model.batch([e]) for e in encoded))
    assert_same(together, apart)


@pytest.mark.parametrize("changes", [{"cache_vision": False}, {"bottleneck": "mask"}])
def test_a_whole_run_ends_at_the_same_weights(changes, checkpoints, tmp_path) -> None:
    data = tiny.dataset(tmp_path / "data")
    rows = []
    for i, change in enumerate(({}, changes)):
        values = {
            "method": "livr",
            "epochs": [2, 1],
            "model": str(checkpoints("qwen3_vl")),
            "data": data,
            "out": tmp_path / f"run{i}",
            "latents": {"num": 4},
            "lora": {"dropout": 0.0},
            "checkpoint": "last",
            "optim": {"lr": 1e-3, "batch_size": 4},
        }
        train(TrainConfig.model_validate(values | change))
        rows.append(loading.load(tmp_path / f"run{i}").latents.rows)
    torch.testing.assert_close(rows[0], rows[1], rtol=1e-3, atol=1e-5)
