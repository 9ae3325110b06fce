"""Two pictures with lettered points: the same spot of a scene, the same part of an object."""

from __future__ import annotations

import random
from collections.abc import Iterable

from livr.mini.assets import Assets
from livr.mini.backdrops import backdrop, random_size
from livr.mini.figures import FIGURES
from livr.mini.scene import (
    Placed,
    Point,
    Scene,
    blank,
    mark,
    paste,
    stamp,
    turned,
)
from livr.mini.skills.base import MARK_WORDS, Ask, Draft, Note, say, yes
from livr.mini.skills.single import LABELS, ask_marks

UNMARKED = 4
"""Places without a mark that get a note, per picture."""
FIGURES_WITH_PARTS = tuple(name for name, parts in FIGURES.items() if len(parts) > 2)


def ask_links(rng: random.Random, what: str, found: str, marks: Iterable[str]) -> list[Ask]:
    """Which mark of the second picture belongs to REF in the first.

    Args:
        what: What the two have in common.
        found: Label of that mark.
        marks: All labels in the second picture.
    """
    name = what.split()[-1]
    words = tuple(MARK_WORDS[label] for label in marks)
    asks = []
    for label in marks:
        form = f"{label} in image 2: {what} as REF?"
        times = max(1, len(words) - 1) if label == found else 1
        asks += [Ask(f"is_{name}", form, yes(label == found))] * times
    form = say(rng, f"{what} as REF in image 1: which mark in image 2?", f"Color of the mark in image 2 on the {what} as REF?")  # fmt: skip  # noqa: E501
    return asks + [Ask(f"link_{name}", form, MARK_WORDS[found], words)] * 4


def mark_twice(rng: random.Random, one: Scene, two: Scene, pairs: list[tuple[Point, Point]]) -> str:
    """Mark pairs of points: all in the second picture, the first of them in the first as REF.

    One link a picture: a note can only be about the mark that will be asked about.

    Returns:
        The label in the second picture of what is REF in the first.
    """
    labels = rng.sample(LABELS[:4], len(pairs))
    for label, (_, q) in zip(labels, pairs, strict=True):
        mark(two, label, q)
    mark(one, "REF", pairs[0][0])
    return labels[0]


def note_links(rng: random.Random, scenes: tuple[Scene, Scene], found: str) -> list[Note]:
    """At every mark of the second picture: is it where REF is in the first.

    The road from REF to its letter has three steps; this asks for the second of them by itself.
    A few places without a mark say no, so that a yes means one thing wherever it is found.
    """
    notes = []
    for image, scene in enumerate(scenes):
        marks = scene.marks.items()
        notes += [Note(image, p, yes(image == 1 and label == found)) for label, p in marks]
        w, h = scene.image.size
        empty = ((rng.random() * w, rng.random() * h) for _ in range(UNMARKED))
        others = [p for _, p in marks]
        notes += [Note(image, p, yes(False)) for p in empty if fits(scene, p, others)]
    return notes


def portrait(rng: random.Random, assets: Assets, kind: str) -> tuple[Scene, Placed]:
    """One large object with parts on a background.

    Args:
        kind: A figure, or the first part that a cut-out must have.
    """
    fitting = [p for p in assets.cutouts if p.parts and p.parts[0][0] == kind]
    while True:
        size = random_size(rng)
        scene = blank(*backdrop(rng, assets, size))
        scene.image = scene.image.copy()
        drawn = kind in FIGURES
        item = stamp(rng, assets, kind, None) if drawn else turned(rng, rng.choice(fitting))
        placed = paste(rng, scene, item, min(size) * rng.uniform(0.6, 0.95))
        if placed:
            scene.clean = scene.image.copy()
            return scene, placed


def same_part(rng: random.Random, assets: Assets, count: int) -> Draft:
    """Two objects of a kind with marks on their parts."""
    firsts = sorted({p.parts[0][0] for p in assets.cutouts if p.parts})
    kind = rng.choice(firsts) if rng.random() < 0.6 else rng.choice(FIGURES_WITH_PARTS)
    (one, a), (two, b) = (portrait(rng, assets, kind) for _ in range(2))
    there = {name: (x, y) for name, x, y in b.parts}
    here = {name: (x, y) for name, x, y in a.parts}
    names: list[str] = []
    for name in rng.sample(sorted(here.keys() & there.keys()), len(here.keys() & there.keys())):
        marked = ((one, here), (two, there))
        if len(names) < 4 and all(fits(s, p[name], [p[n] for n in names]) for s, p in marked):
            names.append(name)
    if len(names) < 2:
        return Draft([one.image, two.image], [])
    found = mark_twice(rng, one, two, [(here[n], there[n]) for n in names])
    asks = ask_links(rng, "same part", found, two.marks)
    for tail, scene in ((" in image 1", one), (" in image 2", two)):
        each = ask_marks(rng, scene, tail)
        asks += rng.sample(each, min(5, len(each)))
    return Draft([one.image, two.image], asks, note_links(rng, (one, two), found))


def fits(scene: Scene, point: Point, others: list[Point]) -> bool:
    """Whether a mark at a point lies in the picture and hides no other."""
    edge = 3 * scene.scale
    w, h = scene.image.size
    apart = all(abs(point[0] - x) + abs(point[1] - y) > 10 * scene.scale for x, y in others)
    return apart and edge < point[0] < w - edge and edge < point[1] < h - edge
