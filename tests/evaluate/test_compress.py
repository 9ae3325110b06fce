"""`compress` in evaluate and predict: the same answers, and refused where they would change."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest
from tests import tiny

import livr
from livr.cli.verbs import load_verb
from livr.config import load_recipe
from livr.errors import ConfigError
from livr.model import model as asking
from livr.model.compress import remember
from livr.recipes import find_shipped
from livr.train.run import train

COMPRESSED = {"mask": "bottleneck", "compress": True}


def test_the_same_predictions(checkpoints, tmp_path: Path, monkeypatch) -> None:
    """With the images forgotten, and they were: every batch went through `remember`."""
    model = livr.load(checkpoints("qwen3_vl"), num_latents=4, seed=0)
    data = tiny.dataset(tmp_path / "data")
    kept = livr.evaluate(model, data, mask="bottleneck")
    sizes = []

    def noted(*args, **options):
        notes = remember(*args, **options)
        sizes.append(notes.bytes_after / notes.bytes_before)
        return notes

    monkeypatch.setattr(asking, "remember", noted)
    short = livr.evaluate(model, data, batch_size=3, **COMPRESSED)
    assert short.predictions == kept.predictions
    assert len(sizes) == 2 and max(sizes) < 1
    assert short.summary() == kept.summary() | {"compress": True}
    assert len({prediction.text for prediction in kept.predictions}) > 1
    seen = livr.evaluate(model, data)
    assert [p.text for p in seen.predictions] != [p.text for p in kept.predictions]
    images = [data / "images" / "test-0-0.png"]
    one = livr.predict(model, images, "How many?", **COMPRESSED)
    assert one == livr.predict(model, images, "How many?", mask="bottleneck")
    assert len(sizes) == 3


def test_a_run_trained_under_both_rules(checkpoints, tmp_path: Path) -> None:
    """Stage 2 of `livr_mixed` keeps the road through the latents; forgetting changes no answer."""
    data = tiny.dataset(tmp_path / "data")
    given = {"method": "livr_mixed", "model": str(checkpoints("qwen3_vl")), "epochs": [1, 1]}
    places = {"data": data, "out": tmp_path / "run"}
    train(load_recipe(find_shipped("livr"), ["latents.num=4"], **given, **places))
    kept = livr.evaluate(tmp_path / "run", data, mask="bottleneck")
    assert livr.evaluate(tmp_path / "run", data, **COMPRESSED).predictions == kept.predictions


def test_the_flags(checkpoints, tmp_path: Path, monkeypatch, capsys) -> None:
    """Refused before a model is loaded: there is none at this path."""
    data = tiny.dataset(tmp_path / "data")
    ask = ["--image", str(data / "images" / "test-0-0.png"), "--question", "How many?"]
    for verb, options in (("eval", ["--data", str(data)]), ("predict", ask)):
        with pytest.raises(ConfigError, match=r"compress drops the image .* use mask=bottleneck"):
            load_verb(verb).main(["./none", *options, "--compress"], standalone_mode=False)
    asked = [str(checkpoints("qwen3_vl")), *ask, "--mask", "bottleneck", "--compress", "--json"]
    with pytest.raises(ConfigError, match="blind"):
        load_verb("predict").main(asked, standalone_mode=False)
    model = livr.load(checkpoints("qwen3_vl"), num_latents=4, seed=0)
    monkeypatch.setattr(import_module("livr.evaluate.run"), "load", lambda *_, **__: model)
    options = ["--data", str(data), "--mask", "bottleneck", "--compress", "--json"]
    load_verb("eval").main(["./none", *options], standalone_mode=False)
    expected = livr.evaluate(model, data, mask="bottleneck").summary()
    found = json.loads(capsys.readouterr().out)
    assert found == expected | {"model": "./none", "compress": True}
