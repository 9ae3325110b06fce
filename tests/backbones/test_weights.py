"""Checkpoints that lack weights: transformers would go on with random numbers."""

from __future__ import annotations

import shutil

import pytest
from safetensors.torch import load_file, save_file

import livr
from livr.errors import ModelError


def test_a_checkpoint_that_lacks_weights_is_refused(checkpoints, tmp_path) -> None:
    folder = tmp_path / "gaps"
    shutil.copytree(checkpoints("qwen3_vl"), folder)
    weights = load_file(folder / "model.safetensors")
    lost = [name for name in weights if "layers.1.mlp" in name and "language_model" in name]
    assert len(lost) == 3
    save_file({n: w for n, w in weights.items() if n not in lost}, folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"lacks 3 of its model's weights \(.*layers\.1\.mlp"):
        livr.load(folder)


def test_a_tied_output_is_not_lacking(checkpoints) -> None:
    model = livr.load(checkpoints("qwen3_vl"))
    assert model.hf.get_output_embeddings().weight is model.hf.get_input_embeddings().weight
