"""RoboSpatial-Home: spatial questions about photographs of homes, from the published parquet files.

Layout as published on the Hugging Face hub: `data/{configuration,compatibility,context}-*.parquet`
with the columns category, question, answer, img, depth_image, mask, as the authors' own download
script reads them (names of the files: from a public reader, not verified). 123 questions of
configuration (how two objects lie) and 105 of compatibility (whether something fits) are answered
yes or no; the 122 of context ask for points inside an area and are not read here.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livr.data.sources.folder import SourceInfo, require
from livr.data.sources.parquet import open_parquet, read_batches, to_rows

PARTS = ("configuration", "compatibility")
INFO = SourceInfo(
    name="RoboSpatial-Home",
    url="https://huggingface.co/datasets/chanhee-luke/RoboSpatial-Home",
    licence="Apache-2.0",
    layout=tuple(f"data/{part}-*.parquet" for part in PARTS),
)
COLUMNS = ("question", "answer", "img")
ANSWERS = ("yes", "no")


@dataclass(frozen=True)
class HomeRow:
    """One question; `picture` as encoded bytes, `answer` is yes or no."""

    picture: bytes
    question: str
    answer: str

    @property
    def key(self) -> str:
        """Hash of the picture."""
        return hashlib.sha256(self.picture).hexdigest()


def read_rows(folder: Path, rng: random.Random, drops: Counter[str]) -> list[HomeRow]:
    """Reads all yes-or-no questions, in random order.

    Raises:
        DataError: The folder is not RoboSpatial-Home or a column is missing.
    """
    require(folder, INFO, *INFO.layout)
    paths = [path for pattern in INFO.layout for path in sorted(folder.glob(pattern))]
    rows = [row for path in paths for row in _read_file(path, drops)]
    rng.shuffle(rows)
    return rows


def _read_file(path: Path, drops: Counter[str]) -> Iterator[HomeRow]:
    file = open_parquet(path, COLUMNS, INFO)
    for batch in read_batches(file, path, COLUMNS, size=16):
        for row in to_rows(batch, path):
            picture, answer = _bytes(row["img"]), str(row["answer"]).strip(" .").lower()
            if answer not in ANSWERS:
                drops["the answer is not yes or no"] += 1
            elif not picture or not row["question"]:
                drops["no picture or no question"] += 1
            else:
                yield HomeRow(picture, str(row["question"]).strip(), answer)


def _bytes(image: Any) -> bytes:
    found = image.get("bytes") if isinstance(image, dict) else image
    return bytes(found or b"")
