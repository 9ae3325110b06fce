"""Vision features on disk: computed once, shared by stages, seeds, variants and processes.

    <folder>/<encoder>/<shard>.safetensors     a few examples' features, read through mmap
    <folder>/locks/                            who is computing what

The encoder's name is a hash of its weights, its configuration and the processor's settings, the
pixel budget among them. An entry's name is a hash of an example's images as the encoder gets them.
So nothing stored can be wrong for what asks for it, and nothing has to be told when it is stale.
Source: ours.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
import transformers
from filelock import FileLock
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from livr.backbones.backbone import decoder_prefix
from livr.backbones.features import ImageFeatures
from livr.machine import device_name

FORMAT = 1
_SUFFIX = ".safetensors"
_ABANDONED = 24 * 3600
"""Age in seconds at which the unfinished shard of a process is surely nobody's."""
_ENCODER = re.compile("[0-9a-f]{16}")
_TEXT_SETTINGS = ("text_config", "_name_or_path", "transformers_version", "dtype", "architectures")


def encoder_weights(hf: Any) -> dict[str, Tensor]:
    """Weights and buffers of vision tower and projector: all but decoder and word tables."""
    prefix = decoder_prefix(hf) + "."
    words = (hf.get_input_embeddings(), hf.get_output_embeddings())
    tables = {id(table.weight) for table in words if table is not None}
    named = {**dict(hf.named_parameters()), **dict(hf.named_buffers())}
    return {n: w for n, w in named.items() if not n.startswith(prefix) and id(w) not in tables}


def encoder_name(hf: Any, image_processor: Any) -> str:
    """A hash of everything between an image and its features.

    Args:
        hf: The model. Latents and adapters of its language model do not count.
        image_processor: Its image processor; the pixel budget is one of its settings.
    """
    config = {
        name: value
        for name, value in hf.config.to_dict().items()
        if name not in _TEXT_SETTINGS and "vocab" not in name and not name.endswith("token_id")
    }
    # Other versions and devices round differently, and cached must equal live bit for bit.
    about = {
        "format": FORMAT,
        "config": config,
        "processor": image_processor.to_dict(),
        "versions": [torch.__version__, transformers.__version__],
        "device": device_name(next(hf.parameters()).device.type),
    }
    digest = hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode())
    _update(digest, encoder_weights(hf))
    return digest.hexdigest()


def entry_key(images: Mapping[str, Tensor]) -> str:
    """A hash of one example's images: what the processor made of them, byte for byte."""
    digest = hashlib.sha256()
    _update(digest, images)
    return digest.hexdigest()


def _update(digest: Any, tensors: Mapping[str, Tensor]) -> None:
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(_bytes(tensor))


def _bytes(tensor: Tensor) -> memoryview:
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().data


class FeatureStore:
    """Features of one encoder in a folder.

    Every method is safe with several processes: shards appear whole under their final name and
    never change. A shard that is cut off or whose bytes are not those written is removed, and
    its entries count as missing.

    Args:
        folder: Place of the cache; encoders share it.
        encoder: From `encoder_name`.
        limit: Most bytes of the whole folder.

    Raises:
        OSError: The folder cannot be made or written to.
    """

    def __init__(self, folder: Path, encoder: str, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self.shards = folder / encoder[:16]
        self._index: dict[str, Path] = {}
        self._open: dict[Path, Any] = {}
        self.shards.mkdir(parents=True, exist_ok=True)
        (folder / "locks").mkdir(exist_ok=True)
        os.utime(self.shards)  # The least recently used encoder makes room first.
        for left in self.shards.glob("*.part"):
            if time.time() - _last_use(left) > _ABANDONED:
                left.unlink(missing_ok=True)
        self._refresh()

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Inside the block no other process computes what is called `name`; sees their work."""
        with FileLock(self.folder / "locks" / f"{name[:16]}.lock"):
            self._refresh()
            yield

    def _refresh(self) -> None:
        """Take notice of shards that other processes wrote."""
        for path in sorted(self.shards.glob("*" + _SUFFIX)):
            if path not in self._open:
                try:
                    shard: Any = safe_open(path, "pt")
                    about = json.loads(shard.metadata()["entries"])
                except (OSError, SafetensorError, ValueError, KeyError, TypeError):
                    path.unlink(missing_ok=True)
                    continue
                self._open[path] = (shard, about)
                self._index.update(dict.fromkeys(about, path))

    def get(self, key: str) -> list[ImageFeatures] | None:
        """Features of one example's images, mapped into memory; None if they are not there."""
        path = self._index.get(key)
        if path is None:
            return None
        shard, about = self._open[path]
        entry = about[key]
        try:
            images = [
                ImageFeatures(
                    shard.get_tensor(f"{key}.{i}.0"),
                    tuple(shard.get_tensor(f"{key}.{i}.{n}") for n in range(1, levels + 1)),
                    entry["stacked"],
                )
                for i, levels in enumerate(entry["levels"])
            ]
            sound = _checksum(images) == entry["checksum"]
        except (SafetensorError, OSError):
            sound = False
        if not sound:
            self._forget(path)
            return None
        return images

    def _forget(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        del self._open[path]
        self._index = {key: place for key, place in self._index.items() if place != path}

    def add(self, entries: Mapping[str, Sequence[ImageFeatures]]) -> None:
        """Write new entries as one shard, whole or not at all.

        Raises:
            OSError: The disk is full, or the entries would go beyond the limit.
        """
        if not entries:
            return
        if not self.make_room(sum(f.nbytes for images in entries.values() for f in images)):
            raise OSError("the limit of the vision cache is reached")
        tensors: dict[str, Tensor] = {}
        about = {}
        for key, images in entries.items():
            for i, image in enumerate(images):
                for n, part in enumerate((image.pooled_ID, *image.deepstack)):
                    # Clones: families give views of one tensor, which the format refuses.
                    tensors[f"{key}.{i}.{n}"] = part.detach().cpu().contiguous().clone()
            about[key] = {
                "levels": [len(image.deepstack) for image in images],
                "stacked": any(image.stacked for image in images),
                "checksum": _checksum(images),
            }
        name = hashlib.sha256("".join(sorted(entries)).encode()).hexdigest()[:32]
        self.shards.mkdir(parents=True, exist_ok=True)
        partial = self.shards / f"{name}.{os.getpid()}.part"
        try:
            save_file(tensors, partial, metadata={"entries": json.dumps(about)})
            partial.replace(self.shards / (name + _SUFFIX))
        except SafetensorError as error:
            raise OSError(f"cannot write to {self.shards}: {error}") from error
        finally:
            partial.unlink(missing_ok=True)
        self._refresh()

    def make_room(self, need: int) -> bool:
        """Whether `need` more bytes fit into the limit and onto the disk.

        Other encoders' features, least recently used first, are removed if that helps.
        """
        if need > shutil.disk_usage(self.folder).free:
            return False
        ours = [p for p in self.folder.iterdir() if _ENCODER.fullmatch(p.name)]
        others = [p for p in ours if p != self.shards]
        sizes = {place: _folder_bytes(place) for place in (*others, self.shards)}
        if sizes[self.shards] + need > self.limit:
            return False
        for place in sorted(others, key=_last_use):
            if sum(sizes.values()) + need <= self.limit:
                break
            for file in place.glob("*" + _SUFFIX):
                file.unlink(missing_ok=True)
            sizes[place] = 0
        return True


def _checksum(images: Sequence[ImageFeatures]) -> int:
    value = 0
    for image in images:
        for part in (image.pooled_ID, *image.deepstack):
            value = zlib.crc32(_bytes(part), value)
    return value


def _last_use(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.glob("*"):
        with suppress(OSError):
            total += path.stat().st_size
    return total
