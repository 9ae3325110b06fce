"""What `livr ablate` shows of a grid without running the whole of it: its cost, one cell again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import typer

from livr.cli.console import hush, note, print_fields, print_json, print_table, progress

if TYPE_CHECKING:
    from livr.analysis.ablate.grid import Grid
    from livr.train.progress import Listener

FAILED_CELLS = 2
"""Exit status where a cell failed, or did not come out as before."""

OUTLINE = "an outline from published shapes and round figures, within a factor of three at best"
"""What an estimate without weights and data rests on."""


@contextmanager
def listening(description: str) -> Iterator[tuple[Any, Listener]]:
    """A bar for a grid: what is told of its data, and what listens to its cells."""
    with progress(1.0, description) as advance:
        hush()
        from livr.train.progress import Progress

        def listen(state: Progress) -> None:
            advance(state.done / state.total if state.total else 1.0, state.phase)

        yield (lambda text: advance(0.0, text)), listen


def show_cost(grid: Grid, gpu: str | None, as_json: bool) -> None:
    """Print every cell and about how long it takes."""
    note("Estimating the cost; nothing is written ...")
    hush()
    from livr.analysis.ablate.cost import guess
    from livr.train.cost import clock

    found = guess(grid, gpu)
    if as_json:
        print_json(asdict(found))
        return
    rows = [
        (
            cell.task,
            cell.variant,
            "–" if cell.seed is None else str(cell.seed),
            " + ".join(f"{e:g}" for e in cell.epochs) or "–",
            "–" if cell.seconds is None else clock(cell.seconds),
        )
        for cell in found.cells
    ]
    print_table(("task", "variant", "seed", "epochs", "time"), rows)
    fields = {"cells": str(len(found.cells))}
    if found.total is not None:
        outlined = "" if found.problem is None else f" ({OUTLINE})"
        fields[f"time, {found.machine}"] = f"about {clock(found.total)} one after another{outlined}"
    if found.problem is not None:
        fields["not measured"] = found.problem
        if found.total is None and gpu is None:
            fields["time"] = "no estimate; for the paper's backbones --gpu H100 gives an outline"
    print_fields(fields)


def check_again(grid: Grid, results: Path, cells: Sequence[str | None], out: Path | None) -> None:
    """Run one cell again and print it beside what is committed.

    Raises:
        ConfigError: More than one cell is named.
        typer.Exit: Another number came out.
    """
    from livr.errors import ConfigError

    if len(cells) > 1:
        raise ConfigError("--check runs one cell; give --cell once")
    with listening("loading") as (tell, listen), TemporaryDirectory() as temporary:
        from livr.analysis.ablate.check import check_cell

        folder = out or Path(temporary) / "grid"
        found = check_cell(grid, results, folder, cells[0], listener=tell, on_progress=listen)
    for one in found:
        verdict = "the same" if one.same else "DIFFERENT"
        print_fields(
            {
                "cell": one.cell,
                "committed": f"{one.committed} of {one.n} right",
                "now": f"{one.found} of {one.n} right: {verdict}",
                "questions that differ": str(one.differing),
                "changed since": "; ".join(one.changes) or "nothing",
            }
        )
    if not all(one.same for one in found):
        note("Another kind of processor rounds otherwise; a few questions may then differ.")
        raise typer.Exit(FAILED_CELLS)
