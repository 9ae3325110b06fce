"""Pieces of pictures: crops, gaps, neighbours, and spots found again in a changed picture."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw

from livr.mini.assets import Assets
from livr.mini.backdrops import photo_crop, random_size, texture
from livr.mini.figures import COLORS
from livr.mini.scene import Scene, blank, color_word, mark
from livr.mini.skills.base import ORDINALS, POSITIONS, Ask, Draft, note_answers, say, yes
from livr.mini.skills.links import ask_links, mark_twice, note_links
from livr.mini.skills.single import ask_marks, compose
from livr.mini.styles import relit


def source(rng: random.Random, assets: Assets) -> Image.Image:
    """A photograph or a composed scene to take pieces from."""
    if rng.random() < 0.75:
        return photo_crop(rng, rng.choice(assets.photos).image, random_size(rng))
    return compose(rng, assets, marks=0).image


def crops(rng: random.Random, assets: Assets, count: int) -> Draft:
    """A picture and pieces of it or of another picture."""
    whole = source(rng, assets)
    other = photo_crop(rng, rng.choice(assets.photos).image, whole.size)
    images, asks = [whole], []
    w, h = whole.size
    inside, places = [True], ["center"]
    flags = [True, False] if count == 3 else [rng.random() < 0.5]
    rng.shuffle(flags)
    for i, flag in enumerate(flags, start=1):
        cell = rng.randrange(9)
        cw, ch = w * rng.uniform(0.3, 0.4), h * rng.uniform(0.3, 0.4)
        x, y = (w - cw) * (cell % 3) / 2, (h - ch) * (cell // 3) / 2
        box = (round(x), round(y), round(x + cw), round(y + ch))
        piece = (whole if flag else other).crop(box)
        zoom = rng.choice((1.0, 1.5, 2.0))
        images.append(piece.resize((round(cw * zoom), round(ch * zoom)), Image.Resampling.BICUBIC))
        inside.append(flag)
        places.append(POSITIONS[cell])
        form = say(rng, f"Is image {i + 1} from image 1?", f"Is the {ORDINALS[i]} image a piece of the first?")  # fmt: skip  # noqa: E501
        asks += [Ask("crop_in", form, yes(flag))] * 4
        if flag:
            form = f"Where in image 1 is image {i + 1}?"
            asks += [Ask("crop_place", form, POSITIONS[cell], POSITIONS)] * 4
    if count == 3:
        hit = ORDINALS[1 + flags.index(True)]
        form = say(rng, "Piece of the first: second or third?", "Which image is a piece of the first image, second or third?")  # fmt: skip  # noqa: E501
        asks += [Ask("crop_which", form, hit, ORDINALS[1:])] * 5
    return Draft(images, asks)


GAPS = {
    "top left": (0.0, 0.0, 0.5, 0.5), "top right": (0.5, 0.0, 1.0, 0.5),
    "bottom left": (0.0, 0.5, 0.5, 1.0), "left": (0.0, 0.0, 0.4, 1.0),
    "right": (0.6, 0.0, 1.0, 1.0), "top": (0.0, 0.0, 1.0, 0.4), "bottom": (0.0, 0.6, 1.0, 1.0),
    "center": (0.28, 0.28, 0.72, 0.72),
}  # fmt: skip


def paint_over(
    rng: random.Random, whole: Image.Image
) -> tuple[Image.Image, str, tuple[int, int, int, int]]:
    """A copy with a part painted over, where that is as a word, and as a box in px."""
    w, h = whole.size
    place = rng.choice(list(GAPS))
    x0, y0, x1, y1 = (round(v * s) for v, s in zip(GAPS[place], (w, h, w, h), strict=True))
    holed = whole.copy()
    paint = rng.choice(("gray", "white", "noise", "pink"))
    if paint == "noise":
        holed.paste(texture(rng, (x1 - x0, y1 - y0)), (x0, y0))
    else:
        ImageDraw.Draw(holed).rectangle((x0, y0, x1, y1), fill=COLORS[paint])
    return holed, place, (x0, y0, x1, y1)


def gaps(rng: random.Random, assets: Assets, count: int) -> Draft:
    """A picture with a part painted over, and pieces that fit there or do not."""
    whole = source(rng, assets)
    holed, place, gap = paint_over(rng, whole)
    true = whole.crop(gap)
    wrong = wrong_piece(rng, assets, whole, gap)
    flags = [True, False] if count == 3 else [rng.random() < 0.5]
    rng.shuffle(flags)
    images = [holed, *[(true if f else wrong) for f in flags]]
    asks = [Ask("gap_place", "Where is the gap?", place, POSITIONS)]
    for i, flag in enumerate(flags, start=1):
        form = say(rng, f"Does image {i + 1} fit the gap?", f"Does the {ORDINALS[i]} image fill the gap?")  # fmt: skip  # noqa: E501
        asks += [Ask("gap_fits", form, yes(flag))] * 4
    if count == 3:
        hit = ORDINALS[1 + flags.index(True)]
        form = say(rng, "Fits the gap: second or third?", "What fills the gap, second or third image?")  # fmt: skip  # noqa: E501
        asks += [Ask("gap_which", form, hit, ORDINALS[1:])] * 5
    return Draft(images, asks, note_answers(images, flags))


def wrong_piece(
    rng: random.Random, assets: Assets, whole: Image.Image, box: tuple[int, int, int, int]
) -> Image.Image:
    """A piece of the gap's size from elsewhere in the picture or from another one."""
    w, h = box[2] - box[0], box[3] - box[1]
    if rng.random() < 0.6:
        best, far = (0, 0), -1.0
        for _ in range(6):
            x, y = rng.randint(0, whole.width - w), rng.randint(0, whole.height - h)
            away = abs(x - box[0]) / whole.width + abs(y - box[1]) / whole.height
            if away > far:
                best, far = (x, y), away
        if far > 0.3:
            return whole.crop((best[0], best[1], best[0] + w, best[1] + h))
    return photo_crop(rng, rng.choice(assets.photos).image, (w, h))


def neighbours(rng: random.Random, assets: Assets, count: int) -> Draft:
    """Halves of pictures: do they continue each other."""
    whole = source(rng, assets)
    other = source(rng, assets).resize(whole.size)
    w, h = whole.size
    down = rng.random() < 0.5
    cut = round((h if down else w) * rng.uniform(0.42, 0.58))
    first = whole.crop((0, 0, w, cut) if down else (0, 0, cut, h))
    rest = (0, cut, w, h) if down else (cut, 0, w, h)
    side = "below" if down else "on the right"
    flags = [True, False] if count == 3 else [rng.random() < 0.5]
    rng.shuffle(flags)
    images = [first, *[(whole if f else other).crop(rest) for f in flags]]
    asks = []
    for i, flag in enumerate(flags, start=1):
        form = say(rng, f"Does image {i + 1} continue image 1 {side}?", f"Is the {ORDINALS[i]} image next to the first, {side}?")  # fmt: skip  # noqa: E501
        asks += [Ask("continues", form, yes(flag))] * 4
    if count == 3:
        hit = ORDINALS[1 + flags.index(True)]
        form = f"Continues image 1 {side}: second or third?"
        asks += [Ask("continues_which", form, hit, ORDINALS[1:])] * 5
    return Draft(images, asks)


def moved(
    rng: random.Random, scene: Scene
) -> tuple[Image.Image, tuple[float, float, float, float, float, float]]:
    """A turned, scaled and shifted copy and the map from its pixels to the original's."""
    w, h = scene.clean.size
    angle = math.radians(rng.uniform(-28, 28))
    scale = rng.uniform(0.75, 1.2)
    a, b = math.cos(angle) * scale, -math.sin(angle) * scale
    d, e = math.sin(angle) * scale, math.cos(angle) * scale
    cx, cy = w / 2 + rng.uniform(-0.15, 0.15) * w, h / 2 + rng.uniform(-0.15, 0.15) * h
    m = (a, b, cx - a * w / 2 - b * h / 2, d, e, cy - d * w / 2 - e * h / 2)
    out = scene.clean.transform((w, h), Image.Transform.AFFINE, m, Image.Resampling.BILINEAR)
    return out, m


def to_copy(m: tuple[float, ...], point: tuple[float, float]) -> tuple[float, float]:
    """Where a point of the original lies in the copy."""
    a, b, c, d, e, f = m
    det = a * e - b * d
    x, y = point[0] - c, point[1] - f
    return (e * x - b * y) / det, (-d * x + a * y) / det


def spots(rng: random.Random, assets: Assets, count: int) -> Draft:
    """A picture with marks and a moved copy with marks: same spot, same colour, same thing."""
    if rng.random() < 0.5:
        scene = compose(rng, assets, marks=0)
    else:
        scene = blank(photo_crop(rng, rng.choice(assets.photos).image, random_size(rng)))
        scene.image = scene.image.copy()
    copy, m = moved(rng, scene)
    twin = blank(relit(rng, copy))
    w, h = scene.image.size
    labels = rng.sample("ABCD", 4)
    spots_of: dict[str, tuple[float, float]] = {}
    anchors = [o.center for o in scene.objects]
    for label in labels:
        for _ in range(20):
            p = anchors.pop() if anchors else (rng.uniform(0.08, 0.92) * w, rng.uniform(0.08, 0.92) * h)  # fmt: skip  # noqa: E501
            q = to_copy(m, p)
            free = all(abs(p[0] - o[0]) + abs(p[1] - o[1]) > 0.2 * (w + h) / 2 for o in spots_of.values())  # fmt: skip  # noqa: E501
            if free and 0.06 * w < q[0] < 0.94 * w and 0.06 * h < q[1] < 0.94 * h:
                spots_of[label] = p
                break
    if rng.random() < 0.6:
        pairs = [(p, to_copy(m, p)) for p in spots_of.values()]
        found = mark_twice(rng, scene, twin, pairs)
        each = ask_marks(rng, twin, " in image 2")
        asks = ask_links(rng, "same spot", found, twin.marks) + rng.sample(each, min(6, len(each)))
        return Draft([scene.image, twin.image], asks, note_links(rng, (scene, twin), found))
    asks = []
    moves = list(spots_of)
    shuffled = moves[1:] + moves[:1]
    for label, p in spots_of.items():
        mark(scene, label, p)
        same = rng.random() < 0.5
        goal = spots_of[label if same else shuffled[moves.index(label)]]
        if goal != p and not same:
            q = to_copy(m, goal)
        else:
            q, same = to_copy(m, p), True
        mark(twin, label, q)
        form = say(rng, f"{label} on the same spot?", f"Is {label} on the same spot in both images?")  # fmt: skip  # noqa: E501
        asks += [Ask("same_spot", form, yes(same))] * 5
    asks += color_links(rng, scene, twin)
    asks += rng.sample(each := ask_marks(rng, scene, " in image 1"), min(5, len(each)))
    return Draft([scene.image, twin.image], asks)


def color_links(rng: random.Random, one: Scene, two: Scene) -> list[Ask]:
    """Which mark of the second picture lies on the colour at a mark of the first."""
    asks = []
    second = {k: color_word(two.tone(p)) for k, p in two.marks.items()}
    for label, point in one.marks.items():
        color = color_word(one.tone(point))
        hits = [k for k, c in second.items() if c == color]
        if color and len(hits) == 1 and len(second) > 1:
            form = f"Letter in image 2 on the color at {label} in image 1?"
            asks += [Ask("color_link", form, hits[0], tuple(second))] * 3
        for k, c in second.items():
            if color and c:
                form = f"Same color at {label} in image 1 and {k} in image 2?"
                asks.append(Ask("color_pair", form, yes(c == color)))
    return asks


def zoom(rng: random.Random, assets: Assets, count: int) -> Draft:
    """A close-up around one mark of the second picture: which letter is it."""
    scene = compose(rng, assets, marks=4)
    asks = ask_marks(rng, scene, " in image 2")
    asks = rng.sample(asks, min(8, len(asks)))
    if not scene.marks:
        return Draft([scene.clean, scene.image], asks)
    label, (x, y) = rng.choice(list(scene.marks.items()))
    r = min(scene.image.size) * rng.uniform(0.14, 0.22)
    size = (max(24, round(2.4 * r)),) * 2
    close = scene.clean.transform(size, Image.Transform.EXTENT, (x - r, y - r, x + r, y + r), Image.Resampling.BILINEAR)  # fmt: skip  # noqa: E501
    form = say(rng, "Close-up of which letter?", "Image 1 is a close-up of which letter in image 2?")  # fmt: skip  # noqa: E501
    asks += [Ask("zoom_letter", form, label, tuple(scene.marks))] * 5
    for other in scene.marks:
        asks += [Ask("zoom_is", f"Is image 1 a close-up of {other}?", yes(other == label))]
    return Draft([close, scene.image], asks)
