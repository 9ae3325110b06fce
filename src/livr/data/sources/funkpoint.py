"""FunKPoint: pictures of tools with five functional keypoints for an action.

Layout (from one public reader; not verified against the original download): `labels.csv` with the
columns below and the pictures in `images/`. Coordinates are shares of width and height. If the
columns are named otherwise, put a `columns.json` beside it: {"action": "name in the file", ...}.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from livr.data.sources.folder import (
    SourceInfo,
    open_table,
    read_splits_file,
    require,
    split_groups,
)
from livr.errors import DataError

INFO = SourceInfo(
    name="FunKPoint",
    url="https://agi-labs.github.io/FuncCorr/",
    licence="for research; pictures from ImageNet under its terms",
    layout=("labels.csv", "images/<wnid>/*", "columns.json (optional: names of the columns)"),
)
POINTS = 5
COLUMNS = (
    "image_path",
    "action",
    *(f"p{number}_{axis}" for number in range(1, POINTS + 1) for axis in "xy"),
)
SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}
NAMES = "columns.json"


@dataclass(frozen=True)
class Labelled:
    """One picture with the keypoints of one action, as shares of width and height."""

    path: Path
    key: str
    action: str
    points: tuple[tuple[float, float], ...]


def read_labels(
    folder: Path, split: str, seed: int, drops: Counter[str]
) -> dict[str, list[Labelled]]:
    """Lists the labelled pictures of one split by action.

    Split rule: pictures 80/10/10, balanced per action: a picture goes where the rarest of its
    actions puts it. `splits.csv` (key: image_path) wins.

    Raises:
        DataError: The folder is not FunKPoint, or a column is missing.
    """
    require(folder, INFO, "labels.csv", "images")
    names = _column_names(folder)
    with open_table(folder / "labels.csv") as reader:
        missing = [names[c] for c in COLUMNS if names[c] not in (reader.fieldnames or ())]
        if missing:
            raise DataError(
                f"{folder / 'labels.csv'} has no column {', '.join(missing)}; name the columns in "
                f"{NAMES}, found: {', '.join(reader.fieldnames or ())}"
            )
        rows = [{column: row[names[column]] for column in COLUMNS} for row in reader]
    labelled = [item for row in rows if (item := _label(folder, row, drops))]
    chosen = _split(folder, labelled, seed)
    result: dict[str, list[Labelled]] = defaultdict(list)
    for item in labelled:
        if chosen.get(item.key) == split:
            result[item.action].append(item)
    return {action: result[action] for action in sorted(result)}


def _column_names(folder: Path) -> dict[str, str]:
    names = {column: column for column in COLUMNS}
    path = folder / NAMES
    if not path.is_file():
        return names
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    unknown = sorted(set(given) - set(names)) if isinstance(given, dict) else ["not an object"]
    if unknown:
        raise DataError(f"{path}: unknown {', '.join(unknown)}; known: {', '.join(COLUMNS)}")
    return {**names, **{key: str(value) for key, value in given.items()}}


def _label(folder: Path, row: dict[str, str], drops: Counter[str]) -> Labelled | None:
    try:
        points = tuple(
            (float(row[f"p{number}_x"]), float(row[f"p{number}_y"]))
            for number in range(1, POINTS + 1)
        )
    except (TypeError, ValueError):
        drops["row without five keypoints"] += 1
        return None
    if not all(0 <= value <= 1 for point in points for value in point):
        drops["keypoint outside the picture"] += 1
        return None
    key = row["image_path"].removeprefix("images/")
    return Labelled(folder / "images" / key, key, row["action"], points)


def _split(folder: Path, labelled: list[Labelled], seed: int) -> dict[str, str]:
    fixed = read_splits_file(folder)
    by_action: dict[str, list[str]] = defaultdict(list)
    for item in labelled:
        by_action[item.action].append(item.key)
    chosen: dict[str, str] = {}
    for action in sorted(by_action, key=lambda name: (len(by_action[name]), name)):
        free = [key for key in by_action[action] if key not in chosen]
        chosen.update(split_groups(free, seed, SHARES, fixed))
    return chosen
