"""Mistral 3 and Pixtral: images of any size, a marker after each row of patches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers as hf

from tests.families import parts

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST]"
    + parts.content_loop("[IMG]")
    + "[/INST]{% else %}"
    + parts.content_loop("")
    + "{{ eos_token }}{% endif %}{% endfor %}"
)
SPECIAL = [
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[IMG]",
    "[IMG_BREAK]",
    "[IMG_END]",
    "<pad>",
]


def _tokenizer() -> hf.PreTrainedTokenizerFast:
    return parts.tokenizer(SPECIAL, TEMPLATE, bos="<s>", eos="</s>", pad="<pad>")


def _vision() -> dict[str, Any]:
    return parts.vision(
        model_type="pixtral", head_dim=8, image_size=32, rope_parameters=dict(parts.ROPE)
    )


def _pixels(patch: int) -> dict[str, Any]:
    return {
        "image_processor_type": "PixtralImageProcessor",
        "size": {"longest_edge": 32},
        "patch_size": {"height": patch, "width": patch},
        **parts.GREY,
    }


def mistral3(folder: Path) -> Path:
    tok = _tokenizer()
    config = hf.Mistral3Config(
        text_config=parts.text(len(tok), model_type="mistral", sliding_window=None),
        vision_config=_vision(),
        image_token_index=tok.convert_tokens_to_ids("[IMG]"),
        spatial_merge_size=2,
    )
    kind = hf.Mistral3ForConditionalGeneration
    settings = {"patch_size": 4, "spatial_merge_size": 2}
    return parts.save(folder, kind, config, tok, "PixtralProcessor", _pixels(8), settings)


def pixtral(folder: Path) -> Path:
    tok = _tokenizer()
    config = hf.LlavaConfig(
        text_config=parts.text(len(tok), model_type="mistral", sliding_window=None),
        vision_config=_vision(),
        image_token_index=tok.convert_tokens_to_ids("[IMG]"),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    kind = hf.LlavaForConditionalGeneration
    settings = {"patch_size": 4, "spatial_merge_size": 1}
    return parts.save(folder, kind, config, tok, "PixtralProcessor", _pixels(4), settings)
