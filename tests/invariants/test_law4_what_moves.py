"""Law 4: only LoRA and the K rows move. Every other tensor is bit-identical after training."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import livr.model.load as loading
from livr.config import TrainConfig
from livr.method.variants import VARIANTS
from livr.train.run import train
from tests import tiny

ARMS = [v for v in VARIANTS.values() if v.stages and v.home is None]
"""Arms whose training is values alone; an arm with a home has tests of its own."""


def config(folder: Path, data: Path, out: Path, method: str, **changes: object) -> TrainConfig:
    stages = len(VARIANTS[method].stages)
    values: dict[str, object] = {
        "method": method,
        "epochs": [1.0] * stages,
        "model": str(folder),
        "data": data,
        "out": out,
        "latents": {"num": 4},
        "optim": {"lr": 1e-2, "batch_size": 4},
    }
    return TrainConfig.model_validate(values | changes)


def state(model: loading.Model) -> dict[str, torch.Tensor]:
    return {n: p.detach().clone() for n, p in model.hf.named_parameters()}


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize("arm", ARMS, ids=lambda v: v.name)
def test_only_lora_and_rows_move(family, arm, checkpoints, tmp_path) -> None:
    folder = checkpoints(family, spare=8)
    data = tiny.dataset(tmp_path / "data")
    before = state(loading.load(folder))
    model = loading.load(folder)
    if arm.latents:
        rows = model.add_latents(config(folder, data, tmp_path, arm.name).latents, 42)
        start = rows.rows.detach().clone()
    train(config(folder, data, tmp_path / "run", arm.name), model=model)
    after = state(model)
    moved = set()
    for name, weight in after.items():
        plain = name.replace(".base_layer.", ".")
        if ".lora_" in name:
            moved.add(name)
        else:
            assert torch.equal(weight, before[plain]), name
    assert bool(moved) == arm.adapts
    assert all("language_model" in name for name in moved)
    assert not any("visual" in name for name in moved)
    lora_B = [after[name] for name in moved if "lora_B" in name]
    assert any(weight.abs().max() > 0 for weight in lora_B) == arm.adapts
    if arm.latents:
        assert not torch.equal(model.latents.rows, start)


def test_full_tuning_moves_the_language_model_only(checkpoints, tmp_path) -> None:
    folder = checkpoints("qwen3_vl", spare=8)
    data = tiny.dataset(tmp_path / "data")
    before = state(loading.load(folder))
    model = loading.load(folder)
    train(config(folder, data, tmp_path / "run", "livr", tune="full"), model=model)
    changed = {n for n, w in state(model).items() if not torch.equal(w, before[n])}
    assert changed
    assert all("language_model.layers" in n or "language_model.norm" in n for n in changed)
    again = loading.load(tmp_path / "run")
    for one, two in zip(model.logits(tiny.examples()), again.logits(tiny.examples()), strict=True):
        torch.testing.assert_close(one, two)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_a_saved_run_answers_like_the_trained_model(family, checkpoints, tmp_path) -> None:
    data = tiny.dataset(tmp_path / "data")
    model = loading.load(checkpoints(family))
    options = {"checkpoint": "last"}
    train(config(checkpoints(family), data, tmp_path / "run", "livr", **options), model=model)
    again = loading.load(tmp_path / "run")
    assert again.num_latents == 4
    for mask in ("ordinary", "bottleneck"):
        pairs = zip(
            model.logits(tiny.examples(), mask), again.logits(tiny.examples(), mask), strict=True
        )
        assert all(torch.equal(one, two) for one, two in pairs)
