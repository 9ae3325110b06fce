"""A vision-language model, with or without latents, asked under either rule."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor

from livr.backbones.backbone import encode_images, logits_where, types_argument
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
from livr.model.compress import remember
from livr.model.encoder import Encoded, Encoder
from livr.model.vocabulary import new_latents

Use = Literal["keep", "drop"] | int
"""Which latents the prompt carries: all, none, or the first so many."""
Features = Sequence[Sequence[ImageFeatures]]
Item = TypeVar("Item")


class Model:
    """A transformers model, its processor, and perhaps latents.

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
    def tokenizer(self) -> Any:
        """The tokenizer inside the processor."""
        return self.processor.tokenizer

    @property
    def num_latents(self) -> int:
        """K, or 0 without latents."""
        return 0 if self.latents is None else self.latents.num

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
            ConfigError: More latents are asked for than the model has.
        """
        if isinstance(latents, int) and not 0 <= latents <= self.num_latents:
            raise ConfigError(f"{latents} latents asked for; {self.source} has {self.num_latents}")
        num = {"keep": None, "drop": 0}[latents] if isinstance(latents, str) else latents
        return [self.encoder.encode(e, num, answer) for e in examples]

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

    def answer_logits(self, batch: Batch) -> Tensor:
        """(N, V) logits that predict `batch.targets_N`, under the rule in force."""
        return logits_where(self.hf, batch.inputs, batch.keep_BT)

    @torch.no_grad()
    def logits(
        self,
        examples: Sequence[Example],
        mask: str = "ordinary",
        latents: Use = "keep",
        *,
        side: Side = "left",
        evaluation: Evaluation = "mask",
        batch_size: int = 16,
    ) -> list[Tensor]:
        """Teacher-forced logits of the answers.

        Args:
            examples: With answers.
            mask: Name of a policy, `ordinary` or `bottleneck`.
            latents: `drop` leaves the latents out of the prompt, a number keeps the first so many.
            side: Padding side.
            evaluation: How a rule is evaluated.
            batch_size: Examples per forward pass.

        Returns:
            Per example (T_answer, V) float32: row t scores answer token t. The last token is the
            end of turn.
        """

        def run(chunk: Sequence[Example]) -> list[Tensor]:
            batch = self.batch(self.encode(chunk, latents, answer=True), side)
            with self.rule(mask, batch, evaluation):
                logits = self.answer_logits(batch)
            lengths: list[int] = batch.keep_BT.sum(1).tolist()
            return list(torch.split(logits.float(), lengths))

        return self._in_chunks(run, examples, batch_size)

    @torch.no_grad()
    def generate(
        self,
        examples: Sequence[Example],
        mask: str = "ordinary",
        latents: Use = "keep",
        *,
        max_new_tokens: int = 16,
        batch_size: int = 32,
        compress: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """Answer questions, greedily.

        Args:
            examples: Their answers are not looked at.
            mask: Name of a policy, in force for the prompt and every generated token.
            latents: `drop` leaves the latents out of the prompt, a number keeps the first so many.
            max_new_tokens: Longest answer.
            batch_size: Examples per forward pass.
            compress: Forget the image once the prompt is read. The answers are the same; needs
                latents and a mask that hides the image from the answer, see `livr.model.compress`.
            on_progress: Called with the number of examples just answered.

        Returns:
            The answers as text, special tokens removed.
        """

        def run(chunk: Sequence[Example]) -> list[str]:
            encoded = self.encode(chunk, latents, answer=False)
            if compress:
                answers = remember(self, encoded, mask).answer(max_new_tokens)
            else:
                answers = self.generate_encoded(encoded, mask, max_new_tokens=max_new_tokens)
            if on_progress is not None:
                on_progress(len(chunk))
            return answers

        return self._in_chunks(run, examples, batch_size)

    @torch.no_grad()
    def generate_encoded(
        self,
        encoded: Sequence[Encoded],
        mask: str = "ordinary",
        *,
        features: Features | None = None,
        max_new_tokens: int = 16,
    ) -> list[str]:
        """`generate` for one batch of encoded prompts, with known image features if given."""
        batch = self.batch(encoded, "left", features)
        with self.rule(mask, batch):
            ids_BT = self.hf.generate(
                **batch.inputs,
                max_new_tokens=max_new_tokens,
                do_sample=False,
                num_beams=1,
                repetition_penalty=1.0,
                temperature=None,
                top_p=None,
                top_k=None,
                eos_token_id=self.end_ids(),
                pad_token_id=self.encoder.end_of_turn,
                suppress_tokens=self.unsayable_ids(),
            )
        answers = ids_BT[:, batch.roles_BT.shape[1] :]
        texts: list[str] = self.tokenizer.batch_decode(answers, skip_special_tokens=True)
        return [text.strip() for text in texts]

    def unsayable_ids(self) -> list[int]:
        """Tokens that are never output: the latents, and the placeholder of images."""
        return [self.image_token_id, *(self.latents.ids if self.latents else ())]

    def end_ids(self) -> list[int]:
        """Tokens that end an answer."""
        known = self.hf.generation_config.eos_token_id
        known = [] if known is None else known if isinstance(known, list) else [known]
        return sorted({self.encoder.end_of_turn, *known})

    def _in_chunks(
        self,
        run: Callable[[Sequence[Example]], list[Item]],
        examples: Sequence[Example],
        size: int,
    ) -> list[Item]:
        training = self.hf.training
        self.hf.eval()
        try:
            chunks = (examples[i : i + size] for i in range(0, len(examples), size))
            return [item for chunk in chunks for item in run(chunk)]
        finally:
            self.hf.train(training)
