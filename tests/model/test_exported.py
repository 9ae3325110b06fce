"""An export is a checkpoint whose vocabulary and template hold latents already."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import livr
from livr.config import LatentsConfig
from livr.errors import ModelError
from livr.model.load import ExportedModel
from livr.model.model import Model
from livr.model.vocabulary import known_latents, new_latents
from tests import tiny
from tests.export.conftest import compare_in_process, trained  # noqa: F401


@pytest.fixture(scope="module")
def run(trained) -> Path:  # noqa: F811
    return trained("qwen3_vl")


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "out"
    with pytest.MonkeyPatch.context() as patch:
        compare_in_process(patch)
        return livr.export(run, out).path


@pytest.mark.parametrize("num", [1, 4, 6])
def test_an_export_gets_no_second_latents(num, exported) -> None:
    """They would get ids behind the real ones: no prompt would ever look their rows up."""
    with pytest.raises(ModelError, match=r"is an export of LIVR.* 4 latents.*base model"):
        livr.load(exported, num_latents=num)
    model = livr.load(exported)
    with pytest.raises(ModelError, match=r"is an export of LIVR.* 4 latents.*base model"):
        model.add_latents(LatentsConfig(num=num), 0)
    assert model.num_latents == 0


@pytest.mark.parametrize("method", ["livr", "mask_only", "image_twice", "mirage"])
def test_an_export_is_not_trained_as_an_arm_that_needs_more(method, exported) -> None:
    with pytest.raises(ModelError, match=rf"{exported} is an export of LIVR.*{method} does not"):
        livr.load(exported, method=method)
    assert type(livr.load(exported, method="sft")) is ExportedModel


def test_training_latents_on_an_export_is_one_message(exported, run, tmp_path) -> None:
    with pytest.raises(ModelError, match="is an export of LIVR"):
        livr.train(str(exported), run.parent / "data", "livr", out=tmp_path / "out")


@pytest.mark.parametrize("method", ["livr", "mask_only"])
def test_a_loaded_export_is_refused_before_anything_is_written(
    method, exported, run, tmp_path
) -> None:
    model = livr.load(exported)
    with pytest.raises(ModelError, match=f"is an export of LIVR.*{method} does not fit it"):
        arm = [f"method={method}"]
        livr.train(model, run.parent / "data", "sft", settings=arm, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_export_is_asked_with_its_latents_or_not_at_all(exported, run) -> None:
    asked = tiny.examples(3)
    model = livr.load(exported)
    assert model.generate(asked) == livr.load(run).generate(asked)
    for use in ("drop", 0):
        with pytest.raises(ModelError, match="none of them can be left out"):
            model.logits(asked, latents=use)
    with pytest.raises(ModelError, match="mask bottleneck would blind them"):
        model.generate(asked, "bottleneck")


def test_an_evaluation_says_that_the_template_adds_the_latents(
    exported, run, tmp_path, livr_command
) -> None:
    file = tmp_path / "result.json"
    code, out, _ = livr_command("eval", exported, "--data", run.parent / "data", "--out", file)
    assert code == 0 and "latents: 4, added by the chat template" in out
    assert json.loads(file.read_text())["latents"] == "4, added by the chat template"


def test_other_checkpoints_stay_what_they_are(checkpoints) -> None:
    model = livr.load(checkpoints("qwen3_vl"))
    assert type(model) is Model and known_latents(model.tokenizer) == 0
    latents = model.add_latents(LatentsConfig(num=4), 0)
    assert known_latents(model.tokenizer) == 4
    names = [f"<|latent_{i}|>" for i in range(4)]
    assert model.tokenizer.convert_tokens_to_ids(names) == list(latents.ids)


class Gappy:
    """A tokenizer with 10 entries, the last of which has the id 12."""

    def __init__(self) -> None:
        self.added_tokens_decoder: dict[int, str] = {}

    def __len__(self) -> int:
        return 10

    def add_tokens(self, names: list[str], special_tokens: bool) -> None:
        self.ids = {name: 13 + i for i, name in enumerate(names)}

    def convert_tokens_to_ids(self, names: list[str]) -> list[int]:
        return [self.ids[name] for name in names]


def test_ids_with_gaps_are_refused() -> None:
    embedding = torch.nn.Embedding(32, 8)
    hf = SimpleNamespace(name_or_path="gappy", get_input_embeddings=lambda: embedding)
    with pytest.raises(ModelError, match=r"gappy: its tokenizer has 10 entries.*\[13, 14\]"):
        new_latents(hf, Gappy(), LatentsConfig(num=2), 0)
