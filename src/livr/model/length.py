"""How long examples become for a model, and the refusal of those it cannot take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livr.data.check_length import TokenCount, over_limit
from livr.data.example import Example
from livr.errors import DataError
from livr.model.encoder import Encoded, Encoder


class ModelLength:
    """The length of examples in tokens of one model; `livr data check` counts with it, too.

    Args:
        hf: The transformers model.
        encoder: What encodes its examples.

    Attributes:
        limit: Longest sequence the model takes, in tokens.
        pixels_per_token: Pixels behind one image token, or None where its family has no such
            number.
    """

    def __init__(self, hf: Any, encoder: Encoder) -> None:
        self._encoder = encoder
        self.limit = int(hf.config.get_text_config().max_position_embeddings)
        images = getattr(encoder.processor, "image_processor", None)
        patch, merge = getattr(images, "patch_size", None), getattr(images, "merge_size", None)
        self.pixels_per_token = (patch * merge) ** 2 if isinstance(patch, int) and merge else None

    def __call__(self, example: Example) -> TokenCount:
        """Prompt with all latents, answer and end of turn."""
        return _count(self._encoder.encode(example))

    def refuse_longer(self, examples: Sequence[Example], encoded: Sequence[Encoded]) -> None:
        """Refuse examples that are longer than the model takes.

        Past its limit a model still answers, from positions it has never seen in training.

        Args:
            examples: The examples.
            encoded: The same as the model reads them.

        Raises:
            DataError: One is too long. Names it, and what would fit.
        """
        for example, row in zip(examples, encoded, strict=True):
            for problem in over_limit(_count(row), example, self):
                raise DataError(f"example {example.id}: {problem}")


def _count(row: Encoded) -> TokenCount:
    return TokenCount(len(row), row.num_image_tokens)
