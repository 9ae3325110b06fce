"""Two tiny random checkpoints, as ordinary folders, and pictures to ask about."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from livr.config import TrainConfig
from livr.data.example import Example
from tests.families import qwen

BUILDERS = {"qwen2_5_vl": qwen.qwen2_5_vl, "qwen3_vl": qwen.qwen3_vl}
FAMILIES = tuple(BUILDERS)


def checkpoint(family: str, folder: Path, spare: int = 0) -> Path:
    """Save a tiny random checkpoint of `family`; `spare` embedding rows beyond the tokenizer."""
    return BUILDERS[family](folder, spare)


def picture(seed: int, size: tuple[int, int] = (32, 32)) -> Image.Image:
    """Noise of a given width and height."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def examples(seed: int = 0) -> list[Example]:
    """Single and several images, text around them, choices and open answers: ragged lengths."""
    return [
        Example(id="1", images=(picture(seed),), question="How many?", answer="7"),
        Example(
            id="2",
            images=(picture(seed + 1), picture(seed + 2, (40, 24))),
            question="Which of the two is it?",
            choices=("the first", "the second"),
            answer="B",
        ),
        Example(
            id="3",
            images=(picture(seed + 3), picture(seed + 4)),
            question="First <image> then, in between, <image> and after.",
            answer="word",
        ),
    ]


def dataset(folder: Path, train: int = 8, val: int = 4) -> Path:
    """A data set folder with questions of several shapes, written by hand."""
    (folder / "images").mkdir(parents=True)
    for split, count in (("train", train), ("val", val), ("test", val)):
        rows = []
        for i in range(count):
            seed = len(split) * 1000 + i * 10
            shapes = examples(seed)
            example = shapes[i % len(shapes)]
            names = []
            for j, image in enumerate(example.images):
                names.append(f"images/{split}-{i}-{j}.png")
                image.save(folder / names[-1])
            rows.append(
                {
                    "id": f"{split}-{i}",
                    "task": "tiny",
                    "images": names,
                    "question": example.question,
                    "choices": example.choices,
                    "answer": example.answer,
                }
            )
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{split}.jsonl").write_text(text)
    return folder


def sft_config(model: Path, folder: Path, **settings: object) -> TrainConfig:
    """Direct SFT in `folder`/run on six examples of its own, two a step."""
    usual = {
        "model": str(model),
        "data": dataset(folder / "data", train=6, val=2),
        "out": folder / "run",
        "method": "sft",
        "optim": {"lr": 3e-3, "batch_size": 2},
    }
    return TrainConfig.model_validate(usual | settings)
