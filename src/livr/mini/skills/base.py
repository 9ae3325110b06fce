"""Questions with closed answers, and their multiple-choice form."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from livr.mini.scene import Scene

ORDINALS = ("first", "second", "third")
POSITIONS = (
    "top left", "top", "top right", "left", "center", "right",
    "bottom left", "bottom", "bottom right",
)  # fmt: skip
MARK_WORDS = {"A": "red", "B": "blue", "C": "green", "D": "orange", "REF": "pink"}
"""Marks and boxes are answered by their colour: letters are the tasks' form."""


@dataclass(frozen=True)
class Ask:
    """One question.

    Attributes:
        skill: Name under which its accuracy is reported.
        question: The text.
        answer: The expected answer.
        options: Words the answer is drawn from; empty if it has no multiple-choice form.
    """

    skill: str
    question: str
    answer: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Note:
    """What the decoder is to think of at a point of a picture, before it is asked anything.

    Attributes:
        image: Number of the picture in its draft, from 0.
        point: (x, y) in px of the picture.
        word: The word to predict there.
    """

    image: int
    point: tuple[float, float]
    word: str


@dataclass
class Draft:
    """Pictures in prompt order, everything that may be asked about them, and notes."""

    images: list[Image.Image]
    asks: list[Ask]
    notes: list[Note] = field(default_factory=list)


CORNERS = ((0.06, 0.06), (0.94, 0.06), (0.06, 0.94), (0.94, 0.94), (0.5, 0.5))
"""Corners and middle of a picture, as shares of its width and height."""


def note_answers(images: Sequence[Image.Image], right: Sequence[bool], at: int = 5) -> list[Note]:
    """At some places of all pictures but the first: whether the picture is the one looked for.

    Args:
        images: All pictures.
        right: One value per picture after the first.
        at: Number of places: the middle first, then the corners.
    """
    return [
        Note(k, (u * images[k].width, v * images[k].height), yes(value))
        for k, value in enumerate(right, start=1)
        for u, v in CORNERS[-at:]
    ]


def where(scene: Scene, point: tuple[float, float]) -> str | None:
    """Position word of a point; None close to a border between two words."""
    u, v = 3 * point[0] / scene.image.width, 3 * point[1] / scene.image.height
    if min(abs(u - 1), abs(u - 2), abs(v - 1), abs(v - 2)) < 0.12:
        return None
    return POSITIONS[min(2, int(v)) * 3 + min(2, int(u))]


def say(rng: random.Random, *forms: str) -> str:
    """One of several wordings, the first half of the time."""
    return forms[0] if len(forms) == 1 or rng.random() < 0.5 else rng.choice(forms[1:])


def yes(value: bool) -> str:
    """yes or no."""
    return "yes" if value else "no"


def pick_options(rng: random.Random, ask: Ask, count: int) -> list[str]:
    """The answer among others, shuffled."""
    others = [o for o in ask.options if o != ask.answer]
    chosen = [ask.answer, *rng.sample(others, min(count - 1, len(others)))]
    rng.shuffle(chosen)
    return chosen


def behind_letters(rng: random.Random, ask: Ask) -> Ask:
    """The multiple-choice form of a question: options behind letters, a letter as answer."""
    count = 2 if rng.random() < 0.5 else rng.choice((3, 4))
    options = pick_options(rng, ask, count)
    listed = [f"({chr(65 + i)}) {o}" for i, o in enumerate(options)]
    draw = rng.random()
    if draw < 0.25:
        text = f"{ask.question}\nSelect from the following choices.\n" + "\n".join(listed)
    elif draw < 0.6:
        text = f"{ask.question}\n" + "\n".join(listed)
    else:
        text = f"{ask.question} " + " ".join(listed)
    return Ask(f"mc_{ask.skill}", text, chr(65 + options.index(ask.answer)))


def plural(kind: str) -> str:
    """Plural of a kind's word."""
    if kind in ("fish",):
        return kind
    if kind.endswith(("s", "h", "x")):
        return kind + "es"
    return kind[:-2] + "ves" if kind.endswith("fe") else kind + "s"
