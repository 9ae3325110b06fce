"""Latents as new entries of a model's vocabulary."""

from __future__ import annotations

from typing import Any

from livr.config import LatentsConfig
from livr.errors import ModelError
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

    Raises:
        ModelError: The vocabulary holds latents already, or numbers new entries with gaps.
    """
    refuse_latents(hf, tokenizer, f"{config.num} new ones cannot be added")
    first, names = len(tokenizer), token_names(config.num)
    tokenizer.add_tokens(names, special_tokens=True)
    found = tokenizer.convert_tokens_to_ids(names)
    if found != list(range(first, first + config.num)):
        # Ids past the real latents would train rows that no prompt ever looks up.
        raise ModelError(
            f"{hf.name_or_path}: its tokenizer has {first} entries but gives new ones the ids "
            f"{found}; latents cannot be added to it. Use a checkpoint whose ids have no gaps"
        )
    embedding = hf.get_input_embeddings()
    if len(tokenizer) > embedding.num_embeddings:
        embedding = _grow(hf, len(tokenizer))
    init_seed = seed if config.init_seed is None else config.init_seed
    latents = Latents(embedding.weight, first, config, init_seed).to(embedding.weight.device)
    # The rows take the place of what the embedding gives, not of what its table holds.
    latents.rows.data *= lookup_scale(embedding)
    latents.attach(embedding)
    return latents


def lookup_scale(embedding: Any) -> float:
    """What an embedding multiplies its table's rows by when they are looked up.

    Returns:
        sqrt(D) for Gemma 3 and PaliGemma, 1 for most families.
    """
    return float(getattr(embedding, "embed_scale", 1.0))


def known_latents(tokenizer: Any) -> int:
    """How many latents a vocabulary holds; an export's holds its run's."""
    stem = token_names(1)[0].removesuffix("0|>")
    entries = tokenizer.added_tokens_decoder.values()
    return sum(str(entry.content).startswith(stem) for entry in entries)


def refuse_latents(hf: Any, tokenizer: Any, why: str) -> None:
    """Refuse what an export of LIVR cannot do; any other checkpoint passes.

    Args:
        hf: The transformers model.
        tokenizer: Its tokenizer.
        why: What is impossible, for people.

    Raises:
        ModelError: The vocabulary holds latents.
    """
    num = known_latents(tokenizer)
    if num:
        raise ModelError(
            f"{hf.name_or_path} is an export of LIVR: its vocabulary holds {num} latents, and its "
            f"chat template adds them to every prompt, so {why}. Train from its base model (see "
            "livr.json in it); for other masks or fewer latents load the run it was made from"
        )


def _grow(hf: Any, size: int) -> Any:
    """Make room for the latents; new rows are zero, so that loading again gives the same."""
    before = hf.get_input_embeddings().num_embeddings
    hf.resize_token_embeddings(size, mean_resizing=False)
    for table in (hf.get_input_embeddings(), hf.get_output_embeddings()):
        table.requires_grad_(False)
        table.weight[before:].zero_()
    return hf.get_input_embeddings()
