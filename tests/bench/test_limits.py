"""The formulas of cost beside counts by torch on a tiny Qwen3-VL, and beside published sizes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import livr
from livr.config import TrainConfig
from livr.method.bottleneck import BOTTLENECK, ORDINARY
from livr.method.stages import Stage
from livr.model.adapter import add_lora
from livr.train.stage import Learner
from tests import tiny

FACTOR = 1.1
BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCH))
    return import_module("parts.limits")


@pytest.fixture
def model(checkpoints) -> livr.Model:
    return livr.load(checkpoints("qwen3_vl"), num_latents=8, seed=0)


def long_example() -> livr.Example:
    """Six images and a question of 150 tokens: attention is most of the work."""
    images = tuple(tiny.picture(i) for i in range(6))
    return livr.Example(id="1", images=images, question="Why? " * 30, answer="7")


def counted(work) -> int:
    """Of matrix products alone, so attention must be made of them."""
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        work()
    return counter.get_total_flops()


def test_steps(limits, model) -> None:
    add_lora(model, TrainConfig.model_validate({"lora": {"dropout": 0.0}}).lora)
    rows = model.encode([long_example()], "keep", answer=True)
    batch = model.batch(rows, "left", model.image_features(rows))
    n = limits.Lengths.of(batch)
    assert (n.total, n.image, n.latents, n.answer) == (len(rows[0]), 96, 8, 2)
    found = {}
    for how, rule in (("causal", ORDINARY), ("pieces", BOTTLENECK), ("mask", BOTTLENECK)):
        config = TrainConfig.model_validate({"bottleneck": "mask" if how == "mask" else "pieces"})
        learner = Learner(model, Stage("stage1", rule), config).train()
        moving = [p for p in learner.parameters() if p.requires_grad]
        shape = limits.Shape.of(model.hf, sum(p.numel() for p in moving))
        found[how] = counted(lambda x=learner: x(batch).sum().backward())
        # A mask is computed whole, as the formula has it in any case.
        expected = limits.step_flops(shape, n, how, halved=how == "mask")
        assert found[how] / FACTOR < expected < found[how] * FACTOR, how
    assert found["pieces"] * FACTOR < found["causal"]
    assert limits.squares(n, "pieces") < limits.squares(n, "causal") < limits.squares(n, "mask")


@torch.no_grad()
def test_prompts_and_words(limits, model) -> None:
    rows = model.encode([long_example()], "keep", answer=False)
    batch = model.batch(rows, "left", model.image_features(rows))
    n, shape = limits.Lengths.of(batch), limits.Shape.of(model.hf, 0)
    out = []

    def read(**inputs) -> None:
        out.append(model.hf(**inputs, use_cache=True, logits_to_keep=1))

    prompt = counted(lambda: read(**batch.inputs))
    expected = limits.prompt_flops(shape, n, "causal", halved=False)
    assert prompt / FACTOR < expected < prompt * FACTOR
    cache = out[-1].past_key_values
    kept = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    assert kept == limits.kv_bytes(shape, n.total, 4)
    ids = torch.zeros(1, 1, dtype=torch.long)
    word = counted(lambda: read(input_ids=ids, past_key_values=cache))
    expected = limits.word_flops(shape, n.total + 1)
    assert word / FACTOR < expected < word * FACTOR


def test_real_backbones(limits) -> None:
    """Sizes as published; a step is bound by operations, a word by memory or by launching."""
    shapes = limits.real_shapes()
    sizes = {name: shape.size.total / 1e9 for name, shape in shapes.items()}
    assert sizes == pytest.approx({"Qwen2.5-VL-3B": 3.75, "Qwen3-VL-4B": 4.44}, rel=0.01)
    card = limits.estimate.find_gpu("H100")
    n = limits.Lengths(total=700, image=576, markers=4, latents=16, seen=698, answer=2)
    for shape in shapes.values():
        # Rank 16 on every linear layer of the decoder, and 16 rows.
        assert 0.005 < shape.size.trainable / shape.size.total < 0.015
        one, limit = limits.step_seconds(card, shape, n, "causal", 1)
        assert 0.01 < one < 0.3 and limit in ("operations", "launching")
        assert limits.step_seconds(card, shape, n, "causal", 8)[0] <= one
        seconds, limit = limits.word_seconds(card, shape, 700, 32)
        assert 0.001 < seconds < 0.1 and limit in ("memory", "launching")
        ratio = limits.kv_bytes(shape, 700, 2) / limits.kv_bytes(shape, 124, 2)
        assert ratio == pytest.approx(700 / 124)
        flops = [limits.step_flops(shape, n, how) for how in ("pieces", "causal", "mask")]
        assert flops == sorted(flops)
        assert limits.gathered_bytes(shape, n, 2) / card.bandwidth < 0.05 * one
