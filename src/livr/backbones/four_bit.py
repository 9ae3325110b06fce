"""Frozen weights in four bits (QLoRA), where the machine can do it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch
from torch import nn
from transformers import BitsAndBytesConfig

from livr.errors import ConfigError


def need_four_bit() -> None:
    """Refuse four bits where they cannot work.

    Raises:
        ConfigError: What is missing here, and what to use instead.
    """
    missing = [] if torch.cuda.is_available() else ["a CUDA GPU"]
    if find_spec("bitsandbytes") is None:
        missing.append("bitsandbytes (in LIVR's folder, pip install -e '.[qlora]')")
    if missing:
        raise ConfigError(
            f"load_in_4bit=true needs {' and '.join(missing)}, which this machine does not have. "
            "Instead set load_in_4bit=false; dtype=bfloat16, gradient_checkpointing=true and "
            "optim.per_device=1 save memory anywhere"
        )


def four_bit_settings(empty: nn.Module, compute: torch.dtype) -> BitsAndBytesConfig:
    """How to quantise: NF4 with double quantisation, the decoder's linear layers and no others.

    Vision tower, projector, embeddings and output stay as they are: they are small, and image
    features stay those of the checkpoint.

    Args:
        empty: The model without weights, on the meta device; only its structure is looked at.
        compute: Precision of matrix products.

    Source: QLoRA, arXiv 2305.14314, section 3.
    """
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
        llm_int8_skip_modules=beside_decoder(empty),
    )


def beside_decoder(hf: nn.Module) -> list[str]:
    """Names of the largest modules that hold linear layers outside the language model.

    For Qwen3-VL: `model.visual` and `lm_head`.
    """
    decoder = hf.get_decoder()  # type: ignore[operator]
    return [name for name, module in _beside(hf, decoder, "") if _has_linear(module)]


def _beside(module: nn.Module, decoder: nn.Module, prefix: str) -> list[tuple[str, nn.Module]]:
    found: list[tuple[str, nn.Module]] = []
    for name, child in module.named_children():
        if child is decoder:
            continue
        if any(inner is decoder for inner in child.modules()):
            found += _beside(child, decoder, f"{prefix}{name}.")
        else:
            found.append((prefix + name, child))
    return found


def _has_linear(module: nn.Module) -> bool:
    return any(isinstance(inner, nn.Linear) for inner in module.modules())


def weight_count(weight: Any) -> int:
    """Numbers in a tensor; one in four bits holds two in each byte it counts."""
    state = getattr(weight, "quant_state", None)
    shape = weight.shape if state is None else state.shape
    return int(torch.Size(shape).numel())
