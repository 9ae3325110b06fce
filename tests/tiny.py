"""Tiny random checkpoints of real families, as ordinary folders, and pictures to ask about."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import transformers
from PIL import Image
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

from livr.data.example import Example

SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}"
    "{% if c.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ c.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
FAMILIES = ("qwen2_5_vl", "qwen3_vl")


def tokenizer(spare: int = 0) -> PreTrainedTokenizerFast:
    """Byte-level BPE without merges: one token per byte."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    model = BPE({c: i for i, c in enumerate(alphabet)}, [])
    raw = Tokenizer(model)
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.add_special_tokens(SPECIAL)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=SPECIAL,
        chat_template=TEMPLATE,
    )


def _text(vocab: int) -> dict[str, object]:
    return {
        "vocab_size": vocab,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [2, 1, 1],
        },
    }


def _config(family: str, ids: dict[str, int], vocab: int) -> transformers.PretrainedConfig:
    tokens = {
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
        "tie_word_embeddings": family == "qwen3_vl",
    }
    if family == "qwen3_vl":
        return transformers.Qwen3VLConfig(
            text_config=_text(vocab) | {"head_dim": 8},
            vision_config={
                "depth": 3,
                "hidden_size": 16,
                "intermediate_size": 32,
                "num_heads": 2,
                "patch_size": 4,
                "spatial_merge_size": 2,
                "temporal_patch_size": 2,
                "out_hidden_size": 32,
                "num_position_embeddings": 64,
                "deepstack_visual_indexes": [0, 1],
            },
            **tokens,
        )
    return transformers.Qwen2_5_VLConfig(
        text_config=_text(vocab),
        vision_config={
            "depth": 3,
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_heads": 2,
            "patch_size": 4,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "out_hidden_size": 32,
            "window_size": 16,
            "fullatt_block_indexes": [1],
        },
        **tokens,
    )


def checkpoint(family: str, folder: Path, spare: int = 0) -> Path:
    """Save a tiny random checkpoint of `family`; `spare` embedding rows beyond the tokenizer."""
    torch.manual_seed(0)
    tok = tokenizer()
    ids = {t: tok.convert_tokens_to_ids(t) for t in SPECIAL}
    config = _config(family, ids, len(tok) + spare)
    kinds = {
        "qwen3_vl": (transformers.Qwen3VLForConditionalGeneration, "Qwen3VLProcessor"),
        "qwen2_5_vl": (transformers.Qwen2_5_VLForConditionalGeneration, "Qwen2_5_VLProcessor"),
    }
    kind, processor = kinds[family]
    model = kind(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim >= 2:
                weight.normal_(0, 0.25 if "embed" not in name else 1.0)
    model.generation_config.eos_token_id = ids["<|im_end|>"]
    model.generation_config.pad_token_id = ids["<|endoftext|>"]
    model.save_pretrained(folder)
    tok.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "image_processor_type": "Qwen2VLImageProcessor",
                "processor_class": processor,
                "patch_size": 4,
                "temporal_patch_size": 2,
                "merge_size": 2,
                "size": {"shortest_edge": 256, "longest_edge": 1024},
                "image_mean": [0.5, 0.5, 0.5],
                "image_std": [0.5, 0.5, 0.5],
            }
        )
    )
    return folder


def picture(seed: int, size: tuple[int, int] = (32, 32)) -> Image.Image:
    """Noise of a given width and height."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def examples(seed: int = 0) -> list[Example]:
    """Single and several images, text around them, choices and open answers: ragged lengths."""
    return [
        Example(id="1", images=(picture(seed),), question="How many?", answer="7"),
        Example(
            id="2",
            images=(picture(seed + 1), picture(seed + 2, (40, 24))),
            question="Which of the two is it?",
            choices=("the first", "the second"),
            answer="B",
        ),
        Example(
            id="3",
            images=(picture(seed + 3), picture(seed + 4)),
            question="First <image> then, in between, <image> and after.",
            answer="word",
        ),
    ]


def dataset(folder: Path, train: int = 8, val: int = 4) -> Path:
    """A data set folder with questions of several shapes, written by hand."""
    (folder / "images").mkdir(parents=True)
    for split, count in (("train", train), ("val", val), ("test", val)):
        rows = []
        for i in range(count):
            seed = len(split) * 1000 + i * 10
            shapes = examples(seed)
            example = shapes[i % len(shapes)]
            names = []
            for j, image in enumerate(example.images):
                names.append(f"images/{split}-{i}-{j}.png")
                image.save(folder / names[-1])
            rows.append(
                {
                    "id": f"{split}-{i}",
                    "task": "tiny",
                    "images": names,
                    "question": example.question,
                    "choices": example.choices,
                    "answer": example.answer,
                }
            )
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{split}.jsonl").write_text(text)
    return folder
