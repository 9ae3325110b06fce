"""Many of a kind, to be counted, in other words than the rest of the curriculum uses."""

from __future__ import annotations

import random

from livr.mini.assets import Assets
from livr.mini.backdrops import backdrop, random_size
from livr.mini.scene import blank, paste, stamp
from livr.mini.skills.base import Ask, Draft, plural, say
from livr.mini.skills.single import THINGS

MOST = 10
"""Largest flock."""
NUMBERS = tuple(str(n) for n in range(MOST + 1))


def flocks(rng: random.Random, assets: Assets, count: int) -> Draft:
    """Up to ten objects of a kind, three times in five among one to three others."""
    size = random_size(rng)
    scene = blank(*backdrop(rng, assets, size))
    scene.image = scene.image.copy()
    wanted, what = rng.randint(1, MOST), rng.choice(("cutout", "cutout", *THINGS[1:]))
    cut = rng.choice(assets.cutouts).kind if what == "cutout" else None
    others = rng.choices(THINGS[1:], k=rng.choice((0, 0, 1, 2, 3)))
    side = min(size) * rng.uniform(0.17, 0.45 if wanted < 4 else 0.3)
    for name in [cut or what] * wanted + others:
        item = stamp(rng, assets, "cutout" if name == cut else name, None, cut)
        paste(rng, scene, item, side * rng.uniform(0.8, 1.1))
    kinds = [placed.kind for placed in scene.objects]
    asks = []
    for kind in sorted(set(kinds)):
        many = plural(kind)
        form = say(rng, f"Number of {many}?", f"How many {many} do you see?", f"How many {many} can be seen? Give the number.")  # fmt: skip  # noqa: E501
        asks += [Ask("count", form, str(kinds.count(kind)), NUMBERS)] * 2
    form = say(rng, "Number of things?", "How many things do you see? Give the number.")
    asks.append(Ask("total", form, str(len(kinds)), NUMBERS))
    return Draft([scene.image], asks)
