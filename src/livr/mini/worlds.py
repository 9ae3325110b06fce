"""The kinds of scenes of the curriculum: what is rendered, and what is asked about it."""

from __future__ import annotations

import random
from collections.abc import Callable

from livr.mini.assets import Assets
from livr.mini.skills import boxes, compare, flocks, links, matches, pieces, single
from livr.mini.skills.base import Draft

AMOUNTS = ("total", "count", "count_color", "present")
"""What the world of things without marks is about."""

World = Callable[[random.Random, Assets, int], Draft]


def _scene(rng: random.Random, assets: Assets, count: int) -> Draft:
    scene = single.compose(rng, assets)
    asks = single.ask_objects(rng, scene) + single.ask_marks(rng, scene)
    return Draft([scene.image], asks)


def _things(rng: random.Random, assets: Assets, count: int) -> Draft:
    scene = single.compose(rng, assets, marks=0)
    return Draft([scene.image], single.ask_objects(rng, scene))


def _marks(rng: random.Random, assets: Assets, count: int) -> Draft:
    scene = single.compose(rng, assets, marks=rng.choice((3, 4)))
    return Draft([scene.image], single.ask_marks(rng, scene))


def _only(make: World, *skills: str) -> World:
    def some(rng: random.Random, assets: Assets, count: int) -> Draft:
        made = make(rng, assets, count)
        asks = [ask for ask in made.asks if ask.skill in skills]
        return Draft(made.images, asks, made.notes)

    return some


def _boxes(rng: random.Random, assets: Assets, count: int) -> Draft:
    scene = boxes.boxed_scene(rng, assets)
    return Draft([scene.image], boxes.ask_boxes(rng, scene))


def _shade(rng: random.Random, assets: Assets, count: int) -> Draft:
    scene, asks = single.ask_shade(rng, assets)
    return Draft([scene.image], asks)


WORLDS: dict[str, tuple[World, tuple[int, ...]]] = {
    "scene": (_scene, (1,)),
    "things": (_only(_things, *AMOUNTS), (1,)),
    "marks": (_marks, (1,)),
    "boxes": (_boxes, (1,)),
    "shade": (_shade, (1,)),
    "scenes": (compare.several_scenes, (2, 3)),
    "styles": (compare.styles, (1, 2, 3)),
    "kinds": (compare.kinds, (1, 2, 3)),
    "alike": (compare.alike, (2, 3)),
    "crops": (pieces.crops, (2, 3)),
    "gaps": (pieces.gaps, (2, 3)),
    "neighbours": (pieces.neighbours, (2, 3)),
    "spots": (pieces.spots, (2,)),
    "parts": (links.same_part, (2,)),
    "zoom": (pieces.zoom, (2,)),
}
"""Name -> (renderer, numbers of pictures it can make)."""

SPOTLIGHTS: dict[str, tuple[World, tuple[int, ...]]] = {
    "places": (_only(_marks, "mark_place"), (1,)),
    "colors": (_only(_marks, "color_at"), (1,)),
    "look_ups": (_only(_marks, "mark_place", "color_at", "at"), (1,)),
    "totals": (_only(_things, "total"), (1,)),
    "amounts": (_only(_things, "total", "count"), (1,)),
    "fits": (_only(_boxes, "box_tight", "box_better", "box_size"), (1,)),
    "darker": (_only(_marks, "darker", "order"), (1,)),
    "views": (_only(pieces.spots, "mark_place", "color_at"), (2,)),
    "same_spot": (_only(pieces.spots, "link_spot", "is_spot"), (2,)),
    "same_part": (_only(links.same_part, "link_part", "is_part"), (2,)),
    "found_spot": (_only(pieces.spots, "link_spot"), (2,)),
    "found_part": (_only(links.same_part, "link_part"), (2,)),
    "same_style": (_only(compare.styles, "style", "same_style", "which_style"), (1, 2, 3)),
    "same_photo": (
        _only(compare.kinds, "same_photo", "which_photo", "same_kind", "which_kind"),
        (3,),
    ),
    "matches": (_only(matches.matches, "link_spot", "is_spot"), (2,)),
    "flocks": (flocks.flocks, (1,)),
    "fills": (_only(pieces.gaps, "gap_fits", "gap_which"), (2, 3)),
}
"""One ability of a world at a time, for the phases in which it is first learnt."""

KNOWN = WORLDS | SPOTLIGHTS
"""Everything that a phase can name."""
