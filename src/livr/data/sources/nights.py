"""NIGHTS: a reference picture, two variations, and which one people find more similar.

Layout as published with DreamSim: `data.csv` and `ref/NNN/NNN.png`,
`distort/NNN/NNN_{0,1}.png`. Columns are read by name: id, ref_path, left_path, right_path,
left_vote, right_vote, votes, split (train, val, test).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from livr.data.sources.folder import SourceInfo, open_table, require
from livr.errors import DataError, Problem

INFO = SourceInfo(
    name="NIGHTS",
    url="https://github.com/ssundaram21/dreamsim (dataset/download_dataset.sh)",
    licence="MIT",
    layout=("data.csv", "ref/NNN/NNN.png", "distort/NNN/NNN_0.png", "distort/NNN/NNN_1.png"),
)
COLUMNS = ("id", "ref_path", "left_path", "right_path", "left_vote", "right_vote", "votes", "split")


@dataclass(frozen=True)
class Triplet:
    """One judged triplet. `left_wins` is what the majority said."""

    key: str
    reference: Path
    left: Path
    right: Path
    left_wins: bool


def read_triplets(
    folder: Path, split: str, min_votes: int, drops: Counter[str]
) -> Iterator[Triplet]:
    """Yields the triplets of one official split with enough votes.

    Raises:
        DataError: The folder is not NIGHTS, or a column or a number is wrong.
    """
    require(folder, INFO, "data.csv")
    path = folder / "data.csv"
    with open_table(path) as reader:
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise DataError(f"{path} has no column {', '.join(missing)}; see {INFO.url}")
        for number, row in enumerate(reader, start=2):
            if row["split"] != split:
                continue
            try:
                votes = float(row["votes"])
                left, right = float(row["left_vote"]), float(row["right_vote"])
            except ValueError as error:
                raise DataError(
                    f"{path} is wrong", [Problem(path.name, number, str(error))]
                ) from error
            if votes < min_votes or left == right:
                drops["too few votes or a tie"] += 1
                continue
            yield Triplet(
                row["id"],
                folder / row["ref_path"],
                folder / row["left_path"],
                folder / row["right_path"],
                left > right,
            )
