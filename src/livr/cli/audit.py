"""`livr audit`: are the latents used, and for what they carry?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livr.cli.console import (
    JsonFlag,
    TrustFlag,
    hush,
    note,
    print_json,
    print_table,
    progress,
)

if TYPE_CHECKING:
    from livr.analysis.audit.result import Audit


def audit(
    model: Annotated[str, typer.Argument(help="A run of livr train with latents.")],
    data: Annotated[str, typer.Option("--data", help="Data set folder.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for audit.json and audit.html.")
    ] = None,
    control: Annotated[
        Path | None, typer.Option("--control", help="A latents_only run on the same data.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", help="An sft run on the same data.")
    ] = None,
    split: Annotated[str, typer.Option("--split", help="Which part of the data.")] = "test",
    test: Annotated[
        list[str] | None,
        typer.Option("--test", help="Run only this test. Repeatable; see docs/audit.md."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="Most questions, drawn at random; 0: all.")
    ] = 200,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1)] = 32,
    seed: Annotated[int, typer.Option("--seed", help="Seed of every draw.")] = 0,
    trust_remote_code: TrustFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Test whether the latents are used: a table with verdicts, JSON and a page."""
    with progress(1.0, "loading") as advance:
        hush()
        from livr.analysis.audit.run import audit as run_audit
        from livr.train.progress import Progress

        def listen(state: Progress) -> None:
            advance(state.done / state.total, state.phase)

        result = run_audit(
            model,
            data,
            split,
            control=control,
            baseline=baseline,
            out=out,
            tests=test or (),
            limit=limit,
            batch_size=batch_size,
            seed=seed,
            trust_remote_code=trust_remote_code,
            on_progress=listen,
        )
    for doubt in result.doubts:
        note(doubt)
    if as_json:
        print_json(result.summary())
        return
    print_findings(result)
    if out is not None:
        note(f"{out / 'audit.html'}: open it in a browser. {out / 'audit.json'}: the numbers.")


def print_findings(result: Audit) -> None:
    """Print the table of tests and the verdict on the model."""
    from livr.analysis.audit.page import WORDS, interval_words, reasons

    rows = [
        (
            _folded(f.name) + (" *" if f.decisive else ""),
            f.verdict,
            f.measured,
            f.healthy,
            interval_words(f),
            str(f.n),
        )
        for f in result.findings
    ]
    heads = ("test", "verdict", "measured", "healthy", "95 % interval", "n")
    caption = "* the verdict on the model rests on these"
    print_table(heads, rows, caption=caption)
    print_table(("test", "what was done"), [(_folded(f.name), f.done) for f in result.findings])
    typer.echo(f"{result.verdict}: {WORDS[result.verdict]} {reasons(result)}".rstrip())


def _folded(name: str) -> str:
    """A name in lines of at most 14 letters: what a narrow table shows without cutting it."""
    start, dot, end = name.rpartition(".")
    return f"{_folded(start)}\n{dot}{end}" if dot and len(name) > 14 else name
