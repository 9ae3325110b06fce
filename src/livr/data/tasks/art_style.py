"""Art style: which painting has the style of the reference? Two choices.

Construction (METHOD.md section 3, paper appendix A): a reference painting of ArtBench-10, another
one of the same style and one of another style, order random. Ours: a painting is used again only
when its style has no unused one left.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from livr.data.pictures import to_rgb
from livr.data.sources import artbench
from livr.data.tasks.base import (
    Built,
    Request,
    Task,
    balanced,
    choices_of,
    letters,
    place,
)
from livr.errors import DataError

TRIES = 50


@dataclass(frozen=True)
class ArtStyleConfig:
    """Choices of the task.

    Attributes:
        different_artists: The three pictures come from three artists.
    """

    different_artists: bool = False


class _Deck:
    """Deals the paintings of one style in random order, again from the start when used up."""

    def __init__(self, paintings: list[artbench.Painting], rng: random.Random) -> None:
        self._all = paintings
        self._left: list[artbench.Painting] = []
        self._rng = rng

    def deal(self, taken: list[artbench.Painting], by_artist: bool) -> artbench.Painting | None:
        """Deals a painting that is none of `taken`, or None."""
        for _ in range(TRIES):
            if not self._left:
                self._left = self._rng.sample(self._all, len(self._all))
            card = self._left.pop()
            same = (card.artist == t.artist if by_artist else card == t for t in taken)
            if not any(same):
                return card
        return None


def build(request: Request, config: ArtStyleConfig) -> Iterator[Built]:
    """Yields questions; every ordered pair of styles is about equally frequent."""
    by_style = artbench.read_paintings(request.folder, request.split, request.seed)
    styles = [style for style, paintings in by_style.items() if len(paintings) >= 2]
    if len(styles) < 2:
        raise DataError(f"{request.folder}: the {request.split} split has fewer than two styles")
    decks = {style: _Deck(by_style[style], request.rng) for style in styles}
    pairs = [(same, other) for same in styles for other in styles if same != other]
    order = balanced(pairs, request.count, request.rng)
    answers = letters(2, request.count, request.rng)
    for (style, other), answer in zip(order, answers, strict=True):
        taken: list[artbench.Painting] = []
        for name in (style, style, other):
            card = decks[name].deal(taken, config.different_artists)
            if card is not None:
                taken.append(card)
        if len(taken) < 3:
            request.drops["no three different paintings left"] += 1
            continue
        reference, same_style, wrong = taken
        paths = (reference.path, *(p.path for p in place(same_style, [wrong], answer)))
        looks = [_looks(path) for path in paths]
        if any(look is None for look in looks):
            request.drops["image missing or unreadable"] += 1
            continue
        names = ("candidate_brightness", "candidate_contrast", "candidate_saturation")
        yield Built(
            images=paths,
            question=request.question(),
            choices=choices_of("art_style"),
            answer=answer,
            groups=tuple(painting.key for painting in taken),
            features={
                name: tuple(look[index] for look in looks[1:] if look is not None)
                for index, name in enumerate(names)
            },
        )


def _looks(path: Path) -> tuple[float, float, float] | None:
    """Brightness, contrast and saturation of a picture, or None if it cannot be read."""
    try:
        with Image.open(path) as opened:
            rgb_HW3 = np.asarray(to_rgb(opened).resize((64, 64)), dtype=np.float32)
    except OSError:
        return None
    saturation = rgb_HW3.max(axis=2) - rgb_HW3.min(axis=2)
    return float(rgb_HW3.mean()), float(rgb_HW3.std()), float(saturation.mean())


TASK = Task(
    name="art_style",
    section="4.1, appendix A",
    source=artbench.INFO,
    chance=1 / 2,
    answer_form="letter",
    paper=ArtStyleConfig(),
    pool=ArtStyleConfig(different_artists=True),
    build=build,
)
