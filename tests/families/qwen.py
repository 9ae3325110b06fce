"""Qwen2-VL, Qwen2.5-VL, Qwen3-VL, Qwen3-VL-MoE, GLM-4V: patches of any size, M-RoPE."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers as hf

from tests.families import parts

SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
]
TEMPLATE = parts.chatml("<|vision_start|><|image_pad|><|vision_end|>")
VISION = {
    "depth": 3,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_heads": 2,
    "patch_size": 4,
    "spatial_merge_size": 2,
    "temporal_patch_size": 2,
    "out_hidden_size": 32,
}
PIXELS = {
    "image_processor_type": "Qwen2VLImageProcessor",
    "patch_size": 4,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "size": {"shortest_edge": 256, "longest_edge": 1024},
    **parts.GREY,
}


def make_tokenizer() -> hf.PreTrainedTokenizerFast:
    """The tokenizer of all Qwen models."""
    return parts.tokenizer(SPECIAL, TEMPLATE, eos="<|im_end|>", pad="<|endoftext|>")


def _tokens(tok: hf.PreTrainedTokenizerFast) -> dict[str, int]:
    names = {
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
    }
    return {name: tok.convert_tokens_to_ids(token) for name, token in names.items()}


def _text(tok: hf.PreTrainedTokenizerFast, spare: int = 0, **changes: Any) -> dict[str, Any]:
    return parts.text(len(tok) + spare, rope_parameters=dict(parts.MROPE), **changes)


def qwen2_vl(folder: Path) -> Path:
    tok = make_tokenizer()
    config = hf.Qwen2VLConfig(
        text_config=_text(tok),
        vision_config={
            "depth": 3,
            "embed_dim": 16,
            "hidden_size": 32,
            "num_heads": 2,
            "mlp_ratio": 2,
            "patch_size": 4,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
        },
        **_tokens(tok),
    )
    kind = hf.Qwen2VLForConditionalGeneration
    return parts.save(folder, kind, config, tok, "Qwen2VLProcessor", PIXELS)


def qwen2_5_vl(folder: Path, spare: int = 0) -> Path:
    """`spare`: embedding rows beyond the tokenizer."""
    tok = make_tokenizer()
    config = hf.Qwen2_5_VLConfig(
        text_config=_text(tok, spare),
        vision_config=VISION | {"window_size": 16, "fullatt_block_indexes": [1]},
        **_tokens(tok),
    )
    kind = hf.Qwen2_5_VLForConditionalGeneration
    return parts.save(folder, kind, config, tok, "Qwen2_5_VLProcessor", PIXELS, loud="embed")


DEEPSTACK = VISION | {"num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1]}


def qwen3_vl(folder: Path, spare: int = 0) -> Path:
    """`spare`: embedding rows beyond the tokenizer."""
    tok = make_tokenizer()
    config = hf.Qwen3VLConfig(
        text_config=_text(tok, spare),
        vision_config=DEEPSTACK,
        tie_word_embeddings=True,
        **_tokens(tok),
    )
    kind = hf.Qwen3VLForConditionalGeneration
    return parts.save(folder, kind, config, tok, "Qwen3VLProcessor", PIXELS, loud="embed")


def qwen3_vl_moe(folder: Path) -> Path:
    tok = make_tokenizer()
    config = hf.Qwen3VLMoeConfig(
        text_config=_text(tok, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24),
        vision_config=DEEPSTACK,
        **_tokens(tok),
    )
    kind = hf.Qwen3VLMoeForConditionalGeneration
    return parts.save(folder, kind, config, tok, "Qwen3VLProcessor", PIXELS)


GLM_SPECIAL = [
    "<|endoftext|>",
    "[gMASK]",
    "<sop>",
    "<|user|>",
    "<|assistant|>",
    "<|begin_of_image|>",
    "<|image|>",
    "<|end_of_image|>",
    "<|begin_of_video|>",
    "<|video|>",
    "<|end_of_video|>",
]
GLM_TEMPLATE = (
    "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n"
    + parts.content_loop("<|begin_of_image|><|image|><|end_of_image|>")
    + "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


def glm4v(folder: Path) -> Path:
    tok = parts.tokenizer(GLM_SPECIAL, GLM_TEMPLATE, eos="<|endoftext|>", pad="<|endoftext|>")
    ids = {
        f"{kind}{part}_token_id": tok.convert_tokens_to_ids(token)
        for kind in ("image", "video")
        for part, token in (
            ("", f"<|{kind}|>"),
            ("_start", f"<|begin_of_{kind}|>"),
            ("_end", f"<|end_of_{kind}|>"),
        )
    }
    config = hf.Glm4vConfig(
        text_config=_text(tok, partial_rotary_factor=1.0),
        vision_config=VISION | {"image_size": 32},
        **ids,
    )
    kind = hf.Glm4vForConditionalGeneration
    pixels = PIXELS | {"image_processor_type": "Glm4vImageProcessor"}
    return parts.save(folder, kind, config, tok, "Glm4vProcessor", pixels)
