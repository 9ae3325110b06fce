"""The same spot in another view: places say nothing, and the marks lie where they should."""

from __future__ import annotations

import math
import random
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from livr.mini.assets import load_assets
from livr.mini.skills import flocks, links, matches
from livr.mini.skills.pieces import to_copy


@pytest.fixture(scope="module")
def assets():
    return load_assets(("train",))


def test_the_right_mark_is_as_often_the_nearest_as_any_other(assets, monkeypatch) -> None:
    ranks: Counter[int] = Counter()

    def spy(rng, one, two, chosen):
        found = links.mark_twice(rng, one, two, chosen)
        ref = one.marks["REF"]
        order = sorted(two.marks, key=lambda label: math.dist(ref, two.marks[label]))
        ranks[order.index(found)] += 1
        return found

    monkeypatch.setattr(matches, "mark_twice", spy)
    for i in range(400):
        matches.matches(random.Random(i), assets, 2)
    assert sum(ranks.values()) == 400
    assert all(60 < ranks[rank] < 140 for rank in range(4)), ranks


def test_a_pair_is_one_spot_of_the_whole_picture() -> None:
    rng = random.Random(0)
    size, whole = (120, 90), (300, 200)
    views = matches.two_windows(rng, size, whole)
    found = matches.pairs(rng, views, size)
    assert found
    for here, there in found:
        np.testing.assert_allclose(
            matches.through(views[0], here), matches.through(views[1], there), atol=1e-6
        )


def test_a_view_shows_what_its_map_says() -> None:
    ramp = np.zeros((200, 300, 3), dtype=np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(300) * 255 // 299, np.arange(200)[:, None] * 255 // 199
    view = matches.window((120, 90), (300, 200), (140, 95), 25)
    seen = Image.fromarray(ramp).transform(
        (120, 90), Image.Transform.AFFINE, view, Image.Resampling.BILINEAR
    )
    x, y = matches.through(view, (60, 45))
    assert (x, y) == pytest.approx((140, 95))
    assert to_copy(view, (140, 95)) == pytest.approx((60, 45))
    red, green, _ = seen.getpixel((60, 45))
    assert (red, green) == (
        pytest.approx(140 / 299 * 255, abs=3),
        pytest.approx(95 / 199 * 255, abs=3),
    )


def test_marks_that_places_do_not_allow_are_not_chosen() -> None:
    spots = [((float(i), 0.0), (float(i), 0.0)) for i in range(3)]
    assert matches.choose(random.Random(0), spots, 0, 0.5) == []
    assert matches.choose(random.Random(0), [], 0, 0.5) == []


def test_flocks_are_counted_as_they_are_drawn(assets) -> None:
    most = 0
    for i in range(60):
        made = flocks.flocks(random.Random(i), assets, 1)
        counts = {ask.question: int(ask.answer) for ask in made.asks if ask.skill == "count"}
        total = next(int(ask.answer) for ask in made.asks if ask.skill == "total")
        assert sum(counts.values()) == total
        assert all(1 <= n <= flocks.MOST + 3 for n in counts.values())
        most = max(most, *counts.values())
    assert most > 7
