"""`livr compare`: runs side by side, tested on the same questions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livr.cli.console import JsonFlag, print_json, print_table

if TYPE_CHECKING:
    from livr.analysis.compare import Line

RunsArgument = Annotated[
    list[Path], typer.Argument(metavar="RUN...", help="Run folders, or a folder that holds them.")
]
ReferenceOption = Annotated[
    str, typer.Option("--reference", help="The method that the others are compared with.")
]


def compare(
    runs: RunsArgument, reference: ReferenceOption = "sft", as_json: JsonFlag = False
) -> None:
    """Compare evaluated runs: accuracy, 95 % interval, paired test."""
    from livr.analysis.compare import compare as compare_runs
    from livr.analysis.compare import results
    from livr.analysis.runs import read_runs

    found = read_runs(runs)
    if as_json:
        print_json(results(found, reference))
    else:
        print_lines(compare_runs(found, reference), reference)


def print_lines(lines: Sequence[Line], reference: str) -> None:
    """Print the table of a comparison."""
    from livr.analysis.compare import label
    from livr.analysis.report import duration, p_number, percent, points

    rows: list[tuple[str, ...]] = []
    for i, line in enumerate(lines):
        if i == 0 or lines[i - 1].task != line.task:
            rows.append((label(line.task), *[""] * 6))
        pair = line.against
        rows.append(
            (
                f"  {label(line.method)}" + (f" ×{line.seeds}" if line.seeds > 1 else ""),
                str(line.n),
                percent(line.accuracy),
                f"{100 * line.ci95[0]:.1f} – {100 * line.ci95[1]:.1f}",
                points(pair.delta) if pair else "–",
                p_number(pair.p_value) if pair else "–",
                duration(line.train_seconds),
            )
        )
    heads = ("", "n", "accuracy", "95 % interval", "points", "paired p", "training")
    caption = f"points: difference to {label(reference)}, tested on the same questions"
    print_table(heads, rows, caption=caption)
