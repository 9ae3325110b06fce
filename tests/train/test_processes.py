"""Law 5 for processes: a run shared by two is the run of one, up to rounding."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from transformers import set_seed

import livr
from livr.config import TrainConfig
from livr.errors import ConfigError
from livr.method.bottleneck import BOTTLENECK
from livr.method.stages import Stage
from livr.train import processes
from livr.train.run import train
from livr.train.stage import StageTrainer, arguments, per_device
from tests import tiny

SETTINGS = {
    "epochs": [2, 2],
    "latents": {"num": 4},
    "lora": {"dropout": 0.0},
    "optim": {"lr": 3e-3, "batch_size": 4},
}


def launch(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """`livr train` in two processes."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
    command += [f"--master-port={port}", "-m", "livr", "train", str(folder / "two.yaml"), *more]
    env = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)


def logged(run: Path, key: str) -> list[float]:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [event[key] for event in map(json.loads, lines) if key in event]


@pytest.fixture(scope="module")
def runs(checkpoints, tmp_path_factory) -> Path:
    """The same run by one process, `one`, and by two, `two`."""
    folder = tmp_path_factory.mktemp("processes")
    given = SETTINGS | {
        "model": str(checkpoints("qwen3_vl")),
        # 22 do not divide evenly: in the last step of an epoch one process has nothing to learn.
        "data": str(tiny.dataset(folder / "data", train=22, val=5)),
    }
    train(TrainConfig.model_validate(given | {"out": folder / "one"}))
    (folder / "two.yaml").write_text(json.dumps(given))
    done = launch(folder, "--out", str(folder / "two"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("kept") == 1, "both processes talk"
    return folder


def test_losses_and_validation_are_those_of_one_process(runs: Path) -> None:
    one, two = runs / "one", runs / "two"
    assert logged(two, "loss") == pytest.approx(logged(one, "loss"), rel=1e-4)
    assert len(set(logged(one, "loss"))) > 2
    assert logged(two, "val_accuracy") == logged(one, "val_accuracy")
    assert len(logged(two, "val_accuracy")) == 4


def test_what_was_learnt_is_that_of_one_process(runs: Path) -> None:
    for stage in ("stage1", "stage2"):
        files = [runs / name / stage / "final.safetensors" for name in ("one", "two")]
        one, two = map(load_file, files)
        assert one.keys() == two.keys()
        for name, weight in one.items():
            torch.testing.assert_close(two[name], weight, rtol=2e-3, atol=2e-4, msg=name)


def test_a_run_of_two_processes_is_a_run_like_any_other(runs: Path) -> None:
    answers = [
        [row.text for row in livr.evaluate(runs / name, runs / "data").predictions]
        for name in ("one", "two")
    ]
    assert answers[0] == answers[1]
    about = [json.loads((runs / name / "train.json").read_text()) for name in ("one", "two")]
    for key in ("train_examples", "val_accuracy", "epoch", "trainable_parameters"):
        assert about[0][key] == about[1][key]


def test_two_processes_resume(runs: Path) -> None:
    expected = (runs / "two" / "stage2" / "final.safetensors").read_bytes()
    for name in ("adapter", "train.json", "stage2"):
        (runs / "two" / name).rename(runs / f"before-{name}")
    done = launch(runs, "--out", str(runs / "two"), "--resume")
    assert done.returncode == 0, done.stderr
    again = load_file(runs / "two" / "stage2" / "final.safetensors")
    before = load_file(runs / "before-stage2" / "final.safetensors")
    assert expected
    assert all(torch.equal(again[name], before[name]) for name in before)
    assert (runs / "two" / "train.json").is_file()


def test_an_error_is_told_and_ends_every_process(runs: Path) -> None:
    done = launch(runs, "--out", str(runs / "one"))
    assert done.returncode != 0
    assert "exists already" in done.stderr


def test_only_one_process_writes_checkpoints(tmp_path) -> None:
    trainer = StageTrainer.__new__(StageTrainer)
    trainer.args = SimpleNamespace(should_save=False, output_dir=str(tmp_path / "checkpoint"))
    trainer._save()
    assert not (tmp_path / "checkpoint").exists()


def test_shares_cover_everything_once(monkeypatch) -> None:
    monkeypatch.setattr(processes, "join", lambda: 3)
    monkeypatch.setenv("WORLD_SIZE", "3")
    shares = []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        shares += processes.own_share(10)
    assert shares == list(range(10))


def test_a_rank_alone_is_the_first_process(monkeypatch) -> None:
    """RANK left over in a shell, without a WORLD_SIZE: the run talks and writes all the same."""
    monkeypatch.setenv("RANK", "1")
    assert processes.is_first()
    assert processes.own_share(10) == range(10)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert not processes.is_first()


def test_batches_that_cannot_be_shared_are_refused(monkeypatch, checkpoints) -> None:
    model = livr.load(str(checkpoints("qwen3_vl")))
    config = TrainConfig.model_validate({"optim": {"batch_size": 8, "per_device": 4}})
    monkeypatch.setattr(processes, "join", lambda: 2)
    assert per_device(config, model) == 4
    stage = Stage("stage1", BOTTLENECK, 1)
    assert arguments(config, stage, Path("unused"), 4).gradient_accumulation_steps == 1
    monkeypatch.setattr(processes, "join", lambda: 4)
    with pytest.raises(ConfigError, match="does not divide the 2 examples"):
        per_device(config, model)
    monkeypatch.setattr(processes, "join", lambda: 3)
    with pytest.raises(ConfigError, match="cannot be shared by 3 processes"):
        per_device(config, model)


def test_processes_draw_apart(monkeypatch) -> None:
    """Dropout, mixed rules and elastic latents: one draw for each example, whichever process."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    drawn = []
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        set_seed(42)
        processes.draw_apart(42)
        drawn.append(torch.rand(4))
    set_seed(42)
    assert torch.equal(drawn[0], torch.rand(4))
    assert not torch.equal(*drawn)
    processes.draw_apart(2**32 - 1)


def test_what_accelerate_is_told_from_outside(monkeypatch) -> None:
    """Autocast is not taken over, sharding is refused."""
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    given = arguments(TrainConfig(), Stage("stage1", BOTTLENECK, 1), Path("unused"), 8)
    assert given.mixed_precision == "no"
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(ConfigError, match=r"ACCELERATE_USE_FSDP is set, .* torchrun"):
        processes.join()
