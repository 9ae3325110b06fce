"""Pre-training: an interrupted run ends where an uninterrupted one does; the tower may rest."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from livr.errors import ConfigError
from livr.mini.pretrain import PretrainConfig, Report, pretrain

CONFIG = PretrainConfig(
    size="test", tower_steps=1, steps=4, frozen=4, decay=2, warmup=1, shares=(1.0, 0.0, 0.0)
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    pretrain(CONFIG, out, workers=0)
    return out


def test_an_interrupted_run_ends_the_same(finished, tmp_path) -> None:
    class StoppedError(Exception):
        pass

    def stop(report: Report) -> None:
        if report.step == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        pretrain(CONFIG, tmp_path, on_step=stop, save_every=2, workers=0)
    steps: list[int] = []
    pretrain(CONFIG, tmp_path, on_step=lambda r: steps.append(r.step), workers=0)
    assert steps == [3, 4]
    whole = load_file(finished / "checkpoint/model.safetensors")
    again = load_file(tmp_path / "checkpoint/model.safetensors")
    for name, weight in whole.items():
        torch.testing.assert_close(again[name], weight, rtol=1e-4, atol=1e-6)


def test_the_tower_rests_as_long_as_it_is_told(finished, tmp_path) -> None:
    taught = torch.load(finished / "tower.pt", weights_only=True)
    weights = load_file(finished / "checkpoint/model.safetensors")
    for name, weight in taught.items():
        assert torch.equal(weights[f"model.visual.{name}"], weight), name
    pretrain(CONFIG.model_copy(update={"frozen": 1}), tmp_path, workers=0)
    moved = load_file(tmp_path / "checkpoint/model.safetensors")
    assert any(not torch.equal(moved[f"model.visual.{n}"], w) for n, w in taught.items())


def test_another_recipe_is_refused(finished) -> None:
    with pytest.raises(ConfigError, match="another recipe"):
        pretrain(CONFIG.model_copy(update={"seed": 1}), finished, workers=0)
