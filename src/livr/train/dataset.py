"""Examples as the trainer reads them: encoded once, image features kept if asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch.utils.data import Dataset

from livr.backbones.feature_store import FeatureStore, encoder_name, entry_key
from livr.backbones.features import ImageFeatures
from livr.config import TrainConfig
from livr.data.example import Example
from livr.model.batch import Batch, without_pixels
from livr.model.encoder import Encoded
from livr.model.model import Model
from livr.train.sampler import Blank

Item = tuple[Encoded, list[ImageFeatures] | None]

CACHE_LIMIT_BYTES = 4 << 30
"""Most memory for features kept without a store; larger sets run the vision tower every time."""

STORE = ".vision-cache"
"""Folder of the store beside the run folder, unless the settings name one."""

_CHUNK, _SAMPLE = 32, 4
_GIB = 1 << 30

log = logging.getLogger(__name__)


def open_store(model: Model, config: TrainConfig) -> FeatureStore | None:
    """The store of image features that a run shares with others; None if it shall have none."""
    folder = config.vision_cache
    if folder is None and config.out is not None:
        folder = config.out.parent / STORE
    if folder is None or not config.cache_vision or not model.can_keep_features:
        return None
    name = encoder_name(model.hf, model.processor.image_processor)
    try:
        return FeatureStore(folder, name, int(config.vision_cache_gib * _GIB))
    except OSError as error:
        log.warning("no vision cache in %s: %s; features stay in memory", folder, error)
        return None


class EncodedSet(Dataset[Item]):
    """A split, ready to be batched.

    With `cache_vision` the frozen vision tower runs once per image: features are computed here
    and reused in every epoch and stage. The loss is the same (law 5). Each example is encoded by
    itself, so its features do not depend on what else is in the set, on an interruption, or on
    what was in the store before. Features live in the store, mapped into memory; without one,
    or beyond its limit, in memory; beyond `CACHE_LIMIT_BYTES` nowhere: then images are read and
    encoded again for each batch.

    Args:
        model: The model, its latents already added if it has any.
        examples: The split.
        answer: Whether answers follow the prompts (training) or not (validation).
        cache_vision: Whether to keep features. Augmented images must not be kept.
        store: Where to keep them.
        on_progress: Called with the number of examples just encoded.
    """

    def __init__(
        self,
        model: Model,
        examples: Sequence[Example],
        *,
        answer: bool = True,
        cache_vision: bool = True,
        store: FeatureStore | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        self.model = model
        self.examples = examples
        self.answer = answer
        self.items: list[Item] | None = None
        if cache_vision and model.can_keep_features:
            if store is not None and not self._fits(store):
                store = None
            self.items = self._fill(store, on_progress)

    def _fits(self, store: FeatureStore) -> bool:
        """Whether the set's features fit into the store, estimated from a few examples."""
        few = self.examples[:: max(1, len(self.examples) // _SAMPLE)][:_SAMPLE]
        sizes = [0]
        for row in map(self._encode, few):
            if row.images and store.get(entry_key(row.images)) is None:
                sizes.append(sum(f.nbytes for f in self._features(row)))
        need = sum(sizes) * len(self.examples) // max(1, len(few))
        if store.make_room(need):
            return True
        tokens = sum(len(row) for row in map(self._encode, few[:1]))
        log.warning(
            "features of %d examples need about %.1f GiB (%d tokens per example), more than the "
            "vision cache in %s may take or the disk has; going on without it. Raise "
            "vision_cache_gib (%.1f now), name another folder with vision_cache, or lower "
            "max_pixels",
            len(self.examples),
            need / _GIB,
            tokens,
            store.folder,
            store.limit / _GIB,
        )
        return False

    def _fill(
        self, store: FeatureStore | None, on_progress: Callable[[int], None] | None
    ) -> list[Item] | None:
        items: list[Item] = []
        in_memory = 0
        for start in range(0, len(self.examples), _CHUNK):
            chunk = self.examples[start : start + _CHUNK]
            if store is not None:
                try:
                    items += self._stored(chunk, store)
                except OSError as error:
                    log.warning("the vision cache is not used from here on: %s", error)
                    store = None
            if store is None:
                for row in map(self._encode, chunk):
                    features = self._features(row)
                    in_memory += sum(f.nbytes for f in features)
                    items.append((without_pixels(row), features))
            if in_memory > CACHE_LIMIT_BYTES:
                return None
            if on_progress is not None:
                on_progress(len(chunk))
        return items

    def _stored(self, chunk: Sequence[Example], store: FeatureStore) -> list[Item]:
        """Items of a few examples; what the store lacks is computed, by one process at a time."""
        first = self._encode(chunk[0])
        new: dict[str, list[ImageFeatures]] = {}
        rows: list[tuple[Encoded, str, list[ImageFeatures] | None]] = []
        with store.lock(entry_key(first.images)):
            # One after the other, so that the pixels of a single example are in memory.
            for row in self._rows(first, chunk[1:]):
                key = entry_key(row.images)
                found = store.get(key) if row.images else []
                if found is None and key not in new:
                    new[key] = self._features(row)
                rows.append((without_pixels(row), key, found))
            store.add(new)
        # What cannot be read back, from a disk that fails, is still here.
        return [
            (row, (store.get(key) or new[key]) if found is None else found)
            for row, key, found in rows
        ]

    def _rows(self, first: Encoded, rest: Sequence[Example]) -> Iterator[Encoded]:
        yield first
        yield from map(self._encode, rest)

    def _features(self, row: Encoded) -> list[ImageFeatures]:
        return self.model.image_features([row])[0]

    def _encode(self, example: Example) -> Encoded:
        return self.model.encode([example], "keep", self.answer)[0]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Item:
        """An example as it is read; without labels if the index is a `Blank`."""
        if isinstance(index, Blank):
            row, features = self[int(index)]
            return replace(row, answer_start=len(row)), features
        if self.items is not None:
            return self.items[index]
        return self._encode(self.examples[index]), None

    def lengths(self) -> list[int] | None:
        """Tokens of each example, if they are known without reading images again."""
        return None if self.items is None else [len(row) for row, _ in self.items]

    def batch(self, items: Sequence[Item]) -> Batch:
        """Pad and join items of this set."""
        features = [f for _, f in items if f is not None]
        return self.model.batch([row for row, _ in items], "left", features or None)

    def answers(self, batch_size: int, mask: str, which: range | None = None) -> list[str]:
        """Generated answers under the policy called `mask`, of all examples or those in `which`.

        Where `batch_size` questions at once do not fit a GPU beside what trains, fewer are asked.
        """
        texts: list[str] = []
        training = self.model.hf.training
        self.model.hf.eval()
        room = self.model.room_for(example.answer for example in self.examples)
        indices = range(len(self)) if which is None else which
        while len(texts) < len(indices):
            items = [self[i] for i in indices[len(texts) : len(texts) + batch_size]]
            features = [f for _, f in items if f is not None]
            encoded = [row for row, _ in items]
            try:
                texts += self.model.generate_encoded(
                    encoded, mask, features=features or None, max_new_tokens=room
                )
            except torch.OutOfMemoryError:
                if len(items) == 1:
                    raise
                batch_size = (len(items) + 1) // 2
        self.model.hf.train(training)
        return texts


def collator(
    dataset: EncodedSet, prefix: Callable[[int], int]
) -> Callable[[Sequence[Item]], dict[str, Batch | torch.Tensor]]:
    """The trainer's collator: `labels` are there for it to count answer tokens.

    Args:
        dataset: What is collated.
        prefix: How many of K latents the next example keeps.
    """
    latents = dataset.model.latents
    ids = range(0) if latents is None else latents.ids

    def collate(items: Sequence[Item]) -> dict[str, Batch | torch.Tensor]:
        batch = dataset.batch([(row.without(ids[prefix(len(ids)) :]), f) for row, f in items])
        return {"batch": batch, "labels": batch.labels_BT}

    return collate
