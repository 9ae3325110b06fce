"""`livr check`: prove the laws on one model."""

from __future__ import annotations

from typing import Annotated

import typer

from livr.cli.console import JsonFlag, TrustFlag, hush, note, print_json, print_table, progress


def check(
    model: Annotated[str, typer.Argument(help="Hub id, checkpoint or run folder, or mini.")],
    trust_remote_code: TrustFlag = False,
    max_pixels: Annotated[
        int | None, typer.Option("--max-pixels", min=1, help="Pixel budget of one image.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Prove on a model that the image reaches the answer through the latents alone.

    Exit code 2 if a law does not hold or the architecture is refused.
    """
    from livr.analysis.check import check as prove
    from livr.analysis.laws import LAWS

    hush()
    tested = 0
    with progress(len(LAWS), "loading") as advance:

        def next_law(law: str) -> None:
            nonlocal tested
            advance(tested, law)
            tested += 1

        report = prove(
            model, trust_remote_code=trust_remote_code, max_pixels=max_pixels, on_law=next_law
        )
    if as_json:
        print_json(report.summary())
    else:
        caption = f"{report.model}: {report.family}, {report.attention} attention"
        rows = [
            [f.law, f.done, f.measured, "holds" if f.holds else "BROKEN"] for f in report.findings
        ]
        print_table(["law", "what was done", "measured", "verdict"], rows, caption=caption)
        if report.remark:
            note(f"{report.family}: {report.remark}.")
        if not report.tested:
            note(f"{report.family} is not in the tested list; it passed the self-test on loading.")
    if not report.holds:
        raise typer.Exit(2)
