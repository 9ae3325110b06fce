"""New latents: their ids, and rows of the size of what the embedding gives."""

from __future__ import annotations

import pytest
import torch

import livr
from livr.config import LatentsConfig
from livr.method.latents import Latents
from livr.model.vocabulary import lookup_scale
from tests.families import BUILDERS


@pytest.mark.parametrize("start", ["apart", "words"])
@pytest.mark.parametrize("family", ["gemma3", "paligemma", "llava"])
def test_rows_start_with_the_size_of_looked_up_words(family, start, tmp_path) -> None:
    model = livr.load(BUILDERS[family](tmp_path / family))
    embedding = model.hf.get_input_embeddings()
    words = embedding(torch.arange(len(model.tokenizer)))
    latents = model.add_latents(LatentsConfig(num=64, start=start), 0)
    looked_up = model.hf.get_input_embeddings()(torch.tensor(list(latents.ids)))
    assert torch.equal(looked_up, latents.rows_KD())
    ratio = looked_up.square().mean().sqrt() / words.square().mean().sqrt()
    assert 0.8 < ratio.item() < 1.25
    scale = 32**0.5 if family != "llava" else 1.0
    assert lookup_scale(embedding) == pytest.approx(scale)


def test_without_a_factor_not_a_bit_changes(checkpoints) -> None:
    model = livr.load(checkpoints("qwen3_vl"), num_latents=4, seed=7)
    table = model.hf.get_input_embeddings().weight
    plain = Latents(table, model.latents.first_id, LatentsConfig(num=4), 7)
    assert torch.equal(plain.rows, model.latents.rows)
