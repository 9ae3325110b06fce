"""A run that diverges stops with an error, and leaves nothing that looks like a result."""

from __future__ import annotations

import json

import pytest
import torch

from livr.config import TrainConfig
from livr.errors import LivrError
from livr.train import stage as stages
from livr.train.diverged import refuse_loss
from livr.train.run import train
from tests import tiny


@pytest.fixture
def config(checkpoints, tmp_path) -> TrainConfig:
    return tiny.sft_config(checkpoints("qwen3_vl"), tmp_path, epochs=[4], tune="full")


@pytest.mark.parametrize("epochs", [1, 0.3])
def test_a_rate_that_is_far_too_high(config, epochs) -> None:
    """Also after a single step: its loss was still a number, and no other one is logged."""
    optim = config.optim.model_copy(update={"lr": 1e30, "warmup": 0})
    with pytest.raises(LivrError, match=r"of stage1: training diverged. Lower optim.lr \(1e\+30"):
        train(config.model_copy(update={"optim": optim, "epochs": (epochs,)}))
    assert not config.out.exists()


def test_a_loss_between_two_that_are_logged(config, monkeypatch) -> None:
    """Steps 1, 10 and so on are logged. The fifth has no number, and harms no weight."""
    mean, calls = stages.mean_over_answers, []

    def fails_once(*args, **kwargs) -> torch.Tensor:
        calls.append(1)
        return mean(*args, **kwargs) + (torch.nan if len(calls) == 5 else 0)

    monkeypatch.setattr(stages, "mean_over_answers", fails_once)
    with pytest.raises(LivrError, match="is not a finite number at step 10 of stage1") as caught:
        train(config)
    # There are checkpoints by then.
    assert f"start again with another --out: {config.out} keeps" in str(caught.value)
    assert not (config.out / "adapter").exists()
    # What a resumed run comes to again is no reason to say so.
    calls[4:] = []
    with pytest.raises(LivrError, match=r"with another --out: .*run keeps what came before"):
        train(config, resume=True)
    lines = (config.out / "metrics.jsonl").read_text().splitlines()
    assert [e["step"] for e in map(json.loads, lines) if "loss" in e] == [1]


@pytest.mark.parametrize("loss", [float("inf"), float("-inf"), float("nan")])
def test_losses_that_are_none(loss) -> None:
    refuse_loss(0.0, 1, "stage1", 1e-4)
    with pytest.raises(LivrError, match=r"step 7 of stage2.*0\.0001 now"):
        refuse_loss(loss, 7, "stage2", 1e-4)
