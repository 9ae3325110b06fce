"""`livr demo`: the main job, from images to a report, on the embedded model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livr.cli.console import GOES_ON, JsonFlag, hush, note, print_json, progress, when_stopped

TaskOption = Annotated[
    list[str] | None,
    typer.Option(
        "--task",
        help="Repeatable; counting and localization if none is named. Others: jigsaw, "
        "visual_correspondence, art_style, semantic_correspondence, functional_correspondence, "
        "relative_reflectance, visual_similarity, vsp.",
    ),
]


def demo(
    task: TaskOption = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, help="Runs per task and method.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for everything.")] = Path("demo"),
    model: Annotated[
        str | None, typer.Option("--model", help="Hub id, checkpoint folder, or mini.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start anew if --out holds an earlier demo.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Train direct SFT and LIVR on real images, compare them, write a report."""
    from livr.config import build

    then = f"Without --overwrite: {GOES_ON}" if overwrite else GOES_ON
    with when_stopped(then), progress(1.0, "loading") as advance:
        hush()
        from livr.analysis.demo import DemoConfig, run_demo
        from livr.train.progress import Progress

        given = {"tasks": task or None, "seeds": seeds, "model": model}
        values = {name: value for name, value in given.items() if value is not None}
        config = build(DemoConfig, values, "livr demo")

        def listen(state: Progress) -> None:
            advance(state.done / state.total, state.phase)

        result = run_demo(config, out, overwrite=overwrite, on_progress=listen)
    if as_json:
        import json

        print_json(json.loads((out / "results.json").read_text(encoding="utf-8")))
        return
    from livr.cli.comparison import print_lines

    print_lines(result.lines, "sft")
    note(f"{out / 'report.html'}: curves, questions and both answers; open it in a browser.")
    note(f"{out / 'results.json'}: the numbers. {out / 'runs'}: the runs.")
