"""Accuracy on disturbed images, at rising strength, under either rule (METHOD section 6)."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageFilter

from livr.analysis.inside.questions import Questions
from livr.data.example import Example
from livr.model.encoder import read_image

Disturb = Callable[[Image.Image, float, random.Random], Image.Image]


@dataclass(frozen=True)
class Corruption:
    """One way to disturb an image.

    Attributes:
        name: How results call it.
        unit: What its strength means.
        strengths: Three values, from mild to severe.
        apply: Image, strength and source of chance to disturbed image, size unchanged.
    """

    name: str
    unit: str
    strengths: tuple[float, float, float]
    apply: Disturb


def _occlude(image: Image.Image, share: float, rng: random.Random) -> Image.Image:
    """A grey rectangle of the image's own shape over `share` of its area."""
    width, height = (round(side * share**0.5) for side in image.size)
    left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    result = image.copy()
    result.paste((128, 128, 128), (left, top, left + width, top + height))
    return result


def _noise(image: Image.Image, sigma: float, rng: random.Random) -> Image.Image:
    draw = np.random.default_rng(rng.getrandbits(32)).normal(0, 255 * sigma, (*image.size[::-1], 3))
    return Image.fromarray((np.asarray(image) + draw).clip(0, 255).astype(np.uint8))


def _blur(image: Image.Image, radius: float, rng: random.Random) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(radius * max(image.size)))


def _jpeg(image: Image.Image, quality: float, rng: random.Random) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(quality))
    return Image.open(buffer).convert("RGB")


CORRUPTIONS: Mapping[str, Corruption] = MappingProxyType(
    {
        c.name: c
        for c in (
            Corruption("occlusion", "share of the area", (0.1, 0.25, 0.5), _occlude),
            Corruption("noise", "standard deviation, of the range", (0.05, 0.1, 0.2), _noise),
            Corruption("blur", "radius, of the longer side", (0.01, 0.02, 0.04), _blur),
            Corruption("jpeg", "quality", (50, 20, 5), _jpeg),
        )
    }
)
RULES = ("ordinary", "bottleneck")


def disturb(example: Example, corruption: Corruption, strength: float, seed: int) -> Example:
    """The same question about disturbed images; the same disturbance in every call."""
    rng = random.Random(f"{seed} {corruption.name} {example.id}")
    images = tuple(
        corruption.apply(read_image(image, example.id), strength, rng) for image in example.images
    )
    return example.model_copy(update={"images": images})


@dataclass(frozen=True)
class Level:
    """Answers at one strength.

    Attributes:
        model: Whose: `model` or `baseline`.
        mask: Under which rule.
        corruption: Name, or `none`.
        strength: Strength, 0 for `none`.
        right: Whether each question was answered right.
    """

    model: str
    mask: str
    corruption: str
    strength: float
    right: tuple[bool, ...]

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return sum(self.right) / len(self.right)


def curves(models: Mapping[str, Questions], seed: int = 0) -> Iterator[Level]:
    """Every corruption at every strength, and none.

    Args:
        models: Questions by the name of the model; without latents a model is asked under the
            ordinary rule alone, since it would be blind under the other.
        seed: Seed of the disturbances.
    """
    for name, questions in models.items():
        rules = RULES if questions.model.num_latents else RULES[:1]
        yield from _ask(name, questions, rules, "none", 0.0)
        for corruption in CORRUPTIONS.values():
            for strength in corruption.strengths:
                changed = [disturb(e, corruption, strength, seed) for e in questions.examples]
                asked = questions.with_examples(changed)
                yield from _ask(name, asked, rules, corruption.name, strength)


def _ask(
    name: str, questions: Questions, rules: Sequence[str], corruption: str, strength: float
) -> Iterator[Level]:
    for mask in rules:
        right = tuple(row.correct for row in questions.answers(mask))
        yield Level(name, mask, corruption, strength, right)


def passes() -> int:
    """Passes over the questions that `curves` makes for one model with latents."""
    return len(RULES) * (1 + sum(len(c.strengths) for c in CORRUPTIONS.values()))
