"""What all tiny checkpoints are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

ROPE: dict[str, Any] = {"rope_type": "default", "rope_theta": 10000.0}
MROPE = ROPE | {"mrope_section": [2, 1, 1]}
GREY = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}


def content_loop(image: str) -> str:
    """Jinja for the parts of one message in order, `image` standing for an image."""
    return (
        "{% if m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}"
        "{% if c.type == 'image' %}" + image + "{% else %}{{ c.text }}{% endif %}"
        "{% endfor %}{% endif %}"
    )


def chatml(image: str) -> str:
    """The template of Qwen, InternVL and LLaVA-OneVision."""
    return (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n"
        + content_loop(image)
        + "<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )


def tokenizer(
    special: list[str],
    template: str | None,
    *,
    eos: str,
    pad: str,
    bos: str | None = None,
    adds_bos: bool = True,
    named: Mapping[str, str] | None = None,
) -> PreTrainedTokenizerFast:
    """Byte-level BPE without merges: one token per byte, and the family's special tokens.

    Args:
        special: Special tokens.
        template: Chat template.
        eos: End of an answer.
        pad: Padding.
        bos: Begin of a sequence.
        adds_bos: Whether the tokenizer puts `bos` in front by itself.
        named: Attributes of the tokenizer, such as `image_token`.
    """
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(BPE({c: i for i, c in enumerate(alphabet)}, []))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.add_special_tokens(special)
    if bos is not None and adds_bos:
        ids = [(bos, raw.token_to_id(bos))]
        raw.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A $B", special_tokens=ids
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token=eos,
        pad_token=pad,
        bos_token=bos,
        chat_template=template,
        extra_special_tokens=dict(named) if named else [],
    )


def text(vocab: int, **changes: Any) -> dict[str, Any]:
    """A decoder of three layers."""
    return {
        "vocab_size": vocab,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 2048,
        "rope_parameters": dict(ROPE),
        "pad_token_id": None,
        "bos_token_id": None,
        "eos_token_id": None,
        **changes,
    }


def vision(**changes: Any) -> dict[str, Any]:
    """A ViT of two layers in the style of CLIP and SigLIP."""
    return {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 16,
        "patch_size": 4,
        **changes,
    }


def save(
    folder: Path,
    kind: type[PreTrainedModel],
    config: PretrainedConfig,
    tok: PreTrainedTokenizerFast,
    processor: str,
    image_processor: dict[str, Any],
    settings: dict[str, Any] | None = None,
    loud: str = "embed_tokens",
) -> Path:
    """Write a checkpoint with random weights large enough that everything matters.

    Args:
        folder: Where to.
        kind: The model's class.
        config: Its configuration.
        tok: Its tokenizer.
        processor: Name of the processor's class.
        image_processor: Contents of preprocessor_config.json.
        settings: The processor's own settings, contents of processor_config.json.
        loud: Part of the names of weights with a standard deviation of 1; 0.25 for others.
    """
    torch.manual_seed(0)
    model = kind(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim >= 2 and "norm" not in name:
                weight.normal_(0, 1.0 if loud in name else 0.25)
    model.generation_config.eos_token_id = tok.eos_token_id
    model.generation_config.pad_token_id = tok.pad_token_id
    model.save_pretrained(folder)
    tok.save_pretrained(folder)
    write(folder / "preprocessor_config.json", {"processor_class": processor, **image_processor})
    if settings is not None:
        write(folder / "processor_config.json", {"processor_class": processor, **settings})
    return folder


def write(path: Path, values: dict[str, Any]) -> None:
    """Write JSON."""
    path.write_text(json.dumps(values, indent=2), encoding="utf-8")
