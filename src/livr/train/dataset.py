"""Examples as the trainer reads them: encoded once, image features kept if asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch.utils.data import Dataset

from livr.backbones.features import ImageFeatures
from livr.data.example import Example
from livr.model.batch import Batch
from livr.model.encoder import Encoded
from livr.model.model import Model

Item = tuple[Encoded, list[ImageFeatures] | None]

CACHE_LIMIT_BYTES = 4 << 30
"""Most memory for kept features; larger data sets run the vision tower every time."""

_CHUNK = 16


class EncodedSet(Dataset[Item]):
    """A split, ready to be batched.

    With `cache_vision` the frozen vision tower runs once per image: features are computed here
    and reused in every epoch and stage. The loss is the same (law 5). Where they would not fit
    into `CACHE_LIMIT_BYTES`, images are read and encoded again for each batch.

    Args:
        model: The model, its latents already added if it has any.
        examples: The split.
        answer: Whether answers follow the prompts (training) or not (validation).
        cache_vision: Whether to keep features.
        on_progress: Called with the number of examples just encoded.
    """

    def __init__(
        self,
        model: Model,
        examples: Sequence[Example],
        *,
        answer: bool = True,
        cache_vision: bool = True,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        self.model = model
        self.examples = examples
        self.answer = answer
        self.items: list[Item] | None = None
        if cache_vision and model.can_keep_features:
            self.items = []
            self._fill(on_progress)

    def _fill(self, on_progress: Callable[[int], None] | None) -> None:
        used = 0
        for start in range(0, len(self.examples), _CHUNK):
            chunk = [self._encode(e) for e in self.examples[start : start + _CHUNK]]
            for row, features in zip(chunk, self.model.image_features(chunk), strict=True):
                kept = {k: v for k, v in row.images.items() if not k.startswith("pixel_values")}
                used += sum(f.nbytes for f in features)
                if used > CACHE_LIMIT_BYTES:
                    self.items = None
                    return
                assert self.items is not None
                self.items.append((replace(row, images=kept), features))
            if on_progress is not None:
                on_progress(len(chunk))

    def _encode(self, example: Example) -> Encoded:
        return self.model.encode([example], "keep", self.answer)[0]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Item:
        if self.items is not None:
            return self.items[index]
        return self._encode(self.examples[index]), None

    def batch(self, items: Sequence[Item]) -> Batch:
        """Pad and join items of this set."""
        features = [f for _, f in items if f is not None]
        return self.model.batch([row for row, _ in items], "left", features or None)

    def answers(self, batch_size: int, mask: str) -> list[str]:
        """Generated answers of all examples under the policy called `mask`."""
        texts: list[str] = []
        training = self.model.hf.training
        self.model.hf.eval()
        for start in range(0, len(self), batch_size):
            items = [self[i] for i in range(start, min(start + batch_size, len(self)))]
            features = [f for _, f in items if f is not None]
            encoded = [row for row, _ in items]
            texts += self.model.generate_encoded(encoded, mask, features=features or None)
        self.model.hf.train(training)
        return texts


def collator(dataset: EncodedSet) -> Callable[[Sequence[Item]], dict[str, Batch | torch.Tensor]]:
    """The trainer's collator: `labels` are there for it to count answer tokens."""

    def collate(items: Sequence[Item]) -> dict[str, Batch | torch.Tensor]:
        batch = dataset.batch(items)
        return {"batch": batch, "labels": batch.labels_BT}

    return collate
