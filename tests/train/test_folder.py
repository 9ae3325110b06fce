"""What a run that was stopped leaves behind: something to resume, or nothing."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from livr.config import TrainConfig
from livr.errors import ConfigError, DataError, LivrError
from livr.train import folder as folders
from livr.train import stage as stages
from livr.train.run import train
from tests import tiny
from tests.full_disk import full_disk


@pytest.fixture
def config(checkpoints, tmp_path) -> TrainConfig:
    return TrainConfig.model_validate(
        {
            "model": str(checkpoints("qwen3_vl")),
            "data": tiny.dataset(tmp_path / "data", train=4, val=2),
            "out": tmp_path / "runs" / "run",
            "method": "sft",
            "epochs": [2],
            "optim": {"lr": 3e-3, "batch_size": 2},
        }
    )


@pytest.fixture
def stop_at(monkeypatch) -> Callable[[int, BaseException], None]:
    """`stop_at(3, error)`: the third step raises it. Epochs have two."""

    def arrange(step: int, error: BaseException) -> None:
        original = stages.Hooks.on_step_end

        def stops(self, args, state, control, **kwargs) -> None:
            if state.global_step == step:
                monkeypatch.setattr(stages.Hooks, "on_step_end", original)
                raise error
            original(self, args, state, control, **kwargs)

        monkeypatch.setattr(stages.Hooks, "on_step_end", stops)

    return arrange


def test_a_picture_that_cannot_be_read(config) -> None:
    """The same command works once it is mended."""
    picture = next((config.data / "images").glob("train-0*"))
    whole = picture.read_bytes()
    picture.write_bytes(whole[:60])
    with pytest.raises(DataError):
        train(config)
    assert not config.out.exists()
    picture.write_bytes(whole)
    assert train(config).path == config.out


def test_a_folder_that_was_there_stays(config, stop_at) -> None:
    config.out.mkdir(parents=True)
    stop_at(1, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        train(config)
    assert list(config.out.iterdir()) == []
    assert "_AsyncWriterThread" not in {type(t).__name__ for t in threading.enumerate()}
    (config.out / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        train(config)
    assert (config.out / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), LivrError("x"), RuntimeError("x")])
def test_a_checkpoint_is_worth_keeping(config, stop_at, error) -> None:
    stop_at(3, error)
    with pytest.raises(type(error)):
        train(config)
    assert train(config, resume=True).best_epoch > 0


def test_what_is_resumed_is_never_deleted(config, stop_at) -> None:
    train(config)
    for checkpoint in (config.out / "stage1").iterdir():
        if checkpoint.is_dir():
            shutil.rmtree(checkpoint)
    (config.out / "stage1" / "final.safetensors").unlink()
    stop_at(1, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        train(config, resume=True)
    assert (config.out / "adapter").is_dir()


def test_only_the_first_process_deletes(tmp_path, monkeypatch) -> None:
    (tmp_path / "config.yaml").write_text("")
    for first in (False, True):
        monkeypatch.setattr(folders.processes, "is_first", lambda first=first: first)
        with pytest.raises(LivrError), folders.resumable_or_gone(tmp_path, True, new=True):
            raise LivrError("x")
        assert tmp_path.exists() is not first


@pytest.mark.parametrize("writes", ["adapter", "optimizer"])
def test_a_full_disk(config, monkeypatch, writes) -> None:
    """Whoever is writing: safetensors, or torch with a message of its own."""
    if writes == "optimizer":
        (config.data / "val.jsonl").unlink()
        monkeypatch.setattr(stages, "save_trainable", lambda *_: None)
    before = stages.Hooks.on_epoch_end
    seen = []

    def fills(self, args, state, control, **kwargs) -> None:
        seen.append(state.epoch)
        if len(seen) == 2:
            limit(30_000)
        before(self, args, state, control, **kwargs)

    monkeypatch.setattr(stages.Hooks, "on_epoch_end", fills)
    with full_disk() as limit, pytest.raises(LivrError) as caught:
        train(config)
    assert str(caught.value).startswith(f"training in {config.out} was stopped: ")
    assert "go on from the last checkpoint with --resume" in str(caught.value)


def test_a_disk_that_is_full_at_once(config) -> None:
    full = OSError(28, "No space left on device", "model.bin")
    with (
        pytest.raises(LivrError, match=r"model.bin: No space left on device. .* start again$"),
        folders.resumable_or_gone(config.out, True, new=True),
    ):
        raise full


def test_a_run_that_was_moved_is_resumed(config, stop_at, tmp_path) -> None:
    whole = train(config.model_copy(update={"out": tmp_path / "whole"}))
    stop_at(3, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        train(config)
    moved = tmp_path / "elsewhere" / "copy"
    shutil.copytree(config.out, moved)
    run = train(config.model_copy(update={"out": moved}), resume=True)
    assert run.path == moved
    assert yaml.safe_load((moved / "config.yaml").read_text())["out"] == str(moved)
    one, two = (load_file(p / "stage1" / "final.safetensors") for p in (whole.path, moved))
    assert all(torch.equal(two[name], weight) for name, weight in one.items())


def test_a_model_that_was_moved_can_go_on(config, tmp_path) -> None:
    train(config)
    place = tmp_path / "model elsewhere"
    shutil.copytree(config.model, place)
    there = config.model_copy(update={"model": str(place)})
    wanted = rf"with the model {config.model}, .* write model: {place} into"
    with pytest.raises(ConfigError, match=wanted):
        train(there, resume=True)
    stored = config.out / "config.yaml"
    stored.write_text(stored.read_text().replace(config.model, str(place)))
    assert train(there, resume=True).path == config.out


def test_other_data_is_refused_and_moved_data_is_not_lost(config, tmp_path) -> None:
    train(config)
    place = tmp_path / "other"
    config.data.rename(place)
    there = config.model_copy(update={"data": place})
    with pytest.raises(ConfigError, match=rf"data set .* write data: {place} into"):
        train(there, resume=True)
    stored = config.out / "config.yaml"
    stored.write_text(stored.read_text().replace(f"data: {config.data}", f"data: {place}"))
    assert train(there, resume=True).path == config.out


def test_a_setting_that_is_new_since_the_run_began_had_its_default(config, stop_at) -> None:
    with pytest.raises(RuntimeError):
        stop_at(3, RuntimeError())
        train(config)
    stored = config.out / "config.yaml"
    settings = yaml.safe_load(stored.read_text(encoding="utf-8"))
    del settings["latents"]["elastic"], settings["optim"]["stages"]
    stored.write_text(yaml.safe_dump(settings), encoding="utf-8")
    train(config, resume=True)
    settings["optim"]["lr"] = 1.0
    stored.write_text(yaml.safe_dump(settings), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"other settings than these: optim;"):
        train(config, resume=True)


@pytest.mark.parametrize("held", ['{"train.jsonl": ', "[]"])
def test_a_damaged_record_of_the_data_names_its_file(config, stop_at, held) -> None:
    with pytest.raises(RuntimeError):
        stop_at(3, RuntimeError())
        train(config)
    record = config.out / "data.json"
    record.write_text(held)
    with pytest.raises(ConfigError, match=rf"{record} .*; if {config.data} is what .* delete"):
        train(config, resume=True)
    record.unlink()
    train(config, resume=True)


@pytest.mark.parametrize("data", [".", "../parts", "sub/.."])
def test_a_run_is_named_after_the_folder_that_a_path_means(data, tmp_path, monkeypatch) -> None:
    (tmp_path / "parts" / "sub").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "parts")
    assert folders.usual_out(TrainConfig(method="sft"), Path(data)) == Path("runs/parts-sft-42")


def test_a_folder_called_mini_is_not_the_embedded_model(tmp_path, monkeypatch) -> None:
    """`livr.load("mini")` takes the embedded one, and so must a run that names it."""
    monkeypatch.chdir(tmp_path)
    for name in ("mini", "mine"):
        (tmp_path / name).mkdir()
    assert folders.with_whole_paths(TrainConfig(model="mini")).model == "mini"
    assert folders.with_whole_paths(TrainConfig(model="mine")).model == str(tmp_path / "mine")
