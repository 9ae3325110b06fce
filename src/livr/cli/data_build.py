"""`livr data build`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from livr.cli.console import JsonFlag, note, print_json, print_table, progress


def build(
    task: Annotated[str, typer.Argument(help="Name of a task, or all.")],
    source: Annotated[str, typer.Option(help="Folder of the public data set, or pool.")] = "pool",
    out: Annotated[Path | None, typer.Option(help="Folder to write (all: one per task).")] = None,
    train: Annotated[int, typer.Option(min=0, help="Training questions.")] = 1000,
    val: Annotated[int, typer.Option(min=0, help="Validation questions.")] = 250,
    test: Annotated[int, typer.Option(min=0, help="Test questions.")] = 250,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 0,
    prompts: Annotated[
        Path | None, typer.Option(help="BLINK folder whose wording is used instead of ours.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Build one of the paper's tasks from its public data set, or from the embedded images."""
    from livr.data.build import build_task
    from livr.data.pool.writers import WRITERS
    from livr.data.target import writable_target
    from livr.data.tasks import TASKS, get_task
    from livr.errors import ConfigError

    names = [name for name in TASKS if name in WRITERS]
    if task != "all":
        names = [get_task(task, "all").name]
    if task == "all" and source != "pool":
        raise ConfigError("all works with --source pool; build the tasks of a data set one by one")
    target = out or Path("data") / task
    folders = {name: target / name if task == "all" else target for name in names}
    inputs = [] if source == "pool" else [source]
    for folder in folders.values():  # all of them, before the first is built
        writable_target(folder, overwrite, [*inputs, *([prompts] if prompts else [])])
    sizes = {"train": train, "val": val, "test": test}
    rows = []
    total = len(names) * sum(sizes.values())
    with progress(total, task) as advance:
        done = 0

        def tick(name: str, split: str, made: int, wanted: int) -> None:
            nonlocal done
            done += 1
            advance(done, f"{name} {split}")

        for name, folder in folders.items():
            manifest = build_task(name, source, folder, sizes, seed, overwrite, tick, prompts)
            rows.append({"out": str(folder), **manifest})
    if as_json:
        print_json(rows if task == "all" else rows[0])
        return
    _print_built(rows)


def _print_built(rows: list[dict[str, Any]]) -> None:
    cells = []
    for row in rows:
        counts = "/".join(str(n) for n in row["counts"].values())
        leaks = [name for name, score in row["shortcuts"].items() if not score["ok"]]
        cells.append([row["task"], counts, ", ".join(leaks) or "none", row["out"]])
    print_table(["task", "train/val/test", "shortcuts above chance", "folder"], cells)
    for row in rows:
        for split, wanted in row["wanted"].items():
            if row["counts"][split] < wanted:
                dropped = ", ".join(f"{k}: {v}" for k, v in row["dropped"][split].items())
                note(f"{row['task']} {split}: {row['counts'][split]} of {wanted} ({dropped})")
