"""What an export never says, and generation settings of a base that transformers refuses."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

import livr
from tests import tiny

pytestmark = pytest.mark.usefixtures("in_process")


def test_an_export_asked_through_livr_says_no_latent_either(trained, tmp_path, monkeypatch) -> None:
    run = trained("qwen3_vl")
    latents = [*livr.load(run).latents.ids]
    asked = livr.load(livr.export(run, tmp_path / "out").path)
    assert asked.unsayable_ids() == livr.load(run).unsayable_ids()
    assert set(latents) < set(asked.unsayable_ids())
    # Merged latents have scores like any token where the embeddings are tied: let one be ahead.
    head = asked.hf.get_output_embeddings()

    def favour(module: torch.nn.Module, inputs: object, scores_BTV: torch.Tensor) -> torch.Tensor:
        scores_BTV[..., latents[0]] = scores_BTV.max() + 1
        return scores_BTV

    handle = head.register_forward_hook(favour)
    batch = asked.batch(asked.encode(tiny.examples(), "keep", answer=False), "left")
    said_BT = asked.hf.generate(
        **batch.inputs, max_new_tokens=3, do_sample=False, suppress_tokens=asked.unsayable_ids()
    )[:, batch.roles_BT.shape[1] :]
    handle.remove()
    assert not set(said_BT.flatten().tolist()) & set(latents)


def test_a_base_with_a_temperature_and_no_sampling_is_exported(
    trained, checkpoints, tmp_path
) -> None:
    base = shutil.copytree(checkpoints("qwen3_vl"), tmp_path / "base")
    settings = json.loads((base / "generation_config.json").read_text())
    settings.pop("do_sample", None)
    (base / "generation_config.json").write_text(json.dumps(settings | {"temperature": 0.9}))
    out = livr.export(trained("qwen3_vl", model=str(base)), tmp_path / "out").path
    written = json.loads((out / "generation_config.json").read_text())
    assert written["do_sample"] is False and "temperature" not in written
