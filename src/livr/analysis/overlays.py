"""Pictures of attention maps over the original images (after the paper's figures 3 and 5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from livr.analysis.attention_maps import Look, Map
from livr.data.example import IMAGE_PLACEHOLDER, Example
from livr.files import whole_file
from livr.model.encoder import read_image

SIDE = 260
"""Longer side of a drawn image in px."""
MOST_WIDE = 1.6
"""Widest row of several images, in multiples of that."""
GAP = 6
LONGEST = 140
"""Letters of a question that are shown."""
FULL = 3.0
"""Attention of a fully bright cell, in multiples of the uniform share, unless one has more."""
INK, MUTED = "#1d1c1a", "#6d6962"


def strip(example: Example, side: int = SIDE) -> list[Image.Image]:
    """The images of a question at a common height; the longer side of one has `side` px."""
    images = [read_image(image, example.id) for image in example.images]
    whole = sum(im.width / im.height for im in images)
    height = round(side * min(1, MOST_WIDE / whole, *(im.height / im.width for im in images)))
    return [
        im.resize((max(1, round(height * im.width / im.height)), height), Image.Resampling.LANCZOS)
        for im in images
    ]


def beside(images: Sequence[Image.Image]) -> Image.Image:
    """Images side by side on white."""
    width = sum(im.width for im in images) + GAP * (len(images) - 1)
    canvas = Image.new("RGB", (width, images[0].height), "white")
    left = 0
    for im in images:
        canvas.paste(im, (left, 0))
        left += im.width + GAP
    return canvas


def overlay(images: Sequence[Image.Image], maps: Sequence[Map]) -> Image.Image:
    """Maps laid over images: bright where attention is, the image dimmed where it is not.

    The scale begins at the uniform share, what a blind look would give each cell, and ends at
    `FULL` times that or at the brightest cell, if that is more. So a look at nothing in
    particular stays dark instead of being stretched into a pattern. All images of a question
    share one scale.
    """
    cells = sum(m.size for m in maps)
    top = max(FULL, *(float(m.max()) * cells for m in maps))
    return beside(
        [_blend(im, (m * cells - 1) / (top - 1)) for im, m in zip(images, maps, strict=True)]
    )


def _blend(image: Image.Image, heat: Map) -> Image.Image:
    import matplotlib

    small = Image.fromarray((255 * heat.clip(0, 1)).astype(np.uint8))
    smooth = np.asarray(small.resize(image.size, Image.Resampling.BICUBIC), dtype=np.float32) / 255
    grey = np.asarray(image.convert("L").convert("RGB"), dtype=np.float32) / 255
    colour = np.asarray(image, dtype=np.float32) / 255
    heated: NDArray[Any] = matplotlib.colormaps["inferno"](smooth)[..., :3]
    strength = (0.8 * smooth**0.6)[..., None]
    base = 0.45 * grey + 0.25 * colour
    return Image.fromarray((255 * ((1 - strength) * base + strength * heated)).astype(np.uint8))


def summary(
    path: Path, examples: Sequence[Example], columns: Sequence[tuple[str, Sequence[Look], bool]]
) -> None:
    """One row per question: its images, then the mean over latents for each column.

    Args:
        path: PNG file.
        examples: The questions.
        columns: Title, what the latents look at, whether sinks stay in.
    """
    pictures = [strip(e) for e in examples]
    widest = max(beside(p).width for p in pictures)
    rows = []
    for i, images in enumerate(pictures):
        cells = [beside(images)]
        cells += [overlay(images, looks[i].maps(sinks=sinks)) for _, looks, sinks in columns]
        counts = [
            f"{int(looks[i].sinks_I.sum())} in {title.partition(',')[0]}"
            for title, looks, sinks in columns
            if not sinks
        ]
        rows.append((f"{_question(examples[i])}  (sinks: {', '.join(counts)})", cells))
    titles = ["images", *(title for title, _, _ in columns)]
    _sheet(path, titles, rows, widest)


def per_latent(path: Path, example: Example, look: Look, title: str, sinks: bool) -> None:
    """One tile per latent.

    Args:
        path: PNG file.
        example: The question.
        look: What the latents look at.
        title: Written above.
        sinks: Whether sinks stay in.
    """
    images = strip(example)
    latents = len(look.weights_KI)
    columns = min(latents, 4 if len(images) == 1 else 2)
    tiles = [overlay(images, look.maps(k, sinks=sinks)) for k in range(latents)]
    rows = []
    for start in range(0, latents, columns):
        names = [f"latent {k}" for k in range(start, min(start + columns, latents))]
        rows.append((names, tiles[start : start + columns]))
    _sheet(path, [f"{title}: {_question(example)}"], rows, tiles[0].width)


def _question(example: Example) -> str:
    text = " ".join(example.question.replace(IMAGE_PLACEHOLDER, " ").split())
    if len(text) > LONGEST:
        # What is asked stands at the end as a rule.
        text = (
            f"{text[: LONGEST // 3].rsplit(' ', 1)[0]} … {text[-LONGEST // 2 :].split(' ', 1)[1]}"
        )
    return f"{text}  Answer: {example.answer}"


def _legend(width: int) -> Image.Image:
    """What the colours mean."""
    import matplotlib
    from PIL import ImageDraw, ImageFont

    font = ImageFont.load_default(size=13)
    canvas = Image.new("RGB", (width, 26), "white")
    ramp = matplotlib.colormaps["inferno"](np.linspace(0, 1, 120))[None, :, :3].repeat(12, 0)
    texts = ("attention: uniform share", f"{FULL:g} times that, or the brightest cell")
    left = 2 * GAP
    pen = ImageDraw.Draw(canvas)
    pen.text((left, 5), texts[0], fill=MUTED, font=font)
    left += math.ceil(font.getlength(texts[0])) + GAP
    canvas.paste(Image.fromarray((255 * ramp).astype(np.uint8)), (left, 7))
    pen.text((left + 120 + GAP, 5), texts[1], fill=MUTED, font=font)
    return canvas


def _sheet(
    path: Path,
    titles: Sequence[str],
    rows: Sequence[tuple[str | list[str], list[Image.Image]]],
    width: int,
) -> None:
    """Rows of pictures with a line of text above each; written whole or not at all."""
    from PIL import ImageDraw, ImageFont

    font = ImageFont.load_default(size=15)
    columns = max(len(cells) for _, cells in rows)
    step = width + 3 * GAP
    heights = [max(c.height for c in cells) + 30 for _, cells in rows]
    total = columns * step + 2 * GAP
    wide = max(total, math.ceil(font.getlength(titles[0])) + 4 * GAP if len(titles) == 1 else 0)
    canvas = Image.new("RGB", (wide, sum(heights) + 36 + 26), "white")
    pen = ImageDraw.Draw(canvas)
    for i, title in enumerate(titles):
        pen.text((2 * GAP + i * step, 10), title, fill=INK, font=font)
    top = 36
    for (label, cells), height in zip(rows, heights, strict=True):
        labels = label if isinstance(label, list) else [label]
        for i, text in enumerate(labels):
            pen.text((2 * GAP + i * step, top + 2), text, fill=MUTED, font=font)
        for i, cell in enumerate(cells):
            canvas.paste(cell, (2 * GAP + i * step, top + 22))
        top += height
    canvas.paste(_legend(wide), (0, top))
    with whole_file(path) as partial:
        canvas.save(partial, "PNG")
