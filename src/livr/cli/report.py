"""`livr report`: one HTML page about a set of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livr.analysis import REFERENCE
from livr.cli.compare import (
    BackboneOption,
    PaperOption,
    ReferenceOption,
    RunsArgument,
    need_paper,
)
from livr.cli.comparison import note_unknown
from livr.cli.console import note

if TYPE_CHECKING:
    from livr.analysis.compare_outcomes import Outcomes


def report(
    runs: RunsArgument,
    # Text, not a Path, which would turn the folder `new/` into a file called `new`.
    out: Annotated[
        str, typer.Option("--out", metavar="PATH", help="The HTML file to write, or its folder.")
    ],
    reference: ReferenceOption = REFERENCE,
    method: Annotated[
        str, typer.Option("--method", help="The method whose answers stand beside those.")
    ] = "livr",
    audit: Annotated[
        list[Path] | None,
        typer.Option("--audit", help="What livr audit wrote, for the page too. Repeatable."),
    ] = None,
    paper: PaperOption = None,
    backbone: BackboneOption = None,
    title: Annotated[str, typer.Option("--title", help="The heading.")] = "LIVR beside direct SFT",
) -> None:
    """Write a self-contained page: table, learning curves, questions with both answers."""
    from livr.analysis.audit.result import read
    from livr.analysis.compare_outcomes import read_outcomes
    from livr.analysis.compare_parts import by_part
    from livr.analysis.paper.published import find_table
    from livr.analysis.report import WRITTEN, write_report
    from livr.evaluate.target import file_in, refuse_target

    need_paper(paper, backbone)
    file = file_in(out, "report.html")
    refuse_target(file, holds=WRITTEN)
    audits = [read(path) for path in audit or ()]
    table = find_table(paper) if paper is not None else None
    found, failed = read_outcomes(runs, cells=True)
    found, apart = by_part(found)
    write_report(
        file,
        found,
        title=title,
        reference=reference,
        method=method,
        audits=audits,
        failed=failed,
        paper=table,
        backbone=backbone,
    )
    for sentence in apart:
        note(sentence)
    _say_what_is_missing(found, reference, method)
    note(f"{file}: open it in a browser; it needs no network.")


def _say_what_is_missing(runs: Sequence[Outcomes], reference: str, method: str) -> None:
    """The page leaves out what it cannot show; here is why."""
    from livr.analysis.compare import label
    from livr.analysis.report import folders_of, pair_of

    methods = list(dict.fromkeys(run.method for run in runs))
    note_unknown("--reference", reference, methods, "there are no differences")
    note_unknown("--method", method, methods, "no answers stand side by side")
    if bare := sum(run.run is None for run in runs):
        note(
            f"{bare} of {len(runs)} runs are known from results files alone, so the page has no "
            "learning curves, questions and settings of them."
        )
    for task in dict.fromkeys(run.task for run in runs):
        own = folders_of(run for run in runs if run.task == task)
        pair = pair_of(own, reference, method)
        if pair and not any(run.data for run in pair):
            lost = next((run.lost_data for run in pair if run.lost_data), None)
            if lost is not None:
                note(
                    f"{label(task)}: the data set {lost} is gone, so the page shows none of its "
                    "questions. Put it back, or evaluate the runs again with livr eval RUN --data "
                    "FOLDER."
                )
