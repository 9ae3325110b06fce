"""A Qwen3-VL of realistic proportions with random weights, and pictures of any number of tokens.

The vocabulary is Qwen's, so that scores and embedding weigh what they weigh in a real model.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from transformers import AutoTokenizer, Qwen3VLConfig, Qwen3VLForConditionalGeneration

import livr
from livr.data.example import Example
from livr.mini import checkpoint_dir
from livr.mini.shape import picture_tokens
from livr.model.model import Model

PATCH, MERGE = 16, 2
CELL = PATCH * MERGE
"""Pixels per side of one image token."""


@dataclass(frozen=True)
class Size:
    """Widths and depths.

    Attributes:
        vocabulary: Rows of the embedding, which is tied to the output.
        width: Of the decoder.
        layers: Of the decoder.
        heads: Of the decoder; half as many for keys and values.
        mlp: Inner width of the decoder.
        vision_width: Of the vision tower.
        vision_layers: Of the vision tower.
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    mlp: int
    vision_width: int
    vision_layers: int


BENCH = Size(151_936, 384, 12, 6, 1152, 256, 8)
"""About 90 million parameters, 58 million of them the embedding."""
SHORT = Size(1_536, 32, 2, 4, 64, 32, 2)
"""For the short forms."""


def config(size: Size, ids: dict[str, int]) -> Qwen3VLConfig:
    """The transformers configuration of a size."""
    head = size.width // size.heads
    third = head // 2 // 3
    text = {
        "vocab_size": size.vocabulary,
        "hidden_size": size.width,
        "intermediate_size": size.mlp,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "num_key_value_heads": size.heads // 2,
        "head_dim": head,
        "max_position_embeddings": 32_768,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 5e6,
            "mrope_section": [head // 2 - 2 * third, third, third],
            "mrope_interleaved": True,
        },
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
    }
    vision = {
        "depth": size.vision_layers,
        "hidden_size": size.vision_width,
        "intermediate_size": 4 * size.vision_width,
        "num_heads": 4,
        "patch_size": PATCH,
        "spatial_merge_size": MERGE,
        "temporal_patch_size": 2,
        "out_hidden_size": size.width,
        "num_position_embeddings": 2304,
        "deepstack_visual_indexes": [0, size.vision_layers // 2],
    }
    return Qwen3VLConfig(
        text_config=text,
        vision_config=vision,
        **picture_tokens(ids),
        tie_word_embeddings=True,
    )


def write_checkpoint(size: Size, folder: Path) -> None:
    """An ordinary checkpoint folder with random weights."""
    tokenizer = AutoTokenizer.from_pretrained(checkpoint_dir())
    names = ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>")
    names += ("<|im_end|>", "<|endoftext|>")
    ids = {name: int(tokenizer.convert_tokens_to_ids(name)) for name in names}
    torch.manual_seed(0)
    model = Qwen3VLForConditionalGeneration(config(size, ids))
    model.generation_config.eos_token_id = ids["<|im_end|>"]
    model.generation_config.pad_token_id = ids["<|endoftext|>"]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    about = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen3VLProcessor",
        "patch_size": PATCH,
        "temporal_patch_size": 2,
        "merge_size": MERGE,
        "size": {"shortest_edge": CELL**2, "longest_edge": CELL**2 * 4096},
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(about), encoding="utf-8")


@contextmanager
def bench_model(short: bool, latents: int = 16) -> Iterator[Model]:
    """A freshly made model, with latents or (0) without."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with TemporaryDirectory() as folder:
        write_checkpoint(SHORT if short else BENCH, Path(folder))
        yield livr.load(folder, num_latents=latents or None, seed=0)


def picture(tokens: int, seed: int = 0) -> Image.Image:
    """Coarse noise that becomes exactly `tokens` image tokens: a square, or two to one."""
    high = int(tokens**0.5)
    while tokens % high:
        high -= 1
    pixels = np.random.default_rng(seed).integers(0, 256, (high, tokens // high, 3), np.uint8)
    size = (tokens // high * CELL, high * CELL)
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)


def examples(count: int, tokens: int, seed: int = 0) -> list[Example]:
    """Multiple-choice questions about one picture each, all of one length."""
    return [
        Example(
            id=str(i),
            images=(picture(tokens, seed + i),),
            question="Which of the marked points shows the same place?",
            choices=("the first one", "the second one", "the third one", "the fourth one"),
            answer="ABCD"[i % 4],
        )
        for i in range(count)
    ]


def parameters(model: Model) -> int:
    """Parameters of the backbone."""
    return sum(weight.numel() for weight in model.hf.parameters())
