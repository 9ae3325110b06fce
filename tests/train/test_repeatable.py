"""Two runs on the CPU give the same numbers, also with several threads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from livr.config import TrainConfig
from livr.mini.phases import Phase
from livr.mini.pretrain import pretrain
from livr.mini.recipe import PretrainConfig
from livr.repeatable import repeatable
from livr.train.run import train
from tests import tiny

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="is about the CPU")


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def gradient() -> torch.Tensor:
    """Of rows looked up 80 times each; its sums depend on the order of the threads."""
    draw = torch.Generator().manual_seed(0)
    rows = torch.randn(50, 64, generator=draw).requires_grad_()
    places = torch.randint(0, 50, (4000,), generator=draw)
    rows[places].backward(torch.randn(4000, 64, generator=draw))
    assert rows.grad is not None
    return rows.grad


def test_sums_have_one_order(two_threads) -> None:
    with repeatable():
        first = gradient()
        assert all(torch.equal(first, gradient()) for _ in range(20))
    assert not all(torch.equal(first, gradient()) for _ in range(200))


def test_new_tensors_are_not_filled_first() -> None:
    """PyTorch fills them beside a fixed order, for programs that read what they never wrote."""
    filling: Any = torch.utils.deterministic
    before = filling.fill_uninitialized_memory
    with repeatable():
        assert torch.are_deterministic_algorithms_enabled()
        assert not filling.fill_uninitialized_memory
    assert filling.fill_uninitialized_memory == before


def test_training_is_repeatable_and_leaves_no_trace(checkpoints, tmp_path) -> None:
    given = {
        "model": str(checkpoints("qwen3_vl")),
        "data": tiny.dataset(tmp_path / "data"),
        "out": tmp_path / "run",
        "epochs": [1, 1],
        "latents": {"num": 2},
    }
    seen: list[bool] = []
    fixed = torch.are_deterministic_algorithms_enabled
    train(TrainConfig.model_validate(given), on_progress=lambda _: seen.append(fixed()))
    assert seen and all(seen)
    assert not fixed()


def test_pre_training_is_repeatable_and_leaves_no_trace(tmp_path) -> None:
    phase = Phase(steps=1, worlds={"places": 1.0})
    config = PretrainConfig(size="test", tower_steps=0, phases=(phase,))
    seen: list[bool] = []
    fixed = torch.are_deterministic_algorithms_enabled
    pretrain(config, tmp_path, on_step=lambda _: seen.append(fixed()), workers=0)
    assert seen == [True]
    assert not fixed()
