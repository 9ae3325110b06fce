"""Drawn objects: plain shapes, and small figures whose parts are known by name."""

from __future__ import annotations

import math
from functools import lru_cache

from PIL import Image, ImageDraw

COLORS: dict[str, tuple[int, int, int]] = {
    "red": (214, 40, 40),
    "orange": (245, 140, 30),
    "yellow": (245, 220, 50),
    "green": (50, 160, 60),
    "cyan": (60, 200, 210),
    "blue": (40, 80, 205),
    "purple": (130, 55, 170),
    "pink": (245, 140, 185),
    "brown": (120, 75, 35),
    "white": (245, 245, 245),
    "gray": (128, 128, 128),
    "black": (18, 18, 18),
}

Part = tuple[str, str, tuple[float, ...], int]
"""(name, primitive, coordinates in the unit square, 0 main colour, 1 second, 2 dark, 3 light)."""

FIGURES: dict[str, tuple[Part, ...]] = {
    "fish": (
        ("tail", "poly", (0.36, 0.5, 0.04, 0.24, 0.12, 0.5, 0.04, 0.76), 1),
        ("fin", "poly", (0.42, 0.34, 0.56, 0.1, 0.68, 0.34), 1),
        ("body", "oval", (0.24, 0.28, 0.96, 0.72), 0),
        ("eye", "oval", (0.77, 0.38, 0.87, 0.48), 2),
    ),
    "hammer": (
        ("handle", "rect", (0.04, 0.44, 0.76, 0.56), 1),
        ("head", "rect", (0.7, 0.18, 0.94, 0.82), 0),
    ),
    "knife": (
        ("handle", "rect", (0.02, 0.42, 0.38, 0.58), 1),
        ("blade", "poly", (0.38, 0.38, 0.8, 0.38, 0.98, 0.6, 0.38, 0.6), 0),
    ),
    "brush": (
        ("handle", "rect", (0.02, 0.45, 0.66, 0.55), 1),
        ("tip", "poly", (0.66, 0.34, 0.98, 0.28, 0.98, 0.72, 0.66, 0.66), 0),
    ),
    "pencil": (
        ("end", "rect", (0.02, 0.42, 0.14, 0.58), 1),
        ("body", "rect", (0.14, 0.42, 0.76, 0.58), 0),
        ("tip", "poly", (0.76, 0.42, 0.98, 0.5, 0.76, 0.58), 2),
    ),
    "key": (
        ("teeth", "rect", (0.04, 0.5, 0.22, 0.72), 0),
        ("handle", "oval", (0.6, 0.3, 0.98, 0.7), 1),
        ("body", "rect", (0.04, 0.45, 0.62, 0.56), 0),
    ),
    "mushroom": (
        ("stem", "rect", (0.4, 0.5, 0.6, 0.95), 3),
        ("cap", "pie", (0.08, 0.1, 0.92, 0.92, 180, 360), 0),
    ),
    "flower": (
        ("stem", "rect", (0.46, 0.5, 0.54, 0.98), 1),
        ("petals", "oval", (0.2, 0.05, 0.8, 0.62), 0),
        ("center", "oval", (0.4, 0.24, 0.6, 0.44), 2),
    ),
    "tree": (
        ("trunk", "rect", (0.42, 0.55, 0.58, 0.98), 1),
        ("crown", "oval", (0.12, 0.03, 0.88, 0.66), 0),
    ),
    "house": (
        ("wall", "rect", (0.15, 0.45, 0.85, 0.97), 0),
        ("roof", "poly", (0.04, 0.47, 0.5, 0.05, 0.96, 0.47), 1),
        ("door", "rect", (0.42, 0.62, 0.6, 0.97), 2),
    ),
    "car": (
        ("roof", "rect", (0.28, 0.24, 0.72, 0.5), 1),
        ("body", "rect", (0.04, 0.46, 0.96, 0.7), 0),
        ("wheel", "oval", (0.14, 0.58, 0.38, 0.84), 2),
        ("wheel", "oval", (0.62, 0.58, 0.86, 0.84), 2),
    ),
    "bird": (
        ("tail", "poly", (0.3, 0.5, 0.02, 0.3, 0.04, 0.56), 1),
        ("legs", "rect", (0.46, 0.66, 0.52, 0.94), 2),
        ("body", "oval", (0.2, 0.34, 0.74, 0.74), 0),
        ("head", "oval", (0.6, 0.14, 0.86, 0.42), 0),
        ("beak", "poly", (0.84, 0.22, 0.99, 0.3, 0.84, 0.36), 1),
    ),
    "dog": (
        ("tail", "poly", (0.18, 0.42, 0.02, 0.14, 0.1, 0.14, 0.26, 0.38), 1),
        ("legs", "rect", (0.18, 0.6, 0.28, 0.94), 1),
        ("legs", "rect", (0.56, 0.6, 0.66, 0.94), 1),
        ("body", "rect", (0.14, 0.38, 0.7, 0.66), 0),
        ("head", "oval", (0.62, 0.16, 0.96, 0.5), 0),
        ("ear", "oval", (0.62, 0.12, 0.72, 0.34), 2),
    ),
    "cup": (
        ("handle", "ring", (0.6, 0.34, 0.96, 0.7), 1),
        ("body", "rect", (0.16, 0.2, 0.7, 0.86), 0),
    ),
}

SHAPES = ("circle", "square", "triangle", "star", "cross", "ring", "diamond", "heart")
SIDE = 96


def _star(points: int, inner: float) -> list[tuple[float, float]]:
    corners = []
    for i in range(2 * points):
        r = 0.48 if i % 2 == 0 else inner
        a = math.pi * i / points - math.pi / 2
        corners.append(((0.5 + r * math.cos(a)) * SIDE, (0.5 + r * math.sin(a)) * SIDE))
    return corners


def _scaled(values: tuple[float, ...]) -> list[tuple[float, float]]:
    return [(values[i] * SIDE, values[i + 1] * SIDE) for i in range(0, len(values), 2)]


@lru_cache(maxsize=512)
def shape_mask(name: str) -> Image.Image:
    """Alpha mask of a plain shape, SIDE x SIDE."""
    mask = Image.new("L", (SIDE, SIDE), 0)
    draw = ImageDraw.Draw(mask)
    box = (0.03 * SIDE, 0.03 * SIDE, 0.97 * SIDE, 0.97 * SIDE)
    if name == "circle":
        draw.ellipse(box, fill=255)
    elif name == "square":
        draw.rectangle((0.08 * SIDE, 0.08 * SIDE, 0.92 * SIDE, 0.92 * SIDE), fill=255)
    elif name == "triangle":
        draw.polygon(_scaled((0.5, 0.04, 0.97, 0.94, 0.03, 0.94)), fill=255)
    elif name == "star":
        draw.polygon(_star(5, 0.2), fill=255)
    elif name == "cross":
        draw.rectangle((0.36 * SIDE, 0.03 * SIDE, 0.64 * SIDE, 0.97 * SIDE), fill=255)
        draw.rectangle((0.03 * SIDE, 0.36 * SIDE, 0.97 * SIDE, 0.64 * SIDE), fill=255)
    elif name == "ring":
        draw.ellipse(box, outline=255, width=SIDE // 5)
    elif name == "diamond":
        draw.polygon(_scaled((0.5, 0.02, 0.88, 0.5, 0.5, 0.98, 0.12, 0.5)), fill=255)
    else:
        draw.ellipse(tuple(v * SIDE for v in (0.05, 0.1, 0.53, 0.56)), fill=255)
        draw.ellipse(tuple(v * SIDE for v in (0.47, 0.1, 0.95, 0.56)), fill=255)
        draw.polygon(_scaled((0.08, 0.44, 0.92, 0.44, 0.5, 0.96)), fill=255)
    return mask


def draw_shape(name: str, rgb: tuple[int, int, int]) -> Image.Image:
    """A plain shape in one colour, RGBA."""
    image = Image.new("RGBA", (SIDE, SIDE), (*rgb, 0))
    image.putalpha(shape_mask(name))
    return image


def draw_figure(name: str, main: tuple[int, int, int], second: tuple[int, int, int]) -> Image.Image:
    """A figure facing right, RGBA, SIDE x SIDE."""
    image = Image.new("RGBA", (SIDE, SIDE), (*main, 0))
    draw = ImageDraw.Draw(image)
    tones = (main, second, (25, 25, 25), (235, 230, 215))
    for _, primitive, values, tone in FIGURES[name]:
        fill = (*tones[tone], 255)
        if primitive == "poly":
            draw.polygon(_scaled(values), fill=fill)
            continue
        box = tuple(v * SIDE for v in values[:4])
        if primitive == "oval":
            draw.ellipse(box, fill=fill)
        elif primitive == "ring":
            draw.ellipse(box, outline=fill, width=8)
        elif primitive == "pie":
            draw.pieslice(box, values[4], values[5], fill=fill)
        else:
            draw.rectangle(box, fill=fill)
    return image


def part_points(name: str) -> list[tuple[str, float, float]]:
    """Name and a visible inner point (unit square) of every part of a figure.

    A part that occurs twice is listed once per occurrence.
    """
    points = []
    for part, primitive, v, _ in FIGURES[name]:
        if primitive == "poly":
            n = len(v) // 2
            x, y = sum(v[0::2]) / n, sum(v[1::2]) / n
        elif primitive == "pie":
            x, y = (v[0] + v[2]) / 2, v[1] + (v[3] - v[1]) * 0.28
        elif primitive == "ring":
            x, y = v[2] - 0.04, (v[1] + v[3]) / 2
        else:
            x, y = (v[0] + v[2]) / 2, (v[1] + v[3]) / 2
        shifts = {"stem": (0.0, 0.12), "trunk": (0.0, 0.12), "petals": (0.2, 0.0)}
        dx, dy = shifts.get(part, (0.0, 0.0))
        if name == "house" and part == "wall":
            dx = -0.22
        if name == "key" and part == "teeth":
            dy = 0.04
        points.append((part, x + dx, y + dy))
    return points
