"""Idefics3 and SmolVLM: images cut into tiles, each between markers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers as hf

from tests.families import parts

TEMPLATE = (
    "<|im_start|>{% for m in messages %}{{ m.role | capitalize }}:"
    "{% if m.content[0].type == 'text' %} {% endif %}"
    + parts.content_loop("<image>")
    + "<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<end_of_utterance>",
    "<fake_token_around_image>",
    "<image>",
    "<global-img>",
    *(f"<row_{i}_col_{j}>" for i in range(1, 7) for j in range(1, 7)),
]


def _checkpoint(folder: Path, kind: Any, config: Any, family: str) -> Path:
    named = {
        "image_token": "<image>",
        "fake_image_token": "<fake_token_around_image>",
        "global_image_token": "<global-img>",
        "end_of_utterance_token": "<end_of_utterance>",
    }
    tok = parts.tokenizer(
        SPECIAL,
        TEMPLATE,
        bos="<|im_start|>",
        adds_bos=False,
        eos="<end_of_utterance>",
        pad="<|endoftext|>",
        named=named,
    )
    made = config(
        text_config=parts.text(len(tok), model_type="llama"),
        vision_config=parts.vision(),
        image_token_id=tok.convert_tokens_to_ids("<image>"),
        scale_factor=2,
    )
    pixels = {
        "image_processor_type": f"{family}ImageProcessor",
        "size": {"longest_edge": 32},
        "max_image_size": {"longest_edge": 16},
        "do_image_splitting": True,
        **parts.GREY,
    }
    return parts.save(folder, kind, made, tok, f"{family}Processor", pixels, {"image_seq_len": 4})


def idefics3(folder: Path) -> Path:
    kind = hf.Idefics3ForConditionalGeneration
    return _checkpoint(folder, kind, hf.Idefics3Config, "Idefics3")


def smolvlm(folder: Path) -> Path:
    kind = hf.SmolVLMForConditionalGeneration
    return _checkpoint(folder, kind, hf.SmolVLMConfig, "SmolVLM")
