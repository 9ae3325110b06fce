"""A data set whose answer is the colour of the picture: learned in seconds, only from pixels."""

from __future__ import annotations

import json
import random
from pathlib import Path

from PIL import Image

COLOURS = {"A": (220, 30, 30), "B": (30, 60, 220), "C": (30, 190, 60), "D": (230, 200, 30)}


def dataset(folder: Path, train: int = 64, test: int = 60) -> Path:
    """Write the folder; every picture has its own shade. No validation split: it costs time."""
    rng = random.Random(0)
    (folder / "images").mkdir(parents=True)
    for split, count in (("train", train), ("test", test)):
        rows = []
        for i in range(count):
            letter = "ABCD"[i % 4]
            shade = tuple(min(255, max(0, c + rng.randint(-25, 25))) for c in COLOURS[letter])
            name = f"images/{split}-{i}.png"
            Image.new("RGB", (32, 32), shade).save(folder / name)
            row = {"id": f"{split}-{i}", "task": "colour", "images": [name]}
            row |= {"question": "Colour?", "choices": ["r", "b", "g", "y"], "answer": letter}
            rows.append(row)
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{split}.jsonl").write_text(text, encoding="utf-8")
    return folder
