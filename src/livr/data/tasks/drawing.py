"""Marks on pictures: boxes and lettered points, legible at any resolution."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

Box = tuple[float, float, float, float]
"""left, top, right, bottom in px; right and bottom are exclusive."""
Point = tuple[float, float]
"""x, y in px."""
Colour = tuple[int, int, int]

COLOURS: dict[str, Colour] = {
    "A": (235, 30, 30),
    "B": (30, 80, 255),
    "C": (20, 160, 40),
    "D": (245, 150, 0),
    "REF": (230, 0, 200),
}
WHITE: Colour = (255, 255, 255)


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def draw_boxes(image: Image.Image, boxes: dict[str, Box]) -> Image.Image:
    """Returns a copy with the boxes drawn in the colour of their letter.

    The letter stands inside the box in its corner: A upper left, B lower right.
    """
    result = image.convert("RGB")
    long = max(result.size)
    line = max(2, round(long / 60))
    pen = ImageDraw.Draw(result)
    for letter, box in boxes.items():
        left, top, right, bottom = (round(v) for v in box)
        pen.rectangle((left, top, right - 1, bottom - 1), outline=COLOURS[letter], width=line)
    for letter, box in boxes.items():
        side = max(10, round(long / 10))
        left, top, right, bottom = (round(v) for v in box)
        corner = (left, top) if letter == "A" else (right - side, bottom - side)
        pen.rectangle((*corner, corner[0] + side, corner[1] + side), fill=COLOURS[letter])
        middle = (corner[0] + side / 2, corner[1] + side / 2)
        pen.text(middle, letter, fill=WHITE, font=_font(round(side * 0.9)), anchor="mm")
    return result


def draw_points(image: Image.Image, points: dict[str, Point]) -> Image.Image:
    """Returns a copy with a ring around every point, in the colour of its letter.

    The marked place inside the ring stays visible; the letter stands beside it, on the side
    where there is room. REF is written out if the picture is large enough.
    """
    result = image.convert("RGB")
    long = max(result.size)
    radius = max(5.0, long / 17)
    line, rim = max(2, round(long / 50)), max(1, round(long / 100))
    size = max(11, round(long / 11))
    pen = ImageDraw.Draw(result)
    for letter, (x, y) in points.items():
        for r, thick, paint in ((radius + rim, line + rim, WHITE), (radius, line, COLOURS[letter])):
            pen.ellipse((x - r, y - r, x + r, y + r), outline=paint, width=thick)
    for letter, (x, y) in points.items():
        font = _font(size)
        width = pen.textlength(letter, font=font)
        gap = radius + 2 * rim
        at_x = x + gap if x + gap + width < result.width else x - gap - width
        at_y = min(max(y, size / 2), result.height - size / 2)
        pen.text(
            (at_x, at_y),
            letter,
            fill=COLOURS[letter],
            font=font,
            anchor="lm",
            stroke_width=max(1, round(size / 9)),
            stroke_fill=WHITE,
        )
    return result
