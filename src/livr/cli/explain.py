"""`livr explain`: where the latents look and where their states lie."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livr.cli.console import JsonFlag, TrustFlag, hush, note, print_fields, print_json, progress


def explain(
    model: Annotated[str, typer.Argument(help="A run of livr train with latents.")],
    data: Annotated[str, typer.Option("--data", help="Data set folder.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the pictures.")] = Path("explain"),
    split: Annotated[str, typer.Option("--split", help="Which part of the data.")] = "test",
    limit: Annotated[
        int, typer.Option("--limit", min=8, help="Most questions, drawn at random.")
    ] = 120,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1)] = 16,
    seed: Annotated[int, typer.Option("--seed", help="Seed of every draw.")] = 0,
    trust_remote_code: TrustFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Draw what the latents attend to, and a map of their states."""
    with progress(1.0, "loading") as advance:
        hush()
        from livr.analysis.embedding_map import in_words
        from livr.analysis.explain import explain as run_explain
        from livr.train.progress import Progress

        def listen(state: Progress) -> None:
            advance(state.done / state.total, state.phase)

        result = run_explain(
            model,
            data,
            split,
            out=out,
            limit=limit,
            batch_size=batch_size,
            seed=seed,
            trust_remote_code=trust_remote_code,
            on_progress=listen,
        )
    if as_json:
        print_json(result.numbers)
        return
    fields: dict[str, str] = {}
    for mask, values in result.numbers["attention"].items():
        fields[f"{mask}: latents' attention on images"] = (
            f"{values['mass_on_images']:.1%}, of that {values['share_on_sinks']:.1%} on sinks"
        )
    for name, rules in result.numbers["enrichment"].items():
        for mask, values in rules.items():
            if values:
                low, high = values["without_sinks"]["ci95"]
                mean = values["without_sinks"]["mean"]
                label = f"{mask}: enrichment on {name.replace('_', ' ')}"
                fields[label] = f"{mean:.2f} ({low:.2f} to {high:.2f}), n = {values['n']}"
    for mask, values in result.numbers["knn_purity"].items():
        fields[f"{mask}: kNN purity by kind"] = in_words(values["kind"])
    print_fields(fields)
    note(f"{result.out}: " + ", ".join(result.pictures))
