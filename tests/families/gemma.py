"""Gemma 3 (image tokens see each other, sliding windows) and PaliGemma (prefix attention)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers as hf

from tests.families import parts

GEMMA = (
    "{{ bos_token }}{% for m in messages %}<start_of_turn>"
    "{{ 'model' if m.role == 'assistant' else m.role }}\n"
    + parts.content_loop("<start_of_image>")
    + "<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
PIXELS: dict[str, Any] = {"size": {"height": 16, "width": 16}, **parts.GREY}


def gemma3(folder: Path) -> Path:
    special = [
        "<pad>",
        "<eos>",
        "<bos>",
        "<start_of_turn>",
        "<end_of_turn>",
        "<start_of_image>",
        "<end_of_image>",
        "<image_soft_token>",
    ]
    named = {
        "boi_token": "<start_of_image>",
        "eoi_token": "<end_of_image>",
        "image_token": "<image_soft_token>",
    }
    tok = parts.tokenizer(special, GEMMA, bos="<bos>", eos="<eos>", pad="<pad>", named=named)
    config = hf.Gemma3Config(
        text_config=parts.text(
            len(tok),
            query_pre_attn_scalar=8,
            sliding_window=24,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
            rope_parameters={
                "sliding_attention": dict(parts.ROPE),
                "full_attention": dict(parts.ROPE),
            },
        ),
        vision_config=parts.vision(model_type="siglip_vision_model", vision_use_head=False),
        mm_tokens_per_image=4,
        boi_token_index=tok.convert_tokens_to_ids("<start_of_image>"),
        eoi_token_index=tok.convert_tokens_to_ids("<end_of_image>"),
        image_token_index=tok.convert_tokens_to_ids("<image_soft_token>"),
    )
    kind = hf.Gemma3ForConditionalGeneration
    pixels = PIXELS | {"image_processor_type": "Gemma3ImageProcessor", "image_seq_length": 4}
    settings = {"image_seq_length": 4}
    return parts.save(folder, kind, config, tok, "Gemma3Processor", pixels, settings)


def paligemma(folder: Path) -> Path:
    """Like the published checkpoints without a chat template."""
    special = ["<pad>", "<eos>", "<bos>", "<image>"]
    tok = parts.tokenizer(
        special,
        None,
        bos="<bos>",
        adds_bos=False,
        eos="<eos>",
        pad="<pad>",
        named={"image_token": "<image>"},
    )
    # The processor adds 1024 <loc> and 128 <seg> tokens: the checkpoint has rows for them.
    vocab = len(tok) + 1024 + 128
    config = hf.PaliGemmaConfig(
        text_config=parts.text(vocab, model_type="gemma"),
        vision_config=parts.vision(model_type="siglip_vision_model", vision_use_head=False),
        image_token_index=tok.convert_tokens_to_ids("<image>"),
        vocab_size=vocab,
        projection_dim=32,
        hidden_size=32,
    )
    kind = hf.PaliGemmaForConditionalGeneration
    pixels = PIXELS | {"image_processor_type": "SiglipImageProcessor", "image_seq_length": 16}
    return parts.save(folder, kind, config, tok, "PaliGemmaProcessor", pixels)
