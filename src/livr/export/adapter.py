"""A run as an adapter for plain peft: LoRA and the latents' rows as trained tokens."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save_file

from livr.export.merge import PEFT_PREFIX, latent_ids, latent_rows, lora_state
from livr.export.source import Source
from livr.model.adapter import read_lora_settings

_ROWS = "token_adapter.trainable_tokens_delta"
"""Under this name peft keeps the new values of embedding rows."""


def write_adapter(source: Source, embedding: str, scale: float, out: Path) -> None:
    """Write `adapter_config.json` and `adapter_model.safetensors`.

    Args:
        source: The run.
        embedding: Dotted name of the input embedding inside the checkpoint's model.
        scale: What that embedding multiplies its rows by, see `lookup_scale`.
        out: An existing folder.
    """
    state = lora_state(source)
    config = read_lora_settings(source.adapter)
    config.base_model_name_or_path = source.hub_id or source.config.model
    config.revision = source.commit
    config.inference_mode = True
    rows = latent_rows(source, scale)
    if rows is not None:
        config.trainable_token_indices = {embedding: list(latent_ids(source))}
        state[f"{PEFT_PREFIX}{embedding}.{_ROWS}"] = rows
    save_file(
        {name: w.contiguous() for name, w in state.items()}, out / "adapter_model.safetensors"
    )
    config.save_pretrained(str(out))
