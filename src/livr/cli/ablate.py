"""`livr ablate`: a grid of variants, tasks, seeds and settings, resumable."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livr.cli.console import (
    GOES_ON,
    JsonFlag,
    TrustFlag,
    complain,
    note,
    print_json,
    when_stopped,
)
from livr.cli.grids import FAILED_CELLS, check_again, listening, show_cost

if TYPE_CHECKING:
    from livr.analysis.ablate.grid import Grid
    from livr.analysis.ablate.launch import Launcher
    from livr.analysis.ablate.run import Board

GridArgument = Annotated[
    str, typer.Argument(metavar="GRID", help="A YAML file, or a shipped grid such as table1-qwen3.")
]
CellOption = Annotated[
    list[str] | None,
    typer.Option(
        "--cell",
        help="Only this cell, 'counting livr 42'; repeatable. With --check one; default the "
        "quickest.",
    ),
]
KnownOption = Annotated[
    list[Path] | None,
    typer.Option("--known", help="Results file: its cells are not run again; repeatable."),
]


def ablate(
    grid: GridArgument,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for everything; runs/<grid> by default.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="Instead of the grid's.")] = None,
    data: Annotated[
        str | None, typer.Option("--data", help="Folder with a data set folder per task.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Cells at once; one per GPU or core.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Threads per cell; cores / workers.")
    ] = None,
    retries: Annotated[
        int, typer.Option("--retries", min=0, help="Further tries of a cell that fails.")
    ] = 1,
    launcher: Annotated[
        str, typer.Option("--launcher", help="local, or ray: a cluster with one file system.")
    ] = "local",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the cells and what they would take.")
    ] = False,
    gpu: Annotated[
        str | None, typer.Option("--gpu", help="With --dry-run: estimate for this GPU.")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", help="Run one cell again and compare with this results file."),
    ] = None,
    cell: CellOption = None,
    known: KnownOption = None,
    trust_remote_code: TrustFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Run variants x tasks x seeds; continues where an earlier call was stopped."""
    from livr.analysis.ablate.grid import load_grid
    from livr.errors import ConfigError
    from livr.recipes import find_shipped

    path = find_shipped(grid, "grid")
    loaded = load_grid(path, trust_remote_code, model=model, data=data)
    if gpu is not None and not dry_run:
        raise ConfigError("--gpu estimates for another machine; it needs --dry-run")
    if launcher not in ("local", "ray"):
        raise ConfigError(f"--launcher {launcher}: choose local or ray")
    if dry_run:
        if check or known:
            raise ConfigError("--dry-run runs nothing: leave out --check and --known")
        show_cost(_counted(loaded, cell or []), gpu, as_json)
        return
    if check is not None:
        check_again(loaded, check, cell or [None], out)
        return
    out = out or Path("runs") / path.stem
    command = _command(grid, model, data, out)
    where = _launcher(launcher, workers, threads)
    board = _run(loaded, out, (cell or [], known or []), where, retries, command)
    _conclude(loaded, board, as_json)


def _counted(grid: Grid, names: list[str]) -> Grid:
    """What a dry run counts: the whole grid, or the cell that was named."""
    from livr.analysis.ablate.pick import one_cell
    from livr.errors import ConfigError

    if len(names) > 1:
        raise ConfigError("--dry-run counts a whole grid or one cell: give --cell once")
    return one_cell(grid, names[0]) if names else grid


def _command(grid: str, model: str | None, data: str | None, out: Path) -> str:
    """The call that repeats this, for the results file; no path of this machine goes there."""
    words = ["livr", "ablate", grid, *(["--model", model] if model else [])]
    words += ["--data", data] if data else []
    return shlex.join([*words, "--out", out.name if out.is_absolute() else str(out)])


def _run(
    grid: Grid,
    out: Path,
    chosen: tuple[list[str], list[Path]],
    where: tuple[Launcher, int],
    retries: int,
    command: str,
) -> Board:
    cells, known = chosen
    with when_stopped(GOES_ON), listening("loading") as (tell, listen):
        from livr.analysis.ablate.known import take_over
        from livr.analysis.ablate.results import read_results
        from livr.analysis.ablate.run import prepare, run_grid

        # What cannot be read is said before data is built.
        found = [read_results(file) for file in known]
        board = prepare(grid, out, tell, cells)
        take_over(board, found)
        launcher, threads = where
        return run_grid(grid, board, launcher, threads=threads, retries=retries,
                        command=command, on_progress=listen)  # fmt: skip


def _launcher(name: str, workers: int | None, threads: int | None) -> tuple[Launcher, int]:
    import torch

    from livr.analysis.ablate.launch import Processes, Ray

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    workers = workers or gpus or max(1, cores // (threads or 1))
    threads = threads or max(1, cores // workers)
    if name == "ray":
        return Ray(workers, threads, 1 if gpus else 0), threads
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = visible.split(",") if visible else [str(i) for i in range(gpus)]
    return Processes(workers, tuple(names[i % gpus] for i in range(workers)) if gpus else ()), (
        threads
    )


def _conclude(grid: Grid, board: Board, as_json: bool) -> None:
    import json

    from livr.analysis.ablate.results import RESULTS
    from livr.analysis.compare import compare
    from livr.analysis.compare_mean import means
    from livr.analysis.compare_outcomes import read_outcomes
    from livr.cli.comparison import print_lines, print_means

    file = board.out / RESULTS
    found, failed = read_outcomes([file])
    try:
        if as_json:
            print_json(json.loads(file.read_text("utf-8")))
        elif found:
            print_lines(compare(found, grid.baseline), grid.baseline, failed)
            print_means(means(found, grid.baseline), grid.baseline)
        note(f"{file}: every cell. livr compare {board.out} prints this again.")
    finally:  # What failed is said, whether or not the rest can be compared.
        if board.failed:
            complain(_failures(board))
    if board.failed:
        raise typer.Exit(FAILED_CELLS)


def _failures(board: Board) -> str:
    """What failed and why, one cell per line."""
    failed = [cell for cell in board.cells if cell.folder in board.failed]
    lines = [f"{len(failed)} cell(s) failed; the same command tries again"]
    for cell in failed:
        log = board.folder(cell) / "log.txt"
        lines.append(f"  {cell.name}: {board.failed[cell.folder]} ({log})")
    return "\n".join(lines)
