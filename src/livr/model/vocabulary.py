"""Latents as new entries of a model's vocabulary."""

from __future__ import annotations

from typing import Any

from livr.config import LatentsConfig
from livr.method.latents import Latents, token_names


def new_latents(hf: Any, tokenizer: Any, config: LatentsConfig, seed: int) -> Latents:
    """Add K latents with fresh random rows to tokenizer and embedding.

    Spare embedding rows are used where the checkpoint has them; the matrix grows only if they do
    not suffice.

    Args:
        hf: The transformers model; its embedding gets the latents' hook.
        tokenizer: Its tokenizer, which gets the latents' names.
        config: The latents.
        seed: Seed of the rows, unless `config` names one.
    """
    first = len(tokenizer)
    tokenizer.add_tokens(token_names(config.num), special_tokens=True)
    embedding = hf.get_input_embeddings()
    if len(tokenizer) > embedding.num_embeddings:
        embedding = _grow(hf, len(tokenizer))
    init_seed = seed if config.init_seed is None else config.init_seed
    latents = Latents(embedding.weight, first, config, init_seed).to(embedding.weight.device)
    latents.attach(embedding)
    return latents


def _grow(hf: Any, size: int) -> Any:
    """Make room for the latents; new rows are zero, so that loading again gives the same."""
    before = hf.get_input_embeddings().num_embeddings
    hf.resize_token_embeddings(size, mean_resizing=False)
    for table in (hf.get_input_embeddings(), hf.get_output_embeddings()):
        table.requires_grad_(False)
        table.weight[before:].zero_()
    return hf.get_input_embeddings()
