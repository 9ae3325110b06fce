"""A benchmark of several parts is reported part by part."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests import tiny

import livr
from livr.data.example import Example
from livr.data.store import write_dataset
from livr.model.model import Model


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "set"
    rows = [
        Example(
            id=f"{task}-{index}",
            task=task,
            images=(tiny.picture(index),),
            question="Which?",
            choices=("one", "two"),
            answer="A",
        )
        for task, count in (("jigsaw", 4), ("counting", 2))
        for index in range(count)
    ]
    write_dataset(folder, {"test": rows, "val": rows[:4]})
    return folder


def test_subsets_and_their_mean(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def generate(self: Model, examples: Sequence[Example], *_: object, **__: object) -> list[str]:
        said = {"jigsaw-0": "A", "jigsaw-1": "B", "counting-0": "?"}
        return [said.get(example.id, "A") for example in examples]

    model = livr.load(str(tiny.checkpoint("qwen3_vl", tmp_path / "model")))
    monkeypatch.setattr(Model, "generate", generate)
    result = livr.evaluate(model, data, out=tmp_path / "results.json")
    saved = json.loads((tmp_path / "results.json").read_text())
    assert saved == result.summary()
    parts = saved["subsets"]
    assert list(parts) == ["counting", "jigsaw"]
    assert (parts["counting"]["accuracy"], parts["counting"]["unparsed"]) == (0.5, 0.5)
    assert (parts["jigsaw"]["accuracy"], parts["jigsaw"]["n"]) == (0.75, 4)
    assert parts["jigsaw"]["ci95"][0] < 0.75 < parts["jigsaw"]["ci95"][1]
    assert saved["mean_of_subsets"] == 0.625
    assert saved["accuracy"] == pytest.approx(4 / 6)
    one = livr.evaluate(model, data, "val").summary()
    assert "subsets" not in one
    assert "mean_of_subsets" not in one
