"""`livr compare`: runs side by side, tested on the same questions."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livr.analysis import REFERENCE
from livr.cli.comparison import note_unknown, print_lines, print_means
from livr.cli.console import JsonFlag, note, print_json, print_table
from livr.errors import ConfigError

if TYPE_CHECKING:
    from livr.analysis.paper.set_beside import Aside

RunsArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="RUN...",
        help="Run folders, folders that hold them, grids, or results files of grids.",
    ),
]
ReferenceOption = Annotated[
    str, typer.Option("--reference", help="The method that the others are compared with.")
]
PaperOption = Annotated[
    str | None, typer.Option("--paper", help="Set beside a published table, e.g. table1.")
]
BackboneOption = Annotated[
    str | None, typer.Option("--backbone", help="With --paper: which of its models.")
]


def need_paper(paper: str | None, backbone: str | None) -> None:
    """Refuse `--backbone` where it would choose nothing.

    Raises:
        ConfigError: There is no `--paper`.
    """
    if backbone is not None and paper is None:
        raise ConfigError(
            f"--backbone {backbone} chooses among the models of a published table; it needs --paper"
        )


def compare(
    runs: RunsArgument,
    reference: ReferenceOption = REFERENCE,
    figure: Annotated[
        Path | None, typer.Option("--figure", help="Also draw a forest plot: .png, .pdf or .svg.")
    ] = None,
    paper: PaperOption = None,
    backbone: BackboneOption = None,
    keep_all: Annotated[
        bool, typer.Option("--all-tasks", help="Tasks where both methods are at chance count too.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Compare evaluated runs, or a grid: accuracy, intervals, paired tests."""
    need_paper(paper, backbone)
    if figure is not None and figure.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise ConfigError(f"--figure {figure}: give a name that ends in .png, .pdf or .svg")
    from livr.analysis.compare import compare as compare_runs
    from livr.analysis.compare import results
    from livr.analysis.compare_mean import means
    from livr.analysis.compare_outcomes import in_subsets, read_outcomes
    from livr.analysis.compare_parts import by_part
    from livr.analysis.paper.published import find_table
    from livr.analysis.paper.set_beside import set_beside
    from livr.evaluate.target import refuse_target

    if figure is not None:
        from livr.analysis.compare_figure import WRITTEN

        refuse_target(figure, "--figure", holds=WRITTEN)
    table = find_table(paper) if paper is not None else None
    found, failed = read_outcomes(runs)
    found, apart = (in_subsets(found), []) if table else by_part(found)
    lines = compare_runs(found, reference)
    total = means(found, reference, keep_all=keep_all)
    methods = list(dict.fromkeys(line.method for line in lines))
    note_unknown("--reference", reference, methods, "there are no differences")
    if table is not None:
        _beside(set_beside(found, lines, table, backbone, reference), as_json)
    elif as_json:
        value = results(found, lines, reference)
        value["summary"] |= {
            "means": [asdict(line) for line in total.lines],
            "at_chance": list(total.left_out),
        }
        print_json(value | {"failed": [asdict(cell) for cell in failed]})
    else:
        print_lines(lines, reference, failed)
        print_means(total, reference)
    for sentence in apart:
        note(sentence)
    if figure is not None:
        from livr.analysis.compare_figure import rows_of, write_forest

        drawn = write_forest(figure, rows_of(lines, total), reference)
        note(f"{figure}: the differences." if drawn else "Nothing was compared: no figure.")


def _beside(found: Aside, as_json: bool) -> None:
    from livr.analysis.compare import label
    from livr.analysis.in_print import percent, points, span

    if as_json:
        rows = [asdict(row) for row in found.rows]
        print_json({"table": found.table.name, "backbone": found.backbone, "rows": rows})
        return
    rows_text: list[tuple[str, ...]] = []
    for i, row in enumerate(found.rows):
        if i == 0 or found.rows[i - 1].task != row.task:
            rows_text.append((label(row.task), *[""] * 6))
        rows_text.append(
            (
                f"  {label(row.method)}",
                percent(row.paper),
                percent(row.ours) if row.ours is not None else "–",
                points(row.difference) if row.difference is not None else "–",
                span(row.interval) if row.interval else "–",
                points(row.paper_gain) if row.paper_gain is not None else "–",
                f"{points(row.our_gain)} ({span(row.gain_interval)})"
                if row.our_gain is not None and row.gain_interval
                else "–",
            )
        )
    heads = ("", "paper", "ours", "ours − paper", "interval", "gain, paper", "gain, ours")
    print_table(heads, rows_text, caption=found.caption)
    for sentence in found.missing:
        note(sentence)
