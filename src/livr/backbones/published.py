"""Shapes of published checkpoints: what they cost can be counted without their weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForImageTextToText, PreTrainedModel

from livr.errors import ModelError

MERGED = 2
"""Patches a side that make one image token, in every family here."""


@dataclass(frozen=True)
class Shape:
    """A published checkpoint in the numbers that set its cost.

    Attributes:
        kind: Model type of transformers.
        text: Settings of its language model.
        vision: Settings of its vision tower.
        tied: Whether its output projection is its input embedding.
        least_pixels: Its processor enlarges pictures that have fewer.
    """

    kind: str
    text: Mapping[str, int]
    vision: Mapping[str, Any]
    tied: bool
    least_pixels: int

    def patches(self, pixels: int) -> float:
        """Patches of a picture: positions of the vision tower."""
        return max(pixels, self.least_pixels) / int(self.vision["patch_size"]) ** 2

    def image_tokens(self, pixels: int) -> float:
        """Positions of a picture in the language model."""
        return self.patches(pixels) / MERGED**2

    def skeleton(self) -> PreTrainedModel:
        """The model of transformers in this shape, on the meta device: it takes no memory."""
        vision = {**self.vision, "spatial_merge_size": MERGED, "num_heads": 16}
        vision["out_hidden_size"] = self.text["hidden_size"]
        config = AutoConfig.for_model(
            self.kind,
            text_config={**self.text, "tie_word_embeddings": self.tied},
            vision_config=vision,
            tie_word_embeddings=self.tied,
        )
        with torch.device("meta"):
            hf = AutoModelForImageTextToText.from_config(config)
        hf.tie_weights()
        return hf


def _text(width: int, inner: int, layers: int, heads: int, groups: int) -> dict[str, int]:
    return {
        "hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": groups, "vocab_size": 151_936,
    }  # fmt: skip


def _vision(depth: int, width: int, inner: int, patch: int) -> dict[str, Any]:
    return {"depth": depth, "hidden_size": width, "intermediate_size": inner, "patch_size": patch}


_QWEN3_4B = _text(2560, 9728, 36, 32, 8) | {"head_dim": 128}
SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "Qwen/Qwen2.5-VL-3B-Instruct": Shape(
            kind="qwen2_5_vl",
            text=_text(2048, 11_008, 36, 16, 2),
            vision=_vision(32, 1280, 3420, 14),
            tied=True,
            least_pixels=56 * 56,
        ),
        "Qwen/Qwen2.5-VL-7B-Instruct": Shape(
            kind="qwen2_5_vl",
            text=_text(3584, 18_944, 28, 28, 4) | {"vocab_size": 152_064},
            vision=_vision(32, 1280, 3420, 14),
            tied=False,
            least_pixels=56 * 56,
        ),
        "Qwen/Qwen3-VL-4B-Instruct": Shape(
            kind="qwen3_vl",
            text=_QWEN3_4B,
            vision=_vision(24, 1024, 4096, 16) | {"deepstack_visual_indexes": [5, 11, 17]},
            tied=True,
            least_pixels=256 * 256,
        ),
        # transformers has no class of this family: counted as a Qwen3-VL of its widths.
        "lmms-lab/LLaVA-OneVision-1.5-4B-Instruct": Shape(
            kind="qwen3_vl",
            text=_QWEN3_4B,
            vision=_vision(24, 1024, 4096, 14) | {"deepstack_visual_indexes": []},
            tied=False,
            least_pixels=56 * 56,
        ),
    }
)
"""The backbones of METHOD.md section 4, from the `config.json` of each checkpoint."""


def find_shape(model: str) -> Shape:
    """The shape of a checkpoint on the hub.

    Raises:
        ModelError: It is not among them.
    """
    name = model.partition("@")[0]
    if name not in SHAPES:
        raise ModelError(f"no shape of {model} is known without its weights ({', '.join(SHAPES)})")
    return SHAPES[name]
