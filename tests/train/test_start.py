"""What a run starts from: a loaded model is followed; what was trained already is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

import livr
from livr.config import LatentsConfig, TrainConfig
from livr.errors import ConfigError
from livr.model.adapter import load_adapter, save_adapter
from livr.train.plan import plan_run
from livr.train.run import Run, train
from livr.train.start import named
from tests import tiny

SHORT = ("epochs=[1,1]", "optim.batch_size=4", "checkpoint=last")


@pytest.fixture
def base(checkpoints) -> str:
    return str(checkpoints("qwen3_vl"))


@pytest.fixture
def data(tmp_path) -> Path:
    return tiny.dataset(tmp_path / "data", train=4, val=2)


def recorded(run: Path) -> dict:
    return yaml.safe_load((run / "config.yaml").read_text())


def test_a_run_is_evaluated_as_the_loaded_model_it_trained(base, data, tmp_path) -> None:
    model = livr.load(base, num_latents=3, max_pixels=256, dtype="bfloat16")
    run = livr.train(model, data, out=tmp_path / "run", settings=SHORT)
    found = recorded(run.path)
    assert (found["max_pixels"], found["latents"]["num"], found["dtype"]) == (256, 3, "bfloat16")
    again = livr.load(run)
    assert again.hf.dtype == torch.bfloat16
    assert livr.load(run, dtype="float32").hf.dtype == torch.float32
    for one, two in zip(model.logits(tiny.examples()), again.logits(tiny.examples()), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize(
    "asked", ["max_pixels=256", "latents.num=2", "latents={num: 2}", "dtype=bfloat16"]
)
def test_settings_that_the_loaded_model_contradicts_are_refused(
    asked, base, data, tmp_path
) -> None:
    model = livr.load(base, num_latents=3)
    name = "latents.num" if "latents" in asked else asked.partition("=")[0]
    with pytest.raises(ConfigError, match=f"do not fit the loaded model: {name}"):
        livr.train(model, data, out=tmp_path / "run", settings=[*SHORT, asked])
    assert not (tmp_path / "run").exists()


def test_a_recipe_of_ones_own_is_asked_for_and_a_shipped_one_is_not(base, data, tmp_path) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("method: livr\nlatents: {num: 2}\nepochs: [1, 1]\n")
    model = livr.load(base, num_latents=3)
    with pytest.raises(ConfigError, match=r"latents\.num=2, but the model has 3"):
        livr.train(model, data, recipe, out=tmp_path / "run")
    livr.train(model, data, "livr", out=tmp_path / "run", settings=SHORT)
    assert recorded(tmp_path / "run")["latents"]["num"] == 3


def test_another_checkpoint_than_the_loaded_one_is_refused(base, data, tmp_path) -> None:
    values = {"model": "mini", "data": data, "out": tmp_path / "run"}
    with pytest.raises(ConfigError, match="model=mini, but the model has"):
        train(TrainConfig.model_validate(values), model=livr.load(base))


def test_how_latents_train_is_for_the_settings(base, data, tmp_path) -> None:
    """Noise is not in the rows, so it may be chosen; else it is what the latents came with."""
    for asked, noise in ((["latents.noise=0.2"], 0.2), ([], 0.3)):
        model = livr.load(base, latents=LatentsConfig(num=3, noise=0.3))
        out = tmp_path / f"run{noise}"
        livr.train(model, data, out=out, settings=[*SHORT, *asked])
        assert recorded(out)["latents"]["noise"] == noise


def test_settings_are_a_list(data) -> None:
    with pytest.raises(ConfigError, match=r"give a list of them: settings=\['optim.lr=1e-3'\]"):
        livr.train("mini", data, settings="optim.lr=1e-3")


def test_names_of_settings() -> None:
    assert named(["latents={num: 4}", "dtype=auto"]) == {"latents", "latents.num", "dtype"}


@pytest.fixture
def trained(base, data, tmp_path) -> Callable[..., Run]:
    def run(*settings: str) -> Run:
        return livr.train(base, data, out=tmp_path / "first", settings=[*SHORT, *settings])

    return run


@pytest.mark.parametrize("tune", ["lora", "full"])
def test_a_run_is_no_checkpoint(tune, trained, data, tmp_path) -> None:
    """Whichever way it is given: as a path, as a `Run`, or loaded."""
    run = trained(f"tune={tune}")
    for given in (run.path, str(run.path), run, livr.load(run)):
        with pytest.raises(ConfigError, match=r"livr export .* --out DIR, then train on DIR"):
            livr.train(given, data, out=tmp_path / "second", settings=SHORT)
    assert not (tmp_path / "second").exists()
    with pytest.raises(ConfigError, match="is a run"):
        plan_run(TrainConfig(model=str(run.path), data=data))


@pytest.mark.parametrize("method", ["sft", "prompt_tuning"])
def test_one_loaded_model_trains_once(method, base, data, tmp_path) -> None:
    model = livr.load(base)
    one = ["epochs=[1]", "optim.batch_size=4", f"method={method}"]
    livr.train(model, data, "sft", out=tmp_path / "first", settings=one)
    with pytest.raises(ConfigError, match="trained before"):
        livr.train(model, data, "sft", out=tmp_path / "second", settings=one)
    assert not (tmp_path / "second").exists()


def test_rows_alone_are_training_too(base, tmp_path) -> None:
    """A run of `prompt_tuning` has neither LoRA nor tuned layers."""
    save_adapter(livr.load(base, num_latents=2), tmp_path / "adapter")
    model = livr.load(base)
    load_adapter(model, tmp_path / "adapter")
    values = {"model": base, "data": tmp_path, "out": tmp_path / "run"}
    with pytest.raises(ConfigError, match="loaded from a run"):
        train(TrainConfig.model_validate(values), model=model)


def test_a_model_elsewhere_is_not_moved_in_silence(base, data, tmp_path) -> None:
    model = livr.load(base, num_latents=2)
    model.hf.to("meta")
    with pytest.raises(ConfigError, match="the model is on meta, but training takes place on"):
        livr.train(model, data, out=tmp_path / "run", settings=SHORT)
    assert not (tmp_path / "run").exists()
