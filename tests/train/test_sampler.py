"""Steps sorted by length: the same examples per step, less padding, the same training."""

from __future__ import annotations

import torch
from accelerate.data_loader import SeedableRandomSampler

import livr.model.load as loading
from livr.config import TrainConfig
from livr.train.dataset import EncodedSet
from livr.train.run import train
from livr.train.sampler import SortedSteps
from tests import tiny

LENGTHS = [30, 10, 50, 20, 40, 11, 31, 51, 21, 41, 12]


def steps_of(order: list[int], step: int) -> list[list[int]]:
    return [order[i : i + step] for i in range(0, len(order), step)]


def padding(order: list[int], size: int) -> int:
    return sum(
        max(LENGTHS[i] for i in part) * len(part) - sum(LENGTHS[i] for i in part)
        for part in steps_of(order, size)
    )


def test_steps_keep_their_examples_and_lose_padding() -> None:
    ours, stock = SortedSteps(LENGTHS, 4, seed=3), SeedableRandomSampler(LENGTHS, data_seed=3)
    orders = []
    for epoch in (0, 1):
        ours.set_epoch(epoch)
        stock.set_epoch(epoch)
        one, two = list(ours), list(stock)
        assert len(ours) == len(one) == len(LENGTHS)
        assert list(map(sorted, steps_of(one, 4))) == list(map(sorted, steps_of(two, 4)))
        assert padding(one, 2) < padding(two, 2)
        orders.append(one)
    assert orders[0] != orders[1]


def test_training_is_the_same(checkpoints, tmp_path, monkeypatch) -> None:
    used: list[int] = []
    order = SortedSteps.__iter__
    monkeypatch.setattr(SortedSteps, "__iter__", lambda self: used.append(1) or order(self))
    rows = []
    for name in ("sorted", "unsorted"):
        values = {
            "method": "latents_only",
            "epochs": [2],
            "model": str(checkpoints("qwen3_vl")),
            "data": tiny.dataset(tmp_path / f"data-{name}"),
            "out": tmp_path / name,
            "latents": {"num": 4},
            "lora": {"dropout": 0.0},
            "checkpoint": "last",
            "optim": {"lr": 1e-3, "batch_size": 4, "per_device": 2},
        }
        train(TrainConfig.model_validate(values))
        rows.append(loading.load(tmp_path / name).latents.rows)
        monkeypatch.setattr(EncodedSet, "lengths", lambda self: None)
    assert len(used) == 2, "one order per epoch of the first run"
    torch.testing.assert_close(rows[0], rows[1], rtol=1e-3, atol=1e-5)
