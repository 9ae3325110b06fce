"""Results that a grid brought elsewhere, taken over into its folder here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from livr.analysis.ablate.cells import RESULT
from livr.analysis.ablate.run import Board
from livr.analysis.compare_outcomes import RESULTS
from livr.errors import DataError
from livr.files import write_json

ADDED = ("method", "seed", "model", "train_seconds", "cell")
"""What a results file says of every row besides the row itself."""


def read_results(file: Path) -> dict[str, Any]:
    """The results file of a grid, or that in a grid's folder.

    Raises:
        DataError: It holds no finished cell.
    """
    file = file / RESULTS if file.is_dir() else file
    whence = "Give the results.json that livr ablate wrote for this grid"
    try:
        value = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read the committed results {file}: {error}. {whence}") from error
    if not isinstance(value, dict) or not value.get("cells"):
        raise DataError(f"{file} holds no finished cell of a grid. {whence}")
    return value


def take_over(board: Board, results: Iterable[dict[str, Any]]) -> list[str]:
    """Give cells without a result the one they have elsewhere (ours).

    A cell is the same by its settings, data and model, not by its name. Its weights stay where
    they were trained, so it can be compared and not audited.

    Args:
        board: What `prepare` gave; the cells become done.
        results: What `read_results` gave, of this grid or of one that shares cells with it.

    Returns:
        Names of the cells taken over.
    """
    taken = []
    for found in results:
        made = {cell["hash"]: cell for cell in found["cells"]}
        shared = found.get("sources", {})
        for cell in board.cells:
            known = made.get(cell.hash)
            if cell in board.done or known is None or not cell.made(known):
                continue
            rows = [row for row in found["rows"] if row["cell"] == known["cell"]]
            about = {key: value for key, value in known.items() if key != "cell"}
            kept = [
                {k: v for k, v in row.items() if k not in ADDED}
                | ({"sources": shared[row["task"]]} if row["task"] in shared else {})
                for row in rows
            ]
            write_json(board.folder(cell) / RESULT, about | {"rows": kept})
            board.done.append(cell)
            taken.append(cell.name)
    return taken
