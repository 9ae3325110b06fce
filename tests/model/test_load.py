"""Arguments of `livr.load` and of a model's methods that cannot be meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import livr
from livr.config import TrainConfig, dump
from livr.errors import ConfigError
from tests import tiny


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"dtype": "float16"}, "choose one of auto, float32, bfloat16"),
        ({"num_latents": -1}, r"num_latents=-1: wrong settings\n  num: .* greater than"),
        ({"num_latents": 1000}, "num: .* less than"),
        ({"max_pixels": 0}, "max_pixels=0: give 1 or more"),
        ({"device": "foo"}, "device='foo' cannot be used here"),
        ({"device": "cuda:99"}, "device='cuda:99' cannot be used here"),
    ],
    ids=str,
)
def test_arguments_are_refused_before_anything_is_loaded(
    wrong: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        livr.load("no/checkpoint", **wrong)


@pytest.mark.parametrize("source", [None, 3])
def test_what_names_no_model_is_refused(source: Any) -> None:
    with pytest.raises(ConfigError, match=f"{source} names no model; give a hub id"):
        livr.load(source)


def test_what_a_model_cannot_be_asked(checkpoints) -> None:
    model = livr.load(checkpoints("qwen3_vl"), device="cpu", num_latents=2)
    asked = tiny.examples()
    for wrong, reason in (
        ({"batch_size": 0}, "batch_size=0: give 1 or more"),
        ({"latents": "none"}, "latents='none': give 'keep', 'drop', or how many"),
    ):
        for ask in (model.generate, model.logits):
            with pytest.raises(ConfigError, match=reason):
                ask(asked, **wrong)
    with pytest.raises(ConfigError, match=r"one example .* write \[example\]"):
        model.generate(asked[0])


@pytest.mark.parametrize("verb", ["eval", "predict", "export"])
def test_a_run_whose_base_model_is_gone_says_what_to_do(
    verb: str, tmp_path: Path, livr_command: Callable[..., tuple[int, str, str]]
) -> None:
    run, base = tmp_path / "run", tmp_path / "moved"
    (run / "adapter").mkdir(parents=True)
    (run / "adapter" / "livr.json").write_text('{"tune": "lora", "latents": null}')
    config = TrainConfig(model=str(base), method="sft", epochs=(1,))
    dump(config, run / "config.yaml")
    data = tiny.dataset(tmp_path / "data")
    picture = next(data.rglob("*.png"))
    words = {
        "eval": ("--data", data),
        "predict": ("--image", picture, "--question", "What?"),
        "export": ("--out", tmp_path / "out"),
    }
    code, _, said = livr_command(verb, run, *words[verb])
    assert code == 2
    assert (
        f"{run} was trained on {base}, which cannot be read now; put it back, or name its new "
        f"place under `model` in {run / 'config.yaml'}"
    ) in " ".join(said.split())
