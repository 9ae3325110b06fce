"""Results that a grid brought elsewhere, taken over into its folder here."""

from __future__ import annotations

from collections.abc import Iterable

from livr.analysis.ablate.cells import RESULT
from livr.analysis.ablate.results import GridResults, unpacked
from livr.analysis.ablate.run import Board
from livr.files import write_json


def take_over(board: Board, results: Iterable[GridResults]) -> list[str]:
    """Give cells without a result the one they have elsewhere (ours).

    A cell is the same by its settings, data and model, not by its name. Its weights stay where
    they were trained, so it can be compared and not audited.

    Args:
        board: What `prepare` gave; the cells become done.
        results: What `read_results` gave, of this grid or of one that shares cells with it.

    Returns:
        Names of the cells taken over.

    Raises:
        DataError: A file lacks a row of such a cell.
    """
    taken = []
    for found in results:
        made = {entry["hash"]: entry for entry in found.cells}
        for cell in board.cells:
            known = made.get(cell.hash)
            if cell in board.done or known is None or not cell.made(known):
                continue
            write_json(board.folder(cell) / RESULT, unpacked(found, known, cell))
            board.done.append(cell)
            taken.append(cell.name)
    return taken
