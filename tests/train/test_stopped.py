"""A run that is stopped while it validates, and what it goes on with."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from safetensors.torch import load_file

import livr.model.load as loading
from livr.config import TrainConfig
from livr.errors import ConfigError
from livr.model.model import Model
from livr.train import runner
from livr.train.checkpoint import DONE, last_checkpoint, worth_resuming
from livr.train.run import train
from tests import tiny
from tests.train.killed import KilledError, events


@pytest.fixture
def config(checkpoints, tmp_path) -> TrainConfig:
    return tiny.sft_config(checkpoints("qwen3_vl"), tmp_path, epochs=[3])


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(next(folder.glob("*.safetensors")))


def equal(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(two[n], w) for n, w in one.items())


@pytest.fixture
def judged(monkeypatch):
    """`judged(0.5, 0.75)`: what the next validations find, whatever was answered."""

    def arrange(*accuracies: float) -> None:
        found = iter(accuracies)
        monkeypatch.setattr(runner, "score", lambda rows: SimpleNamespace(accuracy=next(found)))

    return arrange


def dies_once(monkeypatch, owner: object, name: str, at: int) -> None:
    """The call number `at` of a function dies."""
    original, calls = getattr(owner, name), []

    def dies(*args, **kwargs):
        calls.append(1)
        if len(calls) == at:
            raise KilledError
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, dies)


def test_a_validation_that_fails_costs_no_epoch(config, monkeypatch) -> None:
    whole = train(config.model_copy(update={"out": config.out.with_name("whole")}))
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        dies_once(patch, runner, "judge", 1)
        train(config)
    assert last_checkpoint(config.out / "stage1") is not None
    assert events(config.out)[-1].get("val_accuracy") is None
    resumed = train(config, resume=True)
    assert events(resumed.path) == events(whole.path)
    assert equal(weights(resumed.path / "adapter"), weights(whole.path / "adapter"))


@pytest.mark.parametrize("moment", ["save_adapter", "append", "sweep"])
def test_the_kept_adapter_is_that_of_the_epoch_in_the_log(
    config, judged, monkeypatch, moment
) -> None:
    """The first epoch is the best, the second better when it dies, and worse when asked again."""
    judged(0.5, 0.25, 0.25)
    first = train(config.model_copy(update={"out": config.out.with_name("first")}))
    assert first.best_epoch == 1
    judged(0.5, 0.75, 0.25, 0.25)
    owner, name, at = {
        "save_adapter": (runner, "save_adapter", 2),
        "append": (runner.RunLog, "append", 0),
        "sweep": (runner.Best, "sweep", 3),
    }[moment]
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        if moment == "append":
            _dies_at_the_second_validation(patch)
        else:
            dies_once(patch, owner, name, at)
        train(config)
    resumed = train(config, resume=True)
    epoch = 2 if moment == "sweep" else 1
    assert resumed.best_epoch == epoch
    same = equal(weights(resumed.path / "adapter"), weights(first.path / "adapter"))
    assert same is (epoch == 1)
    assert len(list((resumed.path / "stage1").glob("best-*"))) == 1


def _dies_at_the_second_validation(patch) -> None:
    original, seen = runner.RunLog.append, []

    def dies(self, **event) -> None:
        seen.extend([1] if "val_accuracy" in event else [])
        if len(seen) == 2:
            raise KilledError
        original(self, **event)

    patch.setattr(runner.RunLog, "append", dies)


def test_too_little_memory_for_the_questions_of_validation(config, monkeypatch) -> None:
    """Fewer are asked at once, and the answers are the same."""
    whole = train(config.model_copy(update={"out": config.out.with_name("whole")}))
    original, sizes = Model.generate_encoded, []

    def small(self, rows, *args, **kwargs):
        sizes.append(len(rows))
        if len(rows) > 1:
            raise torch.OutOfMemoryError
        return original(self, rows, *args, **kwargs)

    monkeypatch.setattr(Model, "generate_encoded", small)
    run = train(config)
    assert events(run.path) == events(whole.path)
    assert sizes[:3] == [2, 1, 1]


def test_not_even_one_question_fits(config, monkeypatch) -> None:
    def none(self, *args, **kwargs):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Model, "generate_encoded", none)
    with pytest.raises(torch.OutOfMemoryError):
        train(config)
    assert worth_resuming(config.out)


@pytest.mark.parametrize(
    "change",
    [
        {"val_batch_size": 1},
        {"cache_vision": False},
        {"bottleneck": "mask"},
        {"gradient_checkpointing": True},
        {"optim": {"per_device": 1}},
    ],
)
def test_what_saves_memory_may_change_on_the_way(config, monkeypatch, change) -> None:
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        dies_once(patch, runner, "judge", 1)
        train(config)
    optim = config.optim.model_copy(update=change.get("optim", {}))
    now = config.model_copy(update=change | {"optim": optim})
    assert train(now, resume=True).path == config.out
    stored = yaml.safe_load((config.out / "config.yaml").read_text())
    assert TrainConfig.model_validate(stored).optim == optim
    with pytest.raises(ConfigError, match="other settings than these: epochs"):
        train(now.model_copy(update={"epochs": (4.0,)}), resume=True)


def test_a_finished_stage_keeps_no_optimiser(config, monkeypatch) -> None:
    config = config.model_copy(update={"method": "livr", "epochs": (1.0, 1.0)})
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        dies_once(patch, runner, "run_stage", 2)
        train(config)
    assert (config.out / "stage1" / DONE).is_file()
    run = train(config, resume=True)
    assert not list(run.path.glob("stage*/checkpoint-*"))
    assert (run.path / "stage2" / DONE).is_file()


def test_a_run_knows_the_precision_that_auto_was(config, monkeypatch) -> None:
    """Begun on a GPU with bfloat16, it is resumed and asked in it on a machine without one."""
    config = config.model_copy(update={"epochs": (2.0,)})

    def there(name: str, device: torch.device) -> torch.dtype:
        return torch.float32 if name == "float32" else torch.bfloat16

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(loading, "_dtype", there)
        dies_once(patch, runner, "judge", 1)
        train(config)
    stored = config.out / "config.yaml"
    assert yaml.safe_load(stored.read_text())["dtype"] == "bfloat16"
    seen = []
    original = runner.Runner.run
    monkeypatch.setattr(
        runner.Runner, "run", lambda self: seen.append(self.model.hf.dtype) or original(self)
    )
    run = train(config, resume=True)
    assert seen == [torch.bfloat16]
    assert loading.load(run.path).hf.dtype == torch.bfloat16
    with pytest.raises(ConfigError, match="other settings than these: dtype"):
        train(config.model_copy(update={"dtype": "float32"}), resume=True)


def test_other_rows_are_not_gone_on_with(config, monkeypatch) -> None:
    """Labels that were mended on the way make another run."""
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        dies_once(patch, runner, "judge", 1)
        train(config)
    file = config.data / "train.jsonl"
    before = file.read_text()
    file.write_text("".join(before.splitlines(keepends=True)[1:]))
    with pytest.raises(ConfigError, match=r"train\.jsonl in .* changed since the run in"):
        train(config, resume=True)
    file.write_text(before)
    assert train(config, resume=True).path == config.out
