"""Mirage on rows as `livr data build` makes them, with the shipped recipe, as it is typed."""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path

import pytest
import torch

import livr
from livr.baselines.mirage_training import targets
from livr.data.build import build_task
from livr.data.lake import reaches_goal
from livr.data.store import load_split

SIZES = {"train": 8, "val": 2, "test": 4}
K = 4


def lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("task", ["jigsaw", "vsp"])
def test_built_rows_train_and_are_scored(task, livr_command, tmp_path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    build_task(task, "pool", data, SIZES, seed=1)
    rows = load_split(data, "train")
    assert all(len(row.helper_images) == 1 for row in rows)
    words = ("train", "mirage", "--model", "mini", "--data", data, "--out", run)
    code, _, err = livr_command(*words, "--set", "epochs=[2, 2]")  # the first step only warms up
    assert code == 0, err

    losses = {e["stage"]: e["loss"] for e in lines(run / "metrics.jsonl") if "loss" in e}
    assert set(losses) == {"stage1", "stage2"} and all(map(isfinite, losses.values()))
    before, after = livr.load("mini", method="mirage"), livr.load(run)
    pairs = zip(before.hf.named_parameters(), after.hf.parameters(), strict=True)
    changed = {name for (name, old), new in pairs if not torch.equal(old, new)}
    assert any("layers" in name for name in changed)
    assert not any("visual" in name for name in changed)
    wanted = [targets(before, row, K) for row in rows]
    assert all(one.shape == (K, before.width) for one in wanted)
    assert not torch.allclose(wanted[0], wanted[1])

    assert livr_command("eval", run, "--data", data)[0] == 0
    said = lines(run / "predictions-test.jsonl")
    assert json.loads((run / "scores.json").read_text())["n"] == len(said) == SIZES["test"]
    asked = {row.id: row for row in load_split(data, "test")}
    for answer in said:
        row = asked[answer["id"]]
        moves = answer["prediction"]
        right = reaches_goal(row.board, moves or "") if task == "vsp" else moves == row.answer
        assert answer["correct"] == right
    plain = [row.model_copy(update={"helper_images": ()}) for row in asked.values()]
    assert after.generate(plain) == [answer["text"] for answer in said]
