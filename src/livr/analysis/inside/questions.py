"""Questions for one model, encoded once, so that many passes over them stay affordable.

Where image features cannot be kept, questions are encoded anew for each pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from livr.backbones.features import ImageFeatures
from livr.data.example import Example
from livr.evaluate.score import Prediction, judge
from livr.model.batch import Batch, without_pixels
from livr.model.encoder import Encoded
from livr.model.model import Features, Model, Use
from livr.train.dataset import CACHE_LIMIT_BYTES

Count = Callable[[int], None]


@dataclass(frozen=True)
class Chunk:
    """Some of the questions, ready to be batched.

    Attributes:
        index: Which ones.
        prompts: Encoded without answers.
        answered: Encoded with answers.
        features: Image features, or None if they are computed in the pass.
    """

    index: range
    prompts: list[Encoded]
    answered: list[Encoded]
    features: Features | None


Edit = Callable[[Chunk], AbstractContextManager[None]]
"""Something that changes the model while a chunk runs through it."""


def _no_edit(chunk: Chunk) -> AbstractContextManager[None]:
    return nullcontext()


class Questions:
    """A model and a fixed list of questions.

    Chunks are the same in every pass, so that two passes differ in what was changed on purpose
    and in nothing else, rounding included.

    Args:
        model: The model.
        examples: The questions, with answers.
        batch_size: Questions per forward pass.
        on_step: Called with the number of questions each pass has just dealt with.
    """

    def __init__(
        self,
        model: Model,
        examples: Sequence[Example],
        batch_size: int = 32,
        on_step: Count | None = None,
    ) -> None:
        self.model = model
        self.examples = list(examples)
        self.batch_size = batch_size
        self.on_step = on_step
        self._encoded: dict[Use, list[Encoded]] = {}
        self._features: list[list[ImageFeatures]] | None = self._keep_features()

    def __len__(self) -> int:
        return len(self.examples)

    def with_examples(self, examples: Sequence[Example]) -> Questions:
        """The same model asked about other examples."""
        return Questions(self.model, examples, self.batch_size, self.on_step)

    def _keep_features(self) -> list[list[ImageFeatures]] | None:
        if not self.model.can_keep_features:
            return None
        kept: list[list[ImageFeatures]] = []
        used = 0
        for start in range(0, len(self), self.batch_size):
            rows = self.model.encode(self.examples[start : start + self.batch_size], "keep", True)
            for features in self.model.image_features(rows):
                used += sum(f.nbytes for f in features)
                kept.append(features)
            if used > CACHE_LIMIT_BYTES:
                return None
        return kept

    def _rows(self, index: range, use: Use) -> list[Encoded]:
        if self._features is None:
            # All pixels together may not fit into memory; each pass reads them again.
            return self.model.encode([self.examples[i] for i in index], use, answer=True)
        if use not in self._encoded:
            # One by one, so that the pixels of a single question are in memory.
            rows = (self.model.encode([e], use, answer=True)[0] for e in self.examples)
            self._encoded[use] = [without_pixels(row) for row in rows]
        return [self._encoded[use][i] for i in index]

    def chunks(self, latents: Use = "keep") -> Iterator[Chunk]:
        """All questions, in order, `batch_size` at a time."""
        for start in range(0, len(self), self.batch_size):
            index = range(start, min(start + self.batch_size, len(self)))
            answered = self._rows(index, latents)
            features = None if self._features is None else [self._features[i] for i in index]
            yield Chunk(index, [_prompt(r) for r in answered], answered, features)
            if self.on_step is not None:
                self.on_step(len(index))

    def batch(self, chunk: Chunk, answer: bool) -> Batch:
        """A chunk as one left-padded batch."""
        rows = chunk.answered if answer else chunk.prompts
        return self.model.batch(rows, "left", chunk.features)

    def answers(
        self, mask: str = "ordinary", latents: Use = "keep", edit: Edit = _no_edit
    ) -> list[Prediction]:
        """Generated answers, judged.

        Args:
            mask: Attention rule by name.
            latents: `drop` leaves the latents out of the prompt.
            edit: Changes the model during each chunk.
        """
        room = self.model.room_for(example.answer for example in self.examples)
        texts: list[str] = []
        for chunk in self.chunks(latents):
            with edit(chunk):
                texts += self.model.generate_encoded(
                    chunk.prompts, mask, features=chunk.features, max_new_tokens=room
                )
        return [judge(e, text) for e, text in zip(self.examples, texts, strict=True)]

    @torch.no_grad()
    def next_logits(self, mask: str = "ordinary", edit: Edit = _no_edit) -> Tensor:
        """(questions, V) scores of the first answer token."""
        found = []
        for chunk in self.chunks():
            batch = self.batch(chunk, answer=False)
            with edit(chunk), self.model.rule(mask, batch):
                out = self.model.hf(**batch.inputs, logits_to_keep=1, use_cache=False)
            found.append(out.logits[:, -1].float().cpu())
        return torch.cat(found)


def _prompt(row: Encoded) -> Encoded:
    start = row.answer_start
    return replace(row, ids_T=row.ids_T[:start], types_T=row.types_T[:start])
