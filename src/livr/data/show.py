"""`livr data show`: a contact sheet of a data set, as one PNG and one self-contained HTML page."""

from __future__ import annotations

import base64
import io
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment
from PIL import Image, ImageDraw, ImageFont

from livr.data.example import LETTERS, Example
from livr.data.pictures import open_rgb
from livr.data.prompts import render

THUMB = 150
TEXT_HEIGHT = 74
MARGIN = 8
PER_ROW = 3
MAX_IMAGES = 4

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #1b1b1f; background: #fff }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(24rem, 1fr)); gap: 1rem }
article { border: 1px solid #d5d5dd; border-radius: 8px; padding: .8rem }
figure { display: flex; flex-wrap: wrap; gap: .4rem; margin: 0 0 .6rem }
img { max-width: 100%; height: 150px; object-fit: contain; background: #f2f2f5 }
ol { list-style: none; margin: .3rem 0; padding: 0 } .right { font-weight: 700; color: #0a6b2d }
small { color: #55555f } p { margin: .2rem 0 }
</style></head><body><h1>{{ title }}</h1><main>
{% for card in cards %}<article><figure>
{% for image in card.images %}<img alt="image {{ loop.index }}" src="{{ image }}">{% endfor %}
</figure><p>{{ card.question }}</p>
{% if card.choices %}<ol>{% for letter, text in card.choices %}
<li{% if letter == card.answer %} class="right"{% endif %}>({{ letter }}) {{ text }}</li>
{% endfor %}</ol>{% else %}<p class="right">{{ card.answer }}</p>{% endif %}
<small>{{ card.task }} · {{ card.id }}</small></article>
{% endfor %}</main></body></html>
"""


def sample(examples: Sequence[Example], count: int, seed: int = 0) -> list[Example]:
    """Draws up to `count` examples, the tasks in turn."""
    rng = random.Random(seed)
    by_task: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_task[example.task].append(example)
    for rows in by_task.values():
        rng.shuffle(rows)
    result: list[Example] = []
    while len(result) < count and any(by_task.values()):
        for task in sorted(by_task):
            if by_task[task] and len(result) < count:
                result.append(by_task[task].pop())
    return sorted(result, key=lambda example: example.task)


def thumbnails(example: Example) -> list[Image.Image]:
    """Returns the example's pictures, at most four, RGB, scaled to a common height."""
    result = []
    for source in example.images[:MAX_IMAGES]:
        image = open_rgb(source)
        image.thumbnail((2 * THUMB, THUMB), Image.Resampling.LANCZOS)
        result.append(image)
    return result


def contact_page(examples: Sequence[Example], title: str) -> str:
    """Returns a self-contained HTML page."""
    cards = [
        {
            "id": example.id,
            "task": example.task,
            "question": example.question,
            "choices": list(zip(LETTERS, example.choices or (), strict=False)),
            "answer": example.answer,
            "images": [_data_url(image) for image in thumbnails(example)],
        }
        for example in examples
    ]
    return Environment(autoescape=True).from_string(PAGE).render(title=title, cards=cards)


def _data_url(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def contact_sheet(examples: Sequence[Example]) -> Image.Image:
    """Returns one picture with all examples, their questions and right answers."""
    strips = [thumbnails(example) for example in examples]
    widths = [sum(image.width + 4 for image in strip) for strip in strips]
    cell = max(3 * THUMB, max(widths, default=0)) + 2 * MARGIN
    rows = [
        range(start, min(start + PER_ROW, len(strips))) for start in range(0, len(strips), PER_ROW)
    ]
    heights = [
        max(image.height for index in row for image in strips[index]) + TEXT_HEIGHT + MARGIN
        for row in rows
    ]
    sheet = Image.new("RGB", (cell * PER_ROW, max(1, sum(heights))), "white")
    pen = ImageDraw.Draw(sheet)
    top = MARGIN
    for row, height in zip(rows, heights, strict=True):
        for column, index in enumerate(row):
            left = column * cell + MARGIN
            x = left
            for image in strips[index]:
                sheet.paste(image, (x, top))
                x += image.width + 4
            below = top + height - TEXT_HEIGHT - MARGIN + 4
            _write(pen, examples[index], (left, below), cell - 2 * MARGIN)
        top += height
    return sheet


def _write(pen: ImageDraw.ImageDraw, example: Example, at: tuple[int, int], width: int) -> None:
    font = ImageFont.load_default(size=12)
    lines = _wrap(f"{example.task}: {render(example)}".replace("\n", " "), pen, font, width)
    pen.multiline_text(at, "\n".join(lines[:3]), fill=(30, 30, 36), font=font, spacing=2)
    answer = f"answer: {example.answer}"
    pen.text((at[0], at[1] + 48), answer, fill=(10, 107, 45), font=ImageFont.load_default(size=14))


def _wrap(
    text: str,
    pen: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    width: int,
) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if pen.textlength(longer, font=font) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def write_show(
    folder: str | Path, split: str, examples: Sequence[Example], out: Path, count: int, seed: int
) -> tuple[Path, Path]:
    """Writes `show-<split>.png` and `show-<split>.html` into `out`. Returns both paths."""
    chosen = sample(examples, count, seed)
    out.mkdir(parents=True, exist_ok=True)
    png, page = out / f"show-{split}.png", out / f"show-{split}.html"
    contact_sheet(chosen).save(png)
    page.write_text(contact_page(chosen, f"{folder}, {split}"), encoding="utf-8")
    return png, page
