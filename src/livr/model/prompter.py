"""A vision-language model with its processor and perhaps latents: questions become its inputs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor

from livr.backbones.backbone import encode_images, types_argument
from livr.backbones.family import family_of
from livr.backbones.feature_store import encoder_weights
from livr.backbones.features import ImageFeatures, split_images
from livr.config import LatentsConfig
from livr.data.example import Example
from livr.errors import ConfigError, ModelError
from livr.method import attention
from livr.method.attention import Evaluation
from livr.method.bottleneck import policy
from livr.method.latents import Latents
from livr.model.batch import Batch, Side, collate, join_pixels
from livr.model.encoder import Encoded, Encoder
from livr.model.length import ModelLength
from livr.model.vocabulary import new_latents

Use = Literal["keep", "drop"] | int
"""Which latents the prompt carries: all, none, or the first so many."""
Features = Sequence[Sequence[ImageFeatures]]
_NUMBER = {"keep": None, "drop": 0}


class Prompter:
    """Everything before the forward pass: latents, encoding, batches, rules, image features.

    Attributes:
        hf: The transformers model, of the family's own class.
        processor: The family's processor; its tokenizer knows the latents.
        latents: The latents, or None.
        source: Where the backbone came from.
        max_pixels: Pixel budget of one image, or None for the checkpoint's own.
        family: What is special about its family.
    """

    def __init__(self, hf: Any, processor: Any, source: str, max_pixels: int | None = None) -> None:
        self.hf = hf
        self.processor = processor
        self.source = source
        self.max_pixels = max_pixels
        self.latents: Latents | None = None
        self.image_token_id = int(hf.config.image_token_id)
        self.family = family_of(hf.config.model_type)
        self.encoder = self._make_encoder()

    def _make_encoder(self) -> Encoder:
        parts = (self.processor, self.image_token_id, self.latents)
        return Encoder(*parts, self.family, types_argument(self.hf))

    @property
    def length(self) -> ModelLength:
        """Counts an example's tokens and knows how many the model takes."""
        return ModelLength(self.hf, self.encoder)

    @property
    def tokenizer(self) -> Any:
        """The tokenizer inside the processor."""
        return self.processor.tokenizer

    @property
    def num_latents(self) -> int:
        """K, or 0 without latents."""
        return 0 if self.latents is None else self.latents.num

    @property
    def most_latents(self) -> int:
        """Most latents that a prompt can have."""
        return self.num_latents

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.hf.parameters()).device  # type: ignore[no-any-return]

    def add_latents(self, config: LatentsConfig, seed: int) -> Latents:
        """Add K latents with fresh random rows; see `new_latents`. They are barred from output.

        Raises:
            ModelError: The model has latents already.
        """
        if self.latents is not None:
            raise ModelError(f"{self.source} has {self.num_latents} latents already")
        self.latents = new_latents(self.hf, self.tokenizer, config, seed)
        self.encoder = self._make_encoder()
        return self.latents

    def encode(self, examples: Sequence[Example], latents: Use, answer: bool) -> list[Encoded]:
        """Encode examples; see `Encoder.encode`.

        Raises:
            ConfigError: More latents are asked for than the model has, or none of these; or what
                is given are no examples.
            DataError: An example cannot be read, or is longer than the model takes.
        """
        if not isinstance(latents, int) and latents not in _NUMBER:
            raise ConfigError(f"latents={latents!r}: give 'keep', 'drop', or how many of them")
        if isinstance(latents, int) and not 0 <= latents <= self.num_latents:
            raise ConfigError(f"{latents} latents asked for; {self.source} has {self.num_latents}")
        if other := next((e for e in examples if not isinstance(e, Example)), None):
            raise ConfigError(f"{other!r} is no question; give a list of livr.Example")
        num = _NUMBER[latents] if isinstance(latents, str) else latents
        encoded = [self.encoder.encode(e, num, answer) for e in examples]
        self.length.refuse_longer(examples, encoded)
        return encoded

    def batch(
        self, encoded: Sequence[Encoded], side: Side = "left", features: Features | None = None
    ) -> Batch:
        """Pad, join, and move to the model's device."""
        ids = () if self.latents is None else self.latents.ids
        pad = self.tokenizer.pad_token_id
        pad = self.encoder.end_of_turn if pad is None else pad
        return collate(encoded, self.image_token_id, ids, pad, side, features, self.device)

    @contextmanager
    def rule(
        self, mask: str, batch: Batch, evaluation: Evaluation = "mask", roles: Tensor | None = None
    ) -> Iterator[None]:
        """Put the policy called `mask` in force for forward passes over `batch`.

        Raises:
            ConfigError: No policy has that name.
        """
        roles_BT = batch.roles_BT if roles is None else roles
        with attention.rule(policy(mask), roles_BT, evaluation):
            yield

    def image_features(self, encoded: Sequence[Encoded]) -> list[list[ImageFeatures]]:
        """Features of the frozen vision tower for each image of each example."""
        joined = {name: t.to(self.device) for name, t in join_pixels(encoded).items()}
        if not joined:
            return [[] for _ in encoded]
        images = iter(split_images(encode_images(self.hf, joined)))
        # Every image fills positions of its own, so the counts say whose image it is.
        return [list(self._images_of(row, images)) for row in encoded]

    @staticmethod
    def _images_of(row: Encoded, images: Iterator[ImageFeatures]) -> Iterator[ImageFeatures]:
        left = row.num_image_tokens
        while left > 0:
            image = next(images)
            left -= len(image.pooled_ID)
            yield image

    @property
    def can_keep_features(self) -> bool:
        """Whether image features stay what they are and can stand in for pixels.

        They change if the vision tower trains; the code of a checkpoint may not take them.
        """
        takes = "mm_encoder_outputs" in inspect.signature(type(self.hf).forward).parameters
        return takes and not any(w.requires_grad for w in encoder_weights(self.hf).values())
