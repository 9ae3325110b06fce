"""`livr train`: what it prints, and how it is stopped by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests import tiny

from livr.train import stage as stages


@pytest.fixture
def words(checkpoints, tmp_path) -> list[object]:
    data = tiny.dataset(tmp_path / "data", train=4, val=2)
    given = ["train", "sft", "--model", checkpoints("qwen3_vl"), "--data", data]
    return [*given, "--out", tmp_path / "run", "--set", "epochs=[2]", "--set", "optim.batch_size=2"]


@pytest.mark.parametrize("step", [1, 3])
def test_ctrl_c_says_whether_the_run_can_go_on(
    step, words, livr_command, monkeypatch, tmp_path: Path
) -> None:
    """Two steps are an epoch, and an epoch is a checkpoint."""
    original = stages.Hooks.on_step_end

    def stops(self, args, state, control, **kwargs) -> None:
        if state.global_step == step:
            raise KeyboardInterrupt
        original(self, args, state, control, **kwargs)

    monkeypatch.setattr(stages.Hooks, "on_step_end", stops)
    code, out, message = livr_command(*words)
    assert (code, out) == (130, "")
    monkeypatch.setattr(stages.Hooks, "on_step_end", original)
    if step == 1:
        assert "error: Stopped. There was no checkpoint yet" in message
        assert not (tmp_path / "run").exists()
        assert livr_command(*words)[0] == 0
    else:
        assert "error: Stopped. The same command with --resume continues the run in" in message
        assert livr_command(*words, "--resume")[0] == 0


def test_a_dry_run_looks_at_its_folder_and_draws_no_bars(
    words, livr_command, tmp_path: Path
) -> None:
    from transformers.utils import logging

    logging.enable_progress_bar()
    code, _, message = livr_command(*words, "--dry-run")
    assert code == 0 and "Loading weights" not in message
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    code, out, message = livr_command(*words, "--dry-run")
    assert (code, out) == (2, "") and "exists already" in message
    code, _, message = livr_command(*words, "--dry-run", "--resume")
    assert code == 2 and "nothing to resume" in message
    (tmp_path / "run" / "notes.txt").unlink()
    assert livr_command(*words)[0] == 0
    code, out, _ = livr_command(*words, "--dry-run", "--resume")
    assert code == 0 and "sft" in out


def test_for_machines(words, livr_command, tmp_path: Path) -> None:
    code, out, _ = livr_command(*words, "--dry-run", "--json")
    plan = json.loads(out)
    assert code == 0 and plan["steps"] == [4]
    assert plan["costs"][0]["memory"] > 0
    code, out, _ = livr_command(*words, "--json")
    done = json.loads(out)
    assert code == 0 and done["path"] == str(tmp_path / "run")
    assert done["method"] == "sft" and 0 <= done["val_accuracy"] <= 1
