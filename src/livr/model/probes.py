"""Probes: questions about noise, with which laws are tested on any model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from livr.data.example import Example
from livr.errors import LivrError, UnsupportedModelError
from livr.model.model import Model

_SIZES = ((112, 112), (84, 140), (140, 84))


def noise(seed: int, size: tuple[int, int]) -> Image.Image:
    """Coarse noise of a given width and height, so that resizing leaves it noise."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)


def probes(seed: int = 0) -> list[Example]:
    """One image; several; text before, between and after images. Ragged lengths.

    Args:
        seed: Probes of two seeds ask the same about other pixels in images of equal sizes.
    """
    images = [noise(seed * 100 + i, size) for i, size in enumerate((*_SIZES, _SIZES[0]))]
    return [
        Example(id="one", images=(images[0],), question="How many things?", answer="7"),
        Example(
            id="two",
            images=(images[1], images[2]),
            question="Which of the two is it?",
            choices=("the first", "the second"),
            answer="B",
        ),
        Example(
            id="mixed",
            images=(images[3], images[1]),
            question="First <image> then, in between, <image> and after.",
            answer="a word",
        ),
    ]


def largest_change(one: Sequence[Tensor], two: Sequence[Tensor]) -> float:
    """Largest difference of two lists of logits; infinite if one is not a number."""
    worst = max(float((a - b).abs().max()) for a, b in zip(one, two, strict=True))
    return worst if worst == worst else float("inf")


def pixels_move_blind_answers(model: Model, evaluation: str = "mask", side: str = "left") -> float:
    """How far other pixels move the answers' logits under the bottleneck without latents.

    Returns:
        0 for a model on which the bottleneck holds.
    """
    before, after = (
        model.logits(
            probes(seed),
            "bottleneck",
            "drop",
            side="right" if side == "right" else "left",
            evaluation="pieces" if evaluation == "pieces" else "mask",
        )
        for seed in (0, 1)
    )
    return largest_change(before, after)


def blind_tolerance(model: Model) -> float:
    """How far logits may move on a model that is blind: not at all.

    Mixtures of experts are the exception. An expert works on the tokens of all positions in one
    matrix product, whose rounding depends on how many there are.
    """
    text = model.hf.config.get_text_config(decoder=True)
    mixture = any(getattr(text, name, None) for name in ("num_experts", "num_local_experts"))
    return 1e-3 if mixture else 0.0


@torch.no_grad()
def refuse_leak(model: Model) -> None:
    """The self-test of families that the test suite does not know.

    Raises:
        UnsupportedModelError: Pixels reach the answer although they are hidden from it, or the
            model cannot be asked at all.
    """
    start = f"{model.source} (family {model.family.name}, not in the tested list)"
    try:
        blind = pixels_move_blind_answers(model)
        seen = largest_change(*(model.logits(probes(s), "ordinary", "drop") for s in (0, 1)))
    except LivrError:
        raise
    except Exception as error:
        kind = type(error).__name__
        raise UnsupportedModelError(f"{start} fails the self-test: {kind}: {error}") from error
    if blind > blind_tolerance(model):
        raise UnsupportedModelError(
            f"{start} fails the self-test: with the image hidden, other pixels still move the "
            f"answer (logits by {blind:.2g}). The image gets past the attention mask, for "
            "instance through layers other than attention, or through attention code of its own"
        )
    if seen == 0:
        raise UnsupportedModelError(
            f"{start} fails the self-test: pixels do not change its answers at all"
        )
