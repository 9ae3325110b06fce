"""SAT: spatial questions about rendered rooms, before and after an action.

Layout as published on the Hugging Face hub: `SAT_train.parquet`, `SAT_val.parquet`,
`SAT_test.parquet` with the columns image_bytes (list of pictures), question, answers (list),
question_type, correct_answer.

The paper's number is on the official val part (METHOD section 4), so test is val here; validation
questions come from the official train part, by picture, and the official test part is not read
(ours).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livr.data.sources.folder import SourceInfo, require
from livr.data.sources.parquet import open_parquet, read_batches, to_rows

INFO = SourceInfo(
    name="SAT",
    url="https://huggingface.co/datasets/array/SAT",
    licence="MIT",
    layout=("SAT_train.parquet", "SAT_val.parquet"),
)
PARTS = {"train": "train", "val": "train", "test": "val"}
VAL_SHARE = 0.1
COLUMNS = ("image_bytes", "question", "answers", "question_type", "correct_answer")
BATCH = 64


@dataclass(frozen=True)
class SatRow:
    """One question. Pictures as encoded bytes."""

    pictures: tuple[bytes, ...]
    question: str
    answers: tuple[str, ...]
    correct: str

    @property
    def keys(self) -> tuple[str, ...]:
        """Hashes of the pictures."""
        return tuple(hashlib.sha256(data).hexdigest() for data in self.pictures)


def read_rows(folder: Path, split: str, rng: random.Random) -> Iterator[SatRow]:
    """Yields the rows of one split, each row group in random order, one in memory.

    Raises:
        DataError: The folder is not SAT or a column is missing.
    """
    part = PARTS[split]
    name = f"SAT_{part}.parquet"
    require(folder, INFO, name)
    file = open_parquet(folder / name, COLUMNS, INFO)
    groups = list(range(file.num_row_groups))
    rng.shuffle(groups)
    for group in groups:
        batches = list(read_batches(file, folder / name, COLUMNS, BATCH, row_groups=[group]))
        rng.shuffle(batches)
        for batch in batches:
            rows = to_rows(batch, folder / name)
            rng.shuffle(rows)
            found = (_row(row) for row in rows)
            yield from (row for row in found if part != "train" or _share(row) == split)


def _share(row: SatRow) -> str:
    """Train or val, by the first picture."""
    key = row.keys[0] if row.pictures else ""
    return "val" if int(f"0{key[:8]}", 16) < VAL_SHARE * 16**8 else "train"


def _row(row: dict[str, Any]) -> SatRow:
    pictures = [p["bytes"] if isinstance(p, dict) else p for p in row["image_bytes"] or ()]
    return SatRow(
        tuple(data for data in pictures if data),
        str(row["question"]),
        tuple(str(answer) for answer in row["answers"] or ()),
        str(row["correct_answer"]),
    )
