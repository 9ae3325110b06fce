"""LLaVA, LLaVA-NeXT, LLaVA-OneVision, Pixtral in LLaVA's class, InternVL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers as hf

from tests.families import parts

VICUNA = (
    "{% for m in messages %}{% if m.role == 'user' %}USER: "
    + parts.content_loop("<image>\n")
    + " {% else %}ASSISTANT: "
    + parts.content_loop("")
    + "</s>{% endif %}{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
CLIP_PIXELS: dict[str, Any] = {
    "image_processor_type": "CLIPImageProcessor",
    "size": {"shortest_edge": 16},
    "crop_size": {"height": 16, "width": 16},
    **parts.GREY,
}
GRID = [[16, 32], [32, 16], [32, 32]]


def _tokenizer() -> hf.PreTrainedTokenizerFast:
    special = ["<unk>", "<s>", "</s>", "<image>", "<pad>"]
    return parts.tokenizer(
        special, VICUNA, bos="<s>", eos="</s>", pad="<pad>", named={"image_token": "<image>"}
    )


def _clip() -> dict[str, Any]:
    return parts.vision(model_type="clip_vision_model", projection_dim=16)


def llava(folder: Path) -> Path:
    tok = _tokenizer()
    config = hf.LlavaConfig(
        text_config=parts.text(len(tok), model_type="llama"),
        vision_config=_clip(),
        image_token_index=tok.convert_tokens_to_ids("<image>"),
        image_seq_length=16,
    )
    settings = {
        "patch_size": 4,
        "vision_feature_select_strategy": "default",
        "num_additional_image_tokens": 1,
        "image_token": "<image>",
    }
    pixels = CLIP_PIXELS
    kind = hf.LlavaForConditionalGeneration
    return parts.save(folder, kind, config, tok, "LlavaProcessor", pixels, settings)


def llava_next(folder: Path) -> Path:
    tok = _tokenizer()
    config = hf.LlavaNextConfig(
        text_config=parts.text(len(tok), model_type="llama"),
        vision_config=_clip(),
        image_token_index=tok.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=GRID,
        image_seq_length=16,
    )
    settings = {
        "patch_size": 4,
        "vision_feature_select_strategy": "default",
        "num_additional_image_tokens": 1,
        "image_token": "<image>",
    }
    pixels = CLIP_PIXELS | {
        "image_processor_type": "LlavaNextImageProcessor",
        "image_grid_pinpoints": GRID,
    }
    kind = hf.LlavaNextForConditionalGeneration
    return parts.save(folder, kind, config, tok, "LlavaNextProcessor", pixels, settings)


def llava_onevision(folder: Path) -> Path:
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>", "<video>"]
    tok = parts.tokenizer(special, parts.chatml("<image>\n"), eos="<|im_end|>", pad="<|endoftext|>")
    config = hf.LlavaOnevisionConfig(
        text_config=parts.text(len(tok), model_type="qwen2"),
        vision_config=parts.vision(model_type="siglip_vision_model", vision_use_head=False),
        image_token_index=tok.convert_tokens_to_ids("<image>"),
        video_token_index=tok.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=GRID,
        vision_aspect_ratio="anyres_max_9",
    )
    settings = {
        "num_image_tokens": 16,
        "vision_feature_select_strategy": "full",
        "image_token": "<image>",
        "video_token": "<video>",
        "vision_aspect_ratio": "anyres_max_9",
    }
    pixels = {
        "image_processor_type": "LlavaOnevisionImageProcessor",
        "size": {"height": 16, "width": 16},
        "image_grid_pinpoints": GRID,
        **parts.GREY,
    }
    kind = hf.LlavaOnevisionForConditionalGeneration
    return parts.save(folder, kind, config, tok, "LlavaOnevisionProcessor", pixels, settings)


def internvl(folder: Path) -> Path:
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>"]
    named = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    tok = parts.tokenizer(
        [*special, "<video>"],
        parts.chatml("<IMG_CONTEXT>\n"),
        eos="<|im_end|>",
        pad="<|endoftext|>",
        named=named,
    )
    config = hf.InternVLConfig(
        text_config=parts.text(len(tok), model_type="qwen2"),
        vision_config=parts.vision(image_size=[16, 16], patch_size=[4, 4]),
        image_token_id=tok.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
    )
    pixels = {
        "image_processor_type": "GotOcr2ImageProcessor",
        "size": {"height": 16, "width": 16},
        "crop_to_patches": True,
        "min_patches": 1,
        "max_patches": 4,
        **parts.GREY,
    }
    kind = hf.InternVLForConditionalGeneration
    settings = {"image_seq_length": 4}
    return parts.save(folder, kind, config, tok, "InternVLProcessor", pixels, settings)
