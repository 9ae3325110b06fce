"""De-duplication of training rows against a test set (METHOD.md section 3).

An embedding finds the nearest of the different test pictures for every training picture; a hit
holds for all test rows that show it. A pair counts as the same picture if the perceptual hashes
differ by at most 8 of 64 bits and the structural similarity of the blurred grey pictures is at
least 0.70. Mirrored pictures are compared too. For the correspondence tasks a row is a duplicate
only if both of its pictures match (aligned or swapped); for all other tasks one matching picture
is enough.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from scipy import ndimage
from skimage.metrics import structural_similarity

from livr.data import pictures
from livr.data.example import Example, ImageInput
from livr.errors import ModelError

PAIR_TASKS = ("visual_correspondence", "semantic_correspondence", "functional_correspondence")
MAX_HASH_DISTANCE = 8
MIN_SSIM = 0.70
NEIGHBOURS = 8
SIDE = 128
BLUR = 2.0
EMBEDDED_AT_ONCE = 16
Floats = npt.NDArray[np.float32]


class Embedder(Protocol):
    """Turns pictures into unit vectors; near duplicates come close to each other."""

    def __call__(self, images: Sequence[Image.Image]) -> Floats:
        """Returns (N, D)."""
        ...


def thumbnail_embedding(images: Sequence[Image.Image]) -> Floats:
    """A 12 x 12 colour thumbnail without its mean, of unit length. Needs no model. Ours."""
    rows = []
    for image in images:
        small = image.resize((12, 12), Image.Resampling.BOX)
        vector = np.asarray(small, dtype=np.float32).ravel()
        vector = vector - vector.mean()
        rows.append(vector / max(float(np.linalg.norm(vector)), 1e-6))
    return np.stack(rows)


class ClipEmbedder:
    """Image features of a CLIP checkpoint folder (any model with `get_image_features`)."""

    def __init__(self, folder: str | Path) -> None:
        """Loads the checkpoint.

        Args:
            folder: The checkpoint.

        Raises:
            ModelError: There is no such folder, or it holds no CLIP model.
        """
        if not Path(folder).is_dir():
            raise ModelError(f"{folder} is not a folder; give that of a CLIP checkpoint")
        from transformers import AutoModel, AutoProcessor  # slow to import

        try:
            self._model: Any = AutoModel.from_pretrained(str(folder)).eval()
            self._processor: Any = AutoProcessor.from_pretrained(str(folder))
            self([Image.new("RGB", (64, 64))])  # whether it embeds pictures at all
        except Exception as error:  # whatever a missing or damaged file lets it stumble over
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise ModelError(
                f"{folder} cannot be used as a CLIP model: {reason}\nGive the folder of a CLIP "
                "checkpoint, with its config, weights and processor"
            ) from error

    def __call__(self, images: Sequence[Image.Image]) -> Floats:
        """Returns (N, D)."""
        import torch  # slow to import

        rows = []
        for start in range(0, len(images), EMBEDDED_AT_ONCE):
            batch = list(images[start : start + EMBEDDED_AT_ONCE])
            inputs = self._processor(images=batch, return_tensors="pt")
            with torch.no_grad():
                found = self._model.get_image_features(pixel_values=inputs["pixel_values"])
            features = getattr(found, "pooler_output", found)
            rows.append(torch.nn.functional.normalize(features, dim=-1).float().numpy())
        return np.concatenate(rows)


@dataclass(frozen=True)
class Fingerprint:
    """What is compared of one picture: hash bits, its mirror's, and the blurred grey picture."""

    bits: npt.NDArray[np.bool_]
    mirrored_bits: npt.NDArray[np.bool_]
    grey_HW: Floats


@dataclass(frozen=True)
class Match:
    """Two pictures found to be the same."""

    train_id: str
    test_id: str
    train_image: int
    test_image: int
    hash_distance: int
    ssim: float
    mirrored: bool


@dataclass(frozen=True)
class Duplicate:
    """A training row to remove, with the pictures that gave it away."""

    train_id: str
    test_id: str
    matches: tuple[Match, ...]

    def describe(self) -> dict[str, Any]:
        """Returns plain values for a JSON file."""
        return asdict(self)


def open_rgb(image: ImageInput) -> Image.Image:
    """Decodes a picture to RGB, scaled down to 256 px.

    Raises:
        DataError: It cannot be read; names the file.
    """
    result = pictures.open_rgb(image)
    result.thumbnail((256, 256))
    return result


def fingerprint(image: Image.Image) -> Fingerprint:
    """Measures one RGB picture."""
    grey = np.asarray(image.convert("L").resize((SIDE, SIDE)), dtype=np.float32)
    return Fingerprint(
        bits=np.asarray(imagehash.phash(image).hash, dtype=np.bool_),
        mirrored_bits=np.asarray(imagehash.phash(ImageOps.mirror(image)).hash, dtype=np.bool_),
        grey_HW=np.asarray(ndimage.gaussian_filter(grey, BLUR), dtype=np.float32),
    )


def compare(train: Fingerprint, test: Fingerprint) -> tuple[int, float, bool] | None:
    """Returns (hash distance, SSIM, mirrored) if both are the same picture, else None."""
    for mirrored in (False, True):
        bits = train.mirrored_bits if mirrored else train.bits
        distance = int((bits != test.bits).sum())
        if distance > MAX_HASH_DISTANCE:
            continue
        grey_HW = train.grey_HW[:, ::-1] if mirrored else train.grey_HW
        ssim = float(structural_similarity(grey_HW, test.grey_HW, data_range=255.0))
        if ssim >= MIN_SSIM:
            return distance, round(ssim, 4), mirrored
    return None


def find_duplicates(
    train: Sequence[Example], test: Sequence[Example], embed: Embedder = thumbnail_embedding
) -> list[Duplicate]:
    """Returns the training rows that show a test picture.

    Args:
        train: Rows to clean.
        test: Rows to keep apart from.
        embed: Prefilter.

    Raises:
        DataError: A picture cannot be read; names the file.
    """
    train_keys, train_rgb = _decode(train)
    test_keys, test_rgb = _different(*_decode(test))
    if not train_keys or not test_keys:
        return []
    near = _neighbours(train_rgb, test_rgb, embed)
    test_prints = [fingerprint(image) for image in test_rgb]
    matches: dict[tuple[str, str], list[Match]] = defaultdict(list)
    for index, image in enumerate(train_rgb):
        own = fingerprint(image)
        for other in near[index]:
            found = compare(own, test_prints[other])
            if found is not None:
                train_id, i = train_keys[index]
                for test_id, j in test_keys[other]:
                    matches[train_id, test_id].append(Match(train_id, test_id, i, j, *found))
    rows = {example.id: example for example in train}
    result: dict[str, Duplicate] = {}
    for (train_id, test_id), found_here in sorted(matches.items()):
        if train_id not in result and _is_duplicate(rows[train_id], found_here):
            result[train_id] = Duplicate(train_id, test_id, tuple(found_here))
    return list(result.values())


def _decode(
    examples: Iterable[Example],
) -> tuple[list[tuple[str, int]], list[Image.Image]]:
    keys, images = [], []
    for example in examples:
        for index, image in enumerate(example.images):
            keys.append((example.id, index))
            images.append(open_rgb(image))
    return keys, images


def _different(
    keys: Sequence[tuple[str, int]], images: Sequence[Image.Image]
) -> tuple[list[list[tuple[str, int]]], list[Image.Image]]:
    """Merges pictures of equal pixels: a repeated one would fill the list of neighbours."""
    shown: dict[tuple[tuple[int, int], bytes], list[tuple[str, int]]] = {}
    kept = []
    for key, image in zip(keys, images, strict=True):
        pixels = (image.size, hashlib.sha256(image.tobytes()).digest())
        if pixels not in shown:
            shown[pixels] = []
            kept.append(image)
        shown[pixels].append(key)
    return list(shown.values()), kept


def _neighbours(
    train: Sequence[Image.Image], test: Sequence[Image.Image], embed: Embedder
) -> list[list[int]]:
    """Returns for every training picture the nearest test pictures, as it is and mirrored."""
    test_ND = embed(test)
    count = min(NEIGHBOURS, len(test))
    result: list[list[int]] = [[] for _ in train]
    for images in (train, [ImageOps.mirror(image) for image in train]):
        likeness_MN = embed(images) @ test_ND.T
        best = np.argsort(-likeness_MN, axis=1, kind="stable")[:, :count]
        for row, found in zip(result, best.tolist(), strict=True):
            row.extend(index for index in found if index not in row)
    return result


def _is_duplicate(row: Example, matches: Sequence[Match]) -> bool:
    if row.task not in PAIR_TASKS:
        return True
    pairs = {(match.train_image, match.test_image) for match in matches}
    return {(0, 0), (1, 1)} <= pairs or {(0, 1), (1, 0)} <= pairs
