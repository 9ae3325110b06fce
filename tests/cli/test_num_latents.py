"""`--num-latents`: any number of a run's latents, in eval and predict."""

from __future__ import annotations

import json

import pytest
from tests import tiny

import livr
from livr.cli.console import which_latents
from livr.cli.verbs import load_verb
from livr.config import TrainConfig
from livr.errors import ConfigError, ModelError
from livr.export.source import read_source
from livr.train.run import train


def run_of(method: str, checkpoints, tmp_path) -> livr.Model:
    values = {
        "method": method,
        "epochs": [1, 1] if method == "livr_elastic" else [1],
        "model": str(checkpoints("qwen3_vl")),
        "data": tiny.dataset(tmp_path / "data"),
        "out": tmp_path / "run",
        "latents": {"num": 4},
        "optim": {"lr": 1e-2, "batch_size": 4},
    }
    return train(TrainConfig.model_validate(values))


def test_options_say_which_latents() -> None:
    assert which_latents("keep", None) == "keep"
    assert which_latents("drop", None) == "drop"
    assert which_latents("keep", 3) == 3
    with pytest.raises(ConfigError, match="choose keep or drop"):
        which_latents("some", None)
    with pytest.raises(ConfigError, match="--num-latents 3 keeps some"):
        which_latents("drop", 3)


def test_eval_and_predict_with_fewer_latents(checkpoints, tmp_path, capsys) -> None:
    run = run_of("livr_elastic", checkpoints, tmp_path)
    eval_ = load_verb("eval")
    options = [str(run.path), "--data", str(tmp_path / "data"), "--json"]
    eval_.main([*options, "--num-latents", "2"], standalone_mode=False)
    found = json.loads(capsys.readouterr().out)
    assert found["latents"] == 2
    assert not (run.path / "scores.json").exists()
    expected = livr.evaluate(livr.load(run.path), tmp_path / "data", latents=2)
    assert found["accuracy"] == expected.accuracy
    with pytest.raises(ConfigError, match=r"5 latents asked for; .* has 4"):
        eval_.main([*options, "--num-latents", "5"], standalone_mode=False)
    image = tmp_path / "data" / "images" / "test-0-0.png"
    asked = ["--image", str(image), "--question", "How many?", "--num-latents", "1"]
    load_verb("predict").main([str(run.path), *asked, "--json"], standalone_mode=False)
    example = livr.Example(id="1", images=(image,), question="How many?")
    said = livr.load(run.path).generate([example], latents=1)
    assert json.loads(capsys.readouterr().out)["text"] == said[0]


def test_what_no_other_program_could_ask_is_not_exported(checkpoints, tmp_path) -> None:
    run = run_of("image_twice", checkpoints, tmp_path)
    with pytest.raises(ModelError, match="image_twice needs more than a checkpoint"):
        read_source(run.path)
