"""One ordinary model from a backbone, LoRA and the latents' rows."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model, set_peft_model_state_dict
from torch import Tensor

from livr.backbones.backbone import WEIGHTS_FAIL, auto_class
from livr.errors import ConfigError, ModelError
from livr.export.source import Source
from livr.model.adapter import decoder_state, must_fit, read_lora_settings, read_weights
from livr.model.vocabulary import lookup_scale

DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
PEFT_PREFIX = "base_model.model."
"""What peft puts before a module's name once it has wrapped the model."""


def target_dtype(name: str, source: Source) -> torch.dtype:
    """The precision of exported weights; `auto` is that of the source checkpoint.

    Raises:
        ConfigError: No such precision.
    """
    if name == "auto":
        config = source.json("config.json")
        for part in (config, config.get("text_config", {})):
            found = part.get("dtype") or part.get("torch_dtype")
            if found in DTYPES:
                return DTYPES[found]
        return torch.float32
    if name not in DTYPES:
        raise ConfigError(f"--dtype {name}: choose auto, {', '.join(DTYPES)}")
    return DTYPES[name]


def plain_backbone(source: Source, vocabulary: int) -> Any:
    """The checkpoint in fp32, as transformers loads it, with room for `vocabulary` tokens.

    Raises:
        ModelError: Its weights are quantised, so nothing can be added to them.
    """
    trust = {"trust_remote_code": source.trust_remote_code}
    kind = auto_class(source.own_code)
    name, at = source.place
    hf = kind.from_pretrained(name, dtype=torch.float32, **trust, **at)
    if getattr(hf, "is_quantized", False):
        raise ModelError(
            f"{source.checkpoint} holds quantised weights, into which nothing can be merged; "
            "export with --adapter, or train on the unquantised checkpoint"
        )
    before = hf.get_input_embeddings().num_embeddings
    if vocabulary > before:
        hf.resize_token_embeddings(vocabulary, mean_resizing=False)
        with torch.no_grad():
            for table in (hf.get_input_embeddings(), hf.get_output_embeddings()):
                table.weight[before:].zero_()
    return hf.eval()


def lora_state(source: Source) -> dict[str, Tensor]:
    """The run's LoRA weights under the names that plain peft expects."""
    state = read_weights(source.adapter / "adapter_model.safetensors")
    return {PEFT_PREFIX + name.removeprefix(PEFT_PREFIX): w for name, w in state.items()}


def latent_rows(source: Source, scale: float) -> Tensor | None:
    """The latents' K rows as an embedding's table holds them, a shared row repeated.

    Args:
        source: The run.
        scale: What the embedding multiplies its rows by, see `lookup_scale`.

    Returns:
        (K, D) fp32; None without latents.
    """
    latents = source.latents
    if latents is None:
        return None
    rows = read_weights(source.adapter / "latents.safetensors")["rows"]
    return (rows.float() / scale).expand(latents.num, -1).contiguous()


def latent_ids(source: Source) -> range:
    """Token ids of the latents; empty without latents."""
    if source.latents is None:
        return range(0)
    first = int(source.about["first_latent_id"])
    return range(first, first + source.latents.num)


@torch.no_grad()
def merge(source: Source, vocabulary: int) -> Any:
    """The run as one model in fp32: LoRA merged, or the tuned layers put in place; rows baked in.

    The checkpoint is read unquantised, also where the run kept it in four bits.

    Args:
        source: The run.
        vocabulary: Number of tokens, latents included.

    Raises:
        ModelError: The run's files do not fit its checkpoint, or merging gives no numbers.
    """
    hf = plain_backbone(source, vocabulary)
    try:
        if source.about["tune"] == "lora":
            hf = _merge_lora(hf, source)
        elif source.about["tune"] == "full":
            _put_layers(hf, source.adapter / "decoder.safetensors")
    except WEIGHTS_FAIL as error:
        raise ModelError(f"{source.run}: cannot merge what it trained: {error}") from error
    embedding = hf.get_input_embeddings()
    rows = latent_rows(source, lookup_scale(embedding))
    if rows is not None:
        ids = latent_ids(source)
        embedding.weight[ids.start : ids.stop] = rows
    return hf.eval()


def _merge_lora(hf: Any, source: Source) -> Any:
    config = read_lora_settings(source.adapter)
    with warnings.catch_warnings():
        # peft asks transformers for a property by its old name.
        warnings.simplefilter("ignore", FutureWarning)
        wrapped: PeftModel = get_peft_model(hf, config)
    state = lora_state(source)
    result = set_peft_model_state_dict(wrapped, state)
    own = {n for n, _ in wrapped.named_parameters() if ".lora_" in n}
    if result.unexpected_keys or len(own) != len(state):
        raise ModelError(
            f"{source.adapter}: {len(state)} LoRA matrices do not fit the {len(own)} places of "
            f"{source.checkpoint}; was the checkpoint changed since the run?"
        )
    # safe_merge refuses a merge that gives no numbers.
    return wrapped.merge_and_unload(safe_merge=True)


def _put_layers(hf: Any, file: Path) -> None:
    state = read_weights(file)
    must_fit(file, state, decoder_state(hf))
    hf.load_state_dict(state, strict=False)


@torch.no_grad()
def round_weights(hf: Any, dtype: torch.dtype) -> Any:
    """Cast the parameters, and them only: tables such as rotary frequencies stay exact."""
    for weight in hf.parameters():
        weight.data = weight.data.to(dtype)
    return hf
