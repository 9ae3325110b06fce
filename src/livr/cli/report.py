"""`livr report`: one HTML page about a set of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livr.cli.compare import ReferenceOption, RunsArgument
from livr.cli.console import note


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

    if out.is_dir():
        out = out / "report.html"
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
    note(f"{out}: open it in a browser; it needs no network.")
