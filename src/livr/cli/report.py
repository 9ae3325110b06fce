"""`livr report`: one HTML page about a set of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livr.cli.compare import ReferenceOption, RunsArgument
from livr.cli.comparison import note_unknown
from livr.cli.console import note

if TYPE_CHECKING:
    from livr.analysis.runs import Run


def report(
    runs: RunsArgument,
    out: Annotated[Path, typer.Option("--out", help="The HTML file to write.")],
    reference: ReferenceOption = "sft",
    method: Annotated[
        str, typer.Option("--method", help="The method whose answers stand beside those.")
    ] = "livr",
    audit: Annotated[
        list[Path] | None,
        typer.Option("--audit", help="What livr audit wrote, for the page too. Repeatable."),
    ] = None,
    title: Annotated[str, typer.Option("--title", help="The heading.")] = "LIVR beside direct SFT",
) -> None:
    """Write a self-contained page: table, learning curves, questions with both answers."""
    from livr.analysis.audit.result import read
    from livr.analysis.report import write_report
    from livr.analysis.runs import read_runs
    from livr.analysis.tell_apart import told_apart
    from livr.evaluate.target import refuse_target

    if out.is_dir():
        out = out / "report.html"
    refuse_target(out)
    audits = [read(path) for path in audit or ()]
    found = told_apart(read_runs(runs))
    write_report(
        out,
        found,
        title=title,
        reference=reference,
        method=method,
        audits=audits,
    )
    _say_what_is_missing(found, reference, method)
    note(f"{out}: open it in a browser; it needs no network.")


def _say_what_is_missing(runs: Sequence[Run], reference: str, method: str) -> None:
    """The page leaves out what it cannot show; here is why."""
    from livr.analysis.compare import label
    from livr.analysis.report import pair_of

    methods = list(dict.fromkeys(run.method for run in runs))
    note_unknown("--reference", reference, methods, "there are no differences")
    note_unknown("--method", method, methods, "no answers stand side by side")
    for task in dict.fromkeys(run.task for run in runs):
        pair = pair_of([run for run in runs if run.task == task], reference, method)
        if pair and not any(run.data for run in pair):
            lost = next((run.lost_data for run in pair if run.lost_data), None)
            if lost is not None:
                note(
                    f"{label(task)}: the data set {lost} is gone, so the page shows none of its "
                    "questions. Put it back, or evaluate the runs again with livr eval RUN --data "
                    "FOLDER."
                )
