"""Sizes of the embedded model: numbers only, the architecture is transformers' own Qwen3-VL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from livr.errors import ConfigError

if TYPE_CHECKING:
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

PIXELS_PER_SIDE = 96
"""An image is resized to about this many pixels squared (aspect ratio kept)."""
MAX_POSITIONS = 2048
IMAGE_MEAN = (0.5, 0.5, 0.5)
IMAGE_STD = (0.5, 0.5, 0.5)


class MiniShape(BaseModel):
    """Widths and depths of one size.

    Attributes:
        patch: Side of a patch of the vision tower, in pixels.
        merge: Patches per side merged into one decoder position. `patch * merge` is the
            number of pixels per side that one decoder position covers.
        vision_width: Hidden size of the vision tower.
        vision_layers: Number of its blocks.
        vision_heads: Number of its attention heads.
        deepstack: Vision blocks whose output also enters the first decoder layers.
        width: Hidden size of the decoder.
        layers: Number of decoder layers.
        heads: Attention heads of the decoder (head size is width / heads).
        mlp: Inner size of the decoder's MLP.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    patch: int = 12
    merge: int = 1
    vision_width: int = 128
    vision_layers: int = 4
    vision_heads: int = 4
    deepstack: tuple[int, ...] = (1,)
    width: int = 128
    layers: int = 5
    heads: int = 4
    mlp: int = 384

    @property
    def cell(self) -> int:
        """Pixels per side behind one decoder position."""
        return self.patch * self.merge


SHAPES: dict[str, MiniShape] = {
    "mini": MiniShape(),
    "nano": MiniShape(
        vision_width=64, vision_layers=3, vision_heads=2, width=96, layers=4, heads=3, mlp=256
    ),
    "test": MiniShape(
        vision_width=32,
        vision_layers=2,
        vision_heads=2,
        deepstack=(0,),
        width=32,
        layers=2,
        heads=2,
        mlp=64,
    ),
}
"""`mini` and `nano` ship; `test` is the smallest that runs."""


def shape(name: str) -> MiniShape:
    """The numbers of a named size.

    Raises:
        ConfigError: The name is unknown.
    """
    if name not in SHAPES:
        raise ConfigError(f"unknown size '{name}'; known sizes: {', '.join(SHAPES)}")
    return SHAPES[name]


def model_config(numbers: MiniShape, token_ids: dict[str, int], vocab: int) -> Qwen3VLConfig:
    """The transformers configuration of a size.

    Args:
        numbers: The size.
        token_ids: Ids of the special tokens by their text.
        vocab: Rows of the embedding.
    """
    from transformers import Qwen3VLConfig

    head = numbers.width // numbers.heads
    third = head // 2 // 3
    text: dict[str, Any] = {
        "vocab_size": vocab,
        "hidden_size": numbers.width,
        "intermediate_size": numbers.mlp,
        "num_hidden_layers": numbers.layers,
        "num_attention_heads": numbers.heads,
        "num_key_value_heads": numbers.heads,
        "head_dim": head,
        "max_position_embeddings": MAX_POSITIONS,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [head // 2 - 2 * third, third, third],
            "mrope_interleaved": True,
        },
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": token_ids["<|im_end|>"],
        "pad_token_id": token_ids["<|endoftext|>"],
        "initializer_range": 0.02,
    }
    return Qwen3VLConfig(
        text_config=text,
        vision_config=vision_config(numbers),
        **picture_tokens(token_ids),
        tie_word_embeddings=True,
    )


def picture_tokens(token_ids: dict[str, int]) -> dict[str, int]:
    """The settings that say which tokens stand for pictures, as every Qwen-VL names them."""
    return {
        "image_token_id": token_ids["<|image_pad|>"],
        "video_token_id": token_ids["<|video_pad|>"],
        "vision_start_token_id": token_ids["<|vision_start|>"],
        "vision_end_token_id": token_ids["<|vision_end|>"],
    }


def vision_config(numbers: MiniShape) -> dict[str, Any]:
    """The settings of a size's vision tower, as Qwen3-VL names them."""
    return {
        "depth": numbers.vision_layers,
        "hidden_size": numbers.vision_width,
        "intermediate_size": 4 * numbers.vision_width,
        "num_heads": numbers.vision_heads,
        "patch_size": numbers.patch,
        "spatial_merge_size": numbers.merge,
        "temporal_patch_size": 2,
        "out_hidden_size": numbers.width,
        "num_position_embeddings": (PIXELS_PER_SIDE // numbers.patch) ** 2,
        "deepstack_visual_indexes": list(numbers.deepstack),
        "initializer_range": 0.02,
    }


def build(
    numbers: MiniShape, token_ids: dict[str, int], vocab: int, seed: int
) -> Qwen3VLForConditionalGeneration:
    """A freshly initialised model of a size, in fp32; the caller's random state is kept."""
    import torch
    from transformers import Qwen3VLForConditionalGeneration

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen3VLForConditionalGeneration(model_config(numbers, token_ids, vocab))
    return model.float()
