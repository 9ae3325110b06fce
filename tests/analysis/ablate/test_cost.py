"""The estimate of a grid: what is measured, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests import tiny
from tests.analysis.ablate.small import small_grid

from livr.analysis.ablate import cost
from livr.config import TrainConfig

STEP = {"sft": 2.0, "livr": 2.0, "image_twice": 3.0}
LONGER = {"one": 1.0, "two": 10.0}


def test_a_variant_with_steps_of_its_own_is_measured_once(
    tmp_path: Path, checkpoints: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise Mirage, with several passes per step, would cost as much as direct SFT."""
    for name in LONGER:
        tiny.dataset(tmp_path / name, train=8, val=4)
    measured = []

    def plan_run(config: TrainConfig, gpu: str | None = None) -> SimpleNamespace:
        assert config.data is not None
        measured.append((config.data.name, config.method))
        seconds = STEP[config.method] * LONGER[config.data.name]
        return SimpleNamespace(costs=[SimpleNamespace(machine="here", seconds=seconds)])

    monkeypatch.setattr(cost, "plan_run", plan_run)
    grid = small_grid(
        tmp_path, checkpoints("qwen3_vl"), variants=["zero_shot", "sft", "livr", "image_twice"]
    )
    found = {(c.task, c.variant): c.seconds for c in cost.guess(grid).cells}
    assert measured == [("one", "sft"), ("one", "image_twice"), ("two", "sft")]
    for task, longer in LONGER.items():
        assert found[task, "sft"] == pytest.approx(2 * longer)
        assert found[task, "livr"] == pytest.approx(2 * longer)
        assert found[task, "image_twice"] == pytest.approx(3 * longer)
