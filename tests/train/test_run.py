"""A run: its folder, its checkpoint, resuming it, and what it refuses."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import livr
from livr.config import TrainConfig
from livr.errors import ConfigError, DataError
from livr.train import folder
from livr.train import stage as stages
from livr.train.progress import Progress
from livr.train.run import train, workload
from tests import tiny


@pytest.fixture
def config(checkpoints, tmp_path) -> TrainConfig:
    return TrainConfig.model_validate(
        {
            "model": str(checkpoints("qwen3_vl")),
            "data": tiny.dataset(tmp_path / "data"),
            "out": tmp_path / "run",
            "epochs": [2, 2],
            "latents": {"num": 4},
            "optim": {"lr": 3e-3, "batch_size": 2},
        }
    )


def events(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_a_run_folder_holds_what_the_documentation_says(config) -> None:
    seen: list[Progress] = []
    run = train(config, on_progress=seen.append)
    names = {p.name for p in run.path.iterdir()}
    assert {"config.yaml", "metrics.jsonl", "adapter", "stage1", "stage2", "tensorboard"} <= names
    assert list((run.path / "tensorboard").rglob("events*"))
    validations = [e for e in events(run.path) if "val_accuracy" in e]
    assert [(e["stage"], e["mask"], e["epoch"]) for e in validations] == [
        ("stage1", "bottleneck", 1.0),
        ("stage1", "bottleneck", 2.0),
        ("stage2", "ordinary", 1.0),
        ("stage2", "ordinary", 2.0),
    ]
    result = livr.evaluate(run, config.data)
    scores = json.loads((run.path / "scores.json").read_text())
    assert scores["accuracy"] == result.accuracy
    assert scores["n"] == 4
    assert (run.path / "predictions-test.jsonl").is_file()
    assert seen[-1].done == pytest.approx(seen[-1].total)
    assert seen[-1].total == workload(config, 8, 4)
    assert all(a.done <= b.done for a, b in pairwise(seen))


def test_each_stage_has_its_own_warm_up_and_cosine(config, monkeypatch) -> None:
    rates: list[float] = []
    original = stages.Hooks.on_step_end

    def note(self, args, state, control, **kwargs) -> None:
        rates.append(kwargs["lr_scheduler"].get_last_lr()[0])
        original(self, args, state, control, **kwargs)

    monkeypatch.setattr(stages.Hooks, "on_step_end", note)
    warmed = config.optim.model_copy(update={"warmup": 0.25})
    train(config.model_copy(update={"optim": warmed}))
    first, second = rates[:8], rates[8:]
    assert first == second
    assert first[1] == pytest.approx(config.optim.lr)
    assert first[0] == pytest.approx(config.optim.lr / 2)
    assert first[1:] == sorted(first[1:], reverse=True)
    assert first[-1] == 0


def test_the_best_epoch_is_kept_by_generated_answers(config, monkeypatch) -> None:
    """Make the second of three epochs the best one and see its weights come out."""
    config = config.model_copy(update={"method": "sft", "epochs": (3.0,)})
    from livr.train import runner as module

    accuracies = iter([0.25, 0.75, 0.5])
    saved = []
    monkeypatch.setattr(module, "score", lambda rows: SimpleNamespace(accuracy=next(accuracies)))
    save = module.save_adapter

    def note(model, folder) -> None:
        saved.append({n: p.detach().clone() for n, p in model.hf.named_parameters() if "lora" in n})
        save(model, folder)

    monkeypatch.setattr(module, "save_adapter", note)
    run = train(config)
    assert (run.val_accuracy, run.best_epoch) == (0.75, 2.0)
    assert len(saved) == 2
    kept = dict(livr.load(run.path).hf.named_parameters())
    assert all(torch.equal(kept[name], weight) for name, weight in saved[1].items())


class KilledError(Exception):
    """Stands for a process that dies."""


@pytest.mark.parametrize(
    ("killed_after", "method"),
    [*((n, "livr") for n in (1, 5, 6, 9, 13)), (6, "livr_annealed"), (13, "livr_mixed")],
)
def test_resume_equals_uninterrupted(config, killed_after, method, monkeypatch) -> None:
    """Law 6, in one process: stop after any step, in either stage, and continue."""
    if method != "livr":
        drawn = config.latents.model_copy(update={"noise": 0.2, "elastic": True})
        config = config.model_copy(update={"method": method, "latents": drawn})
    whole = train(config.model_copy(update={"out": config.out.with_name("whole")}))
    broken = config.model_copy(update={"out": config.out.with_name("broken")})
    steps = 0
    original = stages.Hooks.on_step_end

    def dies(self, *args, **kwargs) -> None:
        nonlocal steps
        steps += 1
        if steps == killed_after:
            raise KilledError
        original(self, *args, **kwargs)

    monkeypatch.setattr(stages.Hooks, "on_step_end", dies)
    # Who is killed cannot tidy up.
    monkeypatch.setattr(folder, "_clear", lambda *_: None)
    with pytest.raises(KilledError):
        train(broken)
    monkeypatch.setattr(stages.Hooks, "on_step_end", original)
    with pytest.raises(ConfigError, match="continue with --resume"):
        train(broken)
    resumed = train(broken, resume=True)
    one, two = livr.load(whole.path), livr.load(resumed.path)
    assert torch.equal(one.latents.rows, two.latents.rows)
    for a, b in zip(one.logits(tiny.examples()), two.logits(tiny.examples()), strict=True):
        assert torch.equal(a, b)

    def curve(path: Path) -> list[dict]:
        return [{k: v for k, v in e.items() if k != "time"} for e in events(path)]

    assert curve(whole.path) == curve(resumed.path)


def test_resume_refuses_other_settings(config) -> None:
    train(config)
    with pytest.raises(ConfigError, match="other settings than these: seed, share;"):
        train(config.model_copy(update={"seed": 7, "share": 0.3}), resume=True)
    with pytest.raises(ConfigError, match="without --trust-remote-code"):
        train(config.model_copy(update={"trust_remote_code": True}), resume=True)
    stored = config.out / "config.yaml"
    text = stored.read_text(encoding="utf-8")
    stored.write_text(text.replace("trust_remote_code: false", "trust_remote_code: true"))
    with pytest.raises(ConfigError, match="with --trust-remote-code; give it again"):
        train(config, resume=True)


def test_without_validation_data_the_last_checkpoint_is_kept(config) -> None:
    (config.data / "val.jsonl").unlink()
    run = train(config)
    assert run.val_accuracy is None
    assert livr.load(run.path).num_latents == 4


def test_refusals(config, tmp_path) -> None:
    with pytest.raises(ConfigError, match="needs both data"):
        train(config.model_copy(update={"data": None}))
    with pytest.raises(ConfigError, match="trains nothing"):
        train(config.model_copy(update={"method": "zero_shot", "epochs": ()}))
    with pytest.raises(DataError, match="not a folder"):
        train(config.model_copy(update={"data": tmp_path / "nowhere"}))
    assert not config.out.exists()


def test_python_surface(config, tmp_path) -> None:
    model = livr.load(config.model, num_latents=4)
    run = livr.train(
        model, config.data, "livr", out=tmp_path / "api", settings=["epochs=[1,1]"], seed=1
    )
    assert run.method == "livr"
    answer = livr.predict(run, [tiny.picture(0)], "What?", ["one", "two"])
    assert isinstance(answer.text, str)
