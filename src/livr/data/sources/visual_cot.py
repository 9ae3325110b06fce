"""Visual-CoT: questions about pictures of ten collections, each with the box to look at.

Layout as the authors' repository describes it: `viscot_363k.json`, a list of objects with the
fields dataset, split, question_id, image (`cot/<collection>/<name>`, then the same with the box
after `###`) and four turns of conversations: question, box, the picture again, answer. The
question ends with a sentence that asks for the box. The pictures lie below the folder at their
paths. The published archives of the pictures could not be looked into: where they unpack to is not
verified; `cot/` must come to lie beside the JSON file.

Only question, picture and answer are read: the paper trains on the answers, without the boxes.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livr.data.sources.folder import SourceInfo, read_splits_file, require, split_groups
from livr.data.sources.json_stream import iter_list
from livr.errors import DataError

FILE = "viscot_363k.json"
INFO = SourceInfo(
    name="Visual-CoT",
    url="https://huggingface.co/datasets/deepcs233/Visual-CoT",
    licence="Apache-2.0 (annotations; the pictures keep the terms of their collections)",
    layout=(FILE, "cot/<collection>/<picture>"),
)
ASKS_FOR_BOX = re.compile(
    r"\s*\bPlease (?:think step by step and )?provide the bounding box coordinate\b.*", re.DOTALL
)
SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}
PLACEHOLDER = "<image>"


@dataclass(frozen=True)
class CotRow:
    """One question. `key` is the picture's path below the folder."""

    key: str
    question: str
    answer: str


def read_rows(
    folder: Path, split: str, count: int, seed: int, rng: random.Random, drops: Counter[str]
) -> list[CotRow]:
    """Draws rows of one split, uniformly, in random order.

    The file has training rows only, so pictures are shared out, 80/10/10 (ours); `splits.csv`
    (key: path of the picture) wins. The file is read twice, one row in memory; kept are the
    pictures' names and the rows drawn.

    Args:
        folder: The source folder.
        split: train, val or test.
        count: Most rows.
        seed: Seed of the data set.
        rng: Random numbers of the split.
        drops: Receives reason -> number of rows left out, counted before the draw.

    Raises:
        DataError: The folder is not Visual-CoT, or the file is not a list.
    """
    require(folder, INFO, FILE, "cot")
    fixed = read_splits_file(folder)
    names = {key for value in iter_list(folder / FILE) if (key := _key(value))}
    chosen = split_groups(names, seed, SHARES, fixed)
    drawn: list[CotRow] = []
    for seen, row in enumerate(_rows_of(folder, split, chosen, drops), start=1):
        # A reservoir: every row read so far is in it with the same probability.
        if len(drawn) < count:
            drawn.append(row)
        elif (place := rng.randrange(seen)) < count:
            drawn[place] = row
    rng.shuffle(drawn)
    return drawn


def _rows_of(
    folder: Path, split: str, chosen: dict[str, str], drops: Counter[str]
) -> Iterator[CotRow]:
    there: dict[str, bool] = {}
    for value in iter_list(folder / FILE):
        key = _key(value)
        if key is None:
            drops["row without a picture's path"] += 1
        elif chosen.get(key) == split:
            texts = _texts(value.get("conversations"))
            if texts is None:
                drops["row without question and answer"] += 1
                continue
            if key not in there:
                there[key] = (folder / key).is_file()
            if there[key]:
                yield CotRow(key, *texts)
            else:
                drops["image is missing"] += 1


def _key(value: Any) -> str | None:
    """The picture of a row; the second entry repeats it with its box."""
    if not isinstance(value, dict):
        raise DataError(f"{FILE}: expected rows that are objects, found {type(value).__name__}")
    image = value.get("image")
    first = image[0] if isinstance(image, list) and image else image
    if not isinstance(first, str) or first.startswith("/") or ".." in Path(first).parts:
        return None
    return first or None


def _texts(turns: Any) -> tuple[str, str] | None:
    """Question, without picture marks and without the sentence that asks for a box, and answer."""
    if not isinstance(turns, list) or len(turns) < 2:
        return None
    first, last = turns[0], turns[-1]
    if not (isinstance(first, dict) and isinstance(last, dict) and last.get("from") == "gpt"):
        return None
    question = str(first.get("value", "")).replace(PLACEHOLDER, "")
    question = ASKS_FOR_BOX.sub("", question).strip()
    answer = str(last.get("value", "")).strip()
    return (question, answer) if question and answer else None
