"""`livr data show`: a contact sheet of a data set, as one PNG and one self-contained HTML page."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment
from PIL import Image, ImageDraw, ImageFont

from livr.data.example import LETTERS, Example
from livr.data.pictures import jpeg_uri, open_rgb
from livr.data.prompts import render
from livr.files import whole_file, write_whole

THUMB = 150
MARGIN = 8
COLUMNS = 3
MAX_IMAGES = 4
TEXT, ANSWER = (12, 16, (30, 30, 36)), (14, 20, (10, 107, 45))
"""Size of the letters, height of a line, both in pixels, and colour."""
MOST_LINES, LAST_LINES = 16, 5
"""Lines of a question; where there are more, the middle is cut: the choices stand at the end."""

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
            "images": [jpeg_uri(image) for image in thumbnails(example)],
        }
        for example in examples
    ]
    return Environment(autoescape=True).from_string(PAGE).render(title=title, cards=cards)


Line = tuple[str, tuple[int, int, tuple[int, int, int]]]
"""Some words that fit into a line, and how they are set."""


def contact_sheet(examples: Sequence[Example], columns: int = COLUMNS) -> Image.Image:
    """Returns one picture with all examples, their questions, choices and right answers.

    Args:
        examples: The examples, row by row.
        columns: Examples in a row.
    """
    strips = [thumbnails(example) for example in examples]
    widths = [sum(image.width + 4 for image in strip) for strip in strips]
    cell = max(3 * THUMB, max(widths, default=0)) + 2 * MARGIN
    texts = [_text(example, cell - 2 * MARGIN) for example in examples]
    starts = range(0, len(examples), columns)
    rows = [range(start, min(start + columns, len(examples))) for start in starts]
    above = [max((image.height for i in row for image in strips[i]), default=0) + 4 for row in rows]
    below = [max(_height(texts[i]) for i in row) + 2 * MARGIN for row in rows]
    sheet = Image.new("RGB", (cell * columns, MARGIN + sum(above) + sum(below)), "white")
    pen = ImageDraw.Draw(sheet)
    top = MARGIN
    for row, pictures, words in zip(rows, above, below, strict=True):
        for column, i in enumerate(row):
            left = column * cell + MARGIN
            x = left
            for image in strips[i]:
                sheet.paste(image, (x, top))
                x += image.width + 4
            _write(pen, texts[i], (left, top + pictures))
        top += pictures + words
    return sheet


def _text(example: Example, width: int) -> list[Line]:
    """Question and choices, then the answer, in lines that are not wider."""
    asked = _wrap(f"{example.task}: {render(example)}", TEXT[0], width)
    if len(asked) > MOST_LINES:
        asked = [*asked[: MOST_LINES - LAST_LINES - 1], "…", *asked[-LAST_LINES:]]
    answer = _wrap(f"answer: {example.answer}", ANSWER[0], width)
    if len(answer) > MOST_LINES:
        answer = [*answer[: MOST_LINES - 1], "…"]
    return [(line, TEXT) for line in asked] + [(line, ANSWER) for line in answer]


def _height(lines: Sequence[Line]) -> int:
    return sum(height for _, (_, height, _) in lines)


def _write(pen: ImageDraw.ImageDraw, lines: Sequence[Line], at: tuple[int, int]) -> None:
    left, top = at
    for text, (size, height, colour) in lines:
        pen.text((left, top), text, fill=colour, font=ImageFont.load_default(size=size))
        top += height


def _wrap(text: str, size: int, width: int) -> list[str]:
    """Words in lines; what has no space to break at is broken anywhere."""
    font = ImageFont.load_default(size=size)
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        lines.append("")
        for letter in word:
            if font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return [line for line in lines if line]


def write_show(
    folder: str | Path, split: str, examples: Sequence[Example], out: Path, count: int, seed: int
) -> tuple[Path, Path]:
    """Writes `show-<split>.png` and `show-<split>.html` into `out`. Returns both paths."""
    chosen = sample(examples, count, seed)
    png, page = out / f"show-{split}.png", out / f"show-{split}.html"
    with whole_file(png) as partial:
        contact_sheet(chosen).save(partial, "PNG")
    write_whole(page, contact_page(chosen, f"{folder}, {split}"))
    return png, page
