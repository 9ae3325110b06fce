"""Boxes around objects: what is inside, are they tight, where do they cut, which is better."""

from __future__ import annotations

import random

from livr.mini.assets import Assets
from livr.mini.backdrops import backdrop, random_size
from livr.mini.scene import Box, Scene, blank, draw_box, paste, stamp
from livr.mini.skills.base import MARK_WORDS, Ask, say, yes
from livr.mini.skills.single import THINGS

SIDES = ("left", "top", "right", "bottom")
BOXES = ("A", "B", "C", "D")


def shifted(rng: random.Random, box: Box, size: tuple[int, int]) -> tuple[Box, tuple[str, ...]]:
    """A box that misses its object: moved, shrunk or grown; and the sides it cuts off."""
    w, h = box[2] - box[0], box[3] - box[1]
    way = rng.choice(("move", "move", "one", "small", "large"))
    by = [0.0, 0.0, 0.0, 0.0]
    if way == "move":
        dx, dy = rng.choice((-1, 0, 1)), rng.choice((-1, 0, 1))
        if dx == dy == 0:
            dx = 1
        amount = rng.uniform(0.25, 0.55)
        by = [dx * amount * w, dy * amount * h] * 2
    elif way == "one":
        side = rng.randrange(4)
        by[side] = rng.uniform(0.3, 0.5) * (w, h)[side % 2] * (1 if side < 2 else -1)
    else:
        sign = 1 if way == "small" else -1
        f = rng.uniform(0.18, 0.3)
        by = [sign * f * w, sign * f * h, -sign * f * w, -sign * f * h]
    new = [box[i] + by[i] for i in range(4)]
    new[0], new[1] = max(1.0, new[0]), max(1.0, new[1])
    new[2], new[3] = min(size[0] - 2.0, new[2]), min(size[1] - 2.0, new[3])
    cut = tuple(
        s
        for i, s in enumerate(SIDES)
        if (new[i] - box[i]) * (1 if i < 2 else -1) > 0.12 * (w, h)[i % 2]
    )
    return (new[0], new[1], max(new[0] + 3, new[2]), max(new[1] + 3, new[3])), cut


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    both = w * h
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def boxed_scene(rng: random.Random, assets: Assets) -> Scene:
    """One to three objects, the first with two boxes around it, others with one."""
    size = random_size(rng)
    scene = blank(*backdrop(rng, assets, size))
    scene.image = scene.image.copy()
    count = rng.choice((1, 1, 2, 3))
    side = min(size) * {1: rng.uniform(0.4, 0.75), 2: 0.42, 3: 0.34}[count]
    for what in rng.sample(THINGS, count):
        what = "cutout" if rng.random() < 0.35 else what
        paste(rng, scene, stamp(rng, assets, what, None), side * rng.uniform(0.85, 1.1))
    scene.clean = scene.image.copy()
    letters = [*rng.sample(BOXES[2:], 2), *rng.sample(BOXES[:2], 2)]
    for i, placed in enumerate(scene.objects):
        if letters and (i == 0 or rng.random() < 0.5):
            draw_box(scene, letters.pop(), placed.box, i, ())
        if letters and (i == 0 or rng.random() < 0.6):
            off, cut = shifted(rng, placed.box, size)
            draw_box(scene, letters.pop(), off, i, cut)
    return scene


def ask_boxes(rng: random.Random, scene: Scene) -> list[Ask]:
    """All questions about the boxes of a scene."""
    asks = []
    fits: dict[str, float] = {}
    for letter, (box, index, cut) in scene.boxes.items():
        assert index is not None
        kind, paint = scene.objects[index].kind, MARK_WORDS[letter]
        iou = overlap(box, scene.objects[index].box)
        fits[letter] = iou
        asks.append(Ask("box_what", f"What is in the {paint} box?", kind, THINGS[1:]))
        form = say(rng, f"Is the {paint} box tight?", f"The {paint} one fits?")
        asks += [Ask("box_tight", form, yes(iou > 0.8))] * 3
        if len(cut) < 2:
            side = cut[0] if cut else "none"
            form = f"Side cut by the {paint} box?"
            asks += [Ask("box_cut", form, side, (*SIDES, "none"))] * (2 if cut else 1)
        area, true = (box[2] - box[0]) * (box[3] - box[1]), scene.objects[index].area
        if iou > 0.8 or not 0.7 < area / true < 1.4:
            word = "right" if iou > 0.8 else ("small" if area < true else "large")
            form = f"Size of the {paint} box?"
            asks.append(Ask("box_size", form, word, ("right", "small", "large")))
    for kind in sorted({o.kind for o in scene.objects}):
        mine = [c for c, (_, i, _) in scene.boxes.items() if i is not None and scene.objects[i].kind == kind]  # fmt: skip  # noqa: E501
        if len(mine) == 2 and [o.kind for o in scene.objects].count(kind) == 1:
            rng.shuffle(mine)
            a, b = mine
            words = one, other = MARK_WORDS[a], MARK_WORDS[b]
            best = one if fits[a] > fits[b] else other
            form = say(rng, f"Tighter, the {one} or the {other} box?", f"Which box is tight around the {kind}, {one} or {other}?")  # fmt: skip  # noqa: E501
            asks += [Ask("box_better", form, best, words)] * 5
            sizes = {c: (scene.boxes[c][0][2] - scene.boxes[c][0][0]) * (scene.boxes[c][0][3] - scene.boxes[c][0][1]) for c in mine}  # fmt: skip  # noqa: E501
            if max(sizes.values()) > 1.25 * min(sizes.values()):
                big = MARK_WORDS[max(sizes, key=lambda c: sizes[c])]
                asks.append(Ask("box_bigger", f"Bigger, {one} or {other} box?", big, words))
    for letter in BOXES:
        if rng.random() < 0.15:
            asks.append(
                Ask("box_any", f"Any {MARK_WORDS[letter]} box?", yes(letter in scene.boxes))
            )
    return asks
