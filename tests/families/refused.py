"""Configurations of architectures that leak, as folders: they are refused before any weight."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import transformers as hf

CONFIGS: dict[str, Callable[[], hf.PretrainedConfig]] = {
    "Qwen3.5 (linear attention)": lambda: hf.Qwen3_5Config(),
    "LFM2-VL (convolution)": lambda: hf.Lfm2VlConfig(),
    "Llama 3.2 Vision (cross-attention)": lambda: hf.MllamaConfig(),
    "PaliGemma 2 (capped attention logits)": lambda: hf.PaliGemmaConfig(
        text_config={"model_type": "gemma2"}
    ),
    "InternVL 3.5 on GPT-OSS (attention sinks)": lambda: hf.InternVLConfig(
        text_config={"model_type": "gpt_oss"}
    ),
    "Florence-2 (encoder-decoder)": lambda: hf.Florence2Config(),
}
"""What is refused, by a name that says why."""


def checkpoint(name: str, folder: Path) -> Path:
    """Write the configuration alone."""
    CONFIGS[name]().save_pretrained(folder)
    return folder
