"""The length check against a real checkpoint: what it proposes must fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import livr
from livr.cli.data import _token_counter
from livr.data.check import check_folder
from livr.data.check_length import length_problems
from livr.data.example import Example
from livr.data.store import load_split, write_dataset

from . import layouts


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
def test_the_proposed_pixel_budget_fits(
    family: str, checkpoints: Callable[..., Path], tmp_path: Path
) -> None:
    layouts.noise(tmp_path / "big.png", 1, (800, 640))
    layouts.noise(tmp_path / "small.png", 2, (64, 48))
    big, small = tmp_path / "big.png", tmp_path / "small.png"
    rows = [
        Example(id="fits", images=(small,), question="What?", answer="noise"),
        Example(id="images", images=(big,) * 8, question="Same? " * 320, answer="yes"),
        Example(id="text", images=(small,), question="Why? " * 500, answer="so"),
    ]
    write_dataset(tmp_path / "set", {"train": rows})
    model = str(checkpoints(family))
    counter = _token_counter(model, trust_remote_code=False)
    problems = check_folder(tmp_path / "set", counter).problems
    assert [problem.row for problem in problems] == [2, 3]
    assert "the text alone has" in problems[1].message
    found = re.search(r"at most ([\d,]+) pixels per image", problems[0].message)
    assert found, problems[0].message
    budget = int(found[1].replace(",", ""))

    def length(max_pixels: int) -> int:
        encoder = livr.load(model, max_pixels=max_pixels).encoder
        return len(encoder.encode(load_split(tmp_path / "set", "train")[1]))

    assert length(budget) <= counter.limit < length(2 * budget)
    assert length_problems(load_split(tmp_path / "set", "train")[0], counter) == []


def test_a_shape_that_the_processor_refuses_is_a_problem_of_its_row(
    checkpoints: Callable[..., Path], tmp_path: Path
) -> None:
    rows = []
    for number, size in enumerate([(64, 48), (3000, 2), (48, 64)]):
        layouts.noise(tmp_path / f"{number}.png", number, size)
        path = tmp_path / f"{number}.png"
        rows.append(Example(id=f"r{number}", images=(path,), question="What?", answer="noise"))
    write_dataset(tmp_path / "set", {"train": rows})
    counter = _token_counter(str(checkpoints("qwen2_5_vl")), trust_remote_code=False)
    [problem] = check_folder(tmp_path / "set", counter).problems
    assert (problem.file, problem.row) == ("train.jsonl", 2)
    assert "example r1: the model's processor refuses" in problem.message
    assert "3000 x 2" in problem.message
    assert "crop or pad" in problem.message
