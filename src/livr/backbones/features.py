"""Features of the frozen vision tower, one value per image, so they can be kept and re-joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutputWithPooling


@dataclass
class _EncoderOutput(BaseModelOutputWithPooling):  # type: ignore[misc]
    """An encoder output with features for several decoder layers (Qwen3-VL's deepstack)."""

    deepstack_features: Any = None


@dataclass(frozen=True)
class ImageFeatures:
    """What the vision tower and the projector made of one image (of one tile, in some families).

    Attributes:
        pooled_ID: One row per image position of the prompt (I positions, D decoder width).
        deepstack: The same for each deepstack level; empty in most families.
        stacked: Whether the family wants all images as one tensor, not as a tuple.
    """

    pooled_ID: Tensor
    deepstack: tuple[Tensor, ...] = ()
    stacked: bool = False

    @property
    def nbytes(self) -> int:
        """Memory of the features in bytes."""
        return sum(t.nbytes for t in (self.pooled_ID, *self.deepstack))


def split_images(output: Any) -> list[ImageFeatures]:
    """Cut an encoder's output into images."""
    levels = getattr(output, "deepstack_features", None) or []
    stacked = isinstance(output.pooler_output, Tensor)
    return [
        ImageFeatures(pooled, tuple(level[i].clone() for level in levels), stacked)
        for i, pooled in enumerate(p.clone() for p in output.pooler_output)
    ]


def join_images(images: Sequence[ImageFeatures]) -> Any:
    """Undo `split_images`, in prompt order over the whole batch."""
    levels = len(images[0].deepstack)
    pooled = tuple(image.pooled_ID for image in images)
    return _EncoderOutput(
        pooler_output=torch.cat(pooled)[None] if images[0].stacked else pooled,
        deepstack_features=[tuple(im.deepstack[i] for im in images) for i in range(levels)],
    )
