"""Resuming late: a run that is finished, or was killed between two of its last writes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from livr.config import TrainConfig
from livr.train import runner
from livr.train import stage as stages
from livr.train.checkpoint import last_checkpoint, recorded_seconds
from livr.train.run import train
from tests import tiny
from tests.train.killed import KilledError, events


@pytest.fixture
def config(checkpoints, tmp_path) -> TrainConfig:
    return tiny.sft_config(checkpoints("qwen3_vl"), tmp_path, epochs=[2])


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.fixture
def best_first(monkeypatch) -> None:
    """Validation says that the first epoch of every run is the best."""
    found = iter([0.75, 0.5] * 2)
    monkeypatch.setattr(runner, "score", lambda rows: SimpleNamespace(accuracy=next(found)))


@pytest.mark.usefixtures("best_first")
@pytest.mark.parametrize("lost", [(), ("train.json",), ("adapter", "train.json")])
def test_a_finished_run_is_finished_again_identically(config, lost) -> None:
    """With the best epoch, which is not the last one, and whatever a crash left of its end."""
    run = train(config)
    before, kept = (run.path / "train.json").read_bytes(), files(run.path / "adapter")
    assert (run.val_accuracy, run.best_epoch) == (0.75, 1)
    for name in lost:
        (run.path / name).rename(run.path.with_name(f"lost-{name}"))
    assert train(config, resume=True) == run
    assert (run.path / "train.json").read_bytes() == before
    assert files(run.path / "adapter") == kept


def test_time_before_an_interruption_counts(config, monkeypatch) -> None:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(stages.time, "monotonic", lambda: clock.now)
    original, steps = stages.Hooks.on_step_end, []

    def slow(self, *args, **kwargs) -> None:
        clock.now += 10
        steps.append(1)
        if len(steps) == 5:
            raise KilledError
        original(self, *args, **kwargs)

    monkeypatch.setattr(stages.Hooks, "on_step_end", slow)
    with pytest.raises(KilledError):
        train(config)
    checkpoint = last_checkpoint(config.out / "stage1")
    assert recorded_seconds(checkpoint / "trainable.safetensors") == 30
    clock.now += 1000
    assert train(config, resume=True).train_seconds == 60


@pytest.mark.parametrize("epochs", [1.5, 2])
def test_killed_after_the_last_checkpoint(config, epochs, monkeypatch) -> None:
    """The stage is over, though nothing says so yet: no step and no validation comes on top."""
    config = config.model_copy(update={"epochs": (epochs,)})
    whole = train(config.model_copy(update={"out": config.out.with_name("whole")}))
    save = runner.save_trainable

    def dies(*args) -> None:
        raise KilledError

    monkeypatch.setattr(runner, "save_trainable", dies)
    with pytest.raises(KilledError):
        train(config)
    monkeypatch.setattr(runner, "save_trainable", save)
    resumed = train(config, resume=True)
    assert events(resumed.path) == events(whole.path)
    one, two = (load_file(next(r.path.glob("*/final.safetensors"))) for r in (whole, resumed))
    assert all(torch.equal(two[name], weight) for name, weight in one.items())
    assert (resumed.val_accuracy, resumed.best_epoch) == (whole.val_accuracy, whole.best_epoch)
