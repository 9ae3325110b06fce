"""`livr train`: a recipe, a model and a data set give a run folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livr.cli.console import (
    JsonFlag,
    TrustFlag,
    hush,
    note,
    print_fields,
    print_json,
    progress,
    when_stopped,
)
from livr.recipes import FOLDER

if TYPE_CHECKING:
    from livr.config import TrainConfig

_SHIPPED = ", ".join(sorted(path.stem for path in FOLDER.glob("*.yaml")))
Recipe = Annotated[str, typer.Argument(help=f"A YAML file, or a shipped recipe: {_SHIPPED}.")]
ModelOption = Annotated[
    str | None, typer.Option("--model", help="Hub id, checkpoint folder, or mini.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data set folder with train.jsonl (and val.jsonl).")
]
OutOption = Annotated[Path | None, typer.Option("--out", help="Run folder; must not exist.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Change a setting, for instance optim.lr=2e-4; docs/settings.md has all. Repeatable.",
    ),
]


def train(
    recipe: Recipe,
    model: ModelOption = None,
    data: DataOption = None,
    out: OutOption = None,
    settings: SetOption = None,
    trust_remote_code: TrustFlag = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, show the plan, train nothing.")
    ] = False,
    gpu: Annotated[
        str | None,
        typer.Option("--gpu", help="With --dry-run: estimate for A100, H100 or RTX 6000 Ada too."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Train a model: direct fine-tuning, LIVR, one of its controls, or Mirage."""
    from livr.config import load_recipe
    from livr.errors import ConfigError
    from livr.recipes import find_shipped

    given = {
        "model": model,
        "data": data,
        "out": out,
        "trust_remote_code": trust_remote_code or None,
    }
    config = load_recipe(find_shipped(recipe), settings or (), **given)
    if config.data is None:
        raise ConfigError("no data set: give --data FOLDER with a train.jsonl in it")
    if config.out is None:
        from livr.train.folder import usual_out

        config = config.model_copy(update={"out": usual_out(config, config.data)})
    if gpu is not None and not dry_run:
        raise ConfigError("--gpu estimates for another machine; it needs --dry-run")
    if dry_run:
        show_plan(config, gpu, as_json, resume)
        return
    run(config, resume, as_json)


def run(config: TrainConfig, resume: bool, as_json: bool = False) -> None:
    """Train, with a bar and a summary in the first process; others are silent."""
    from livr.train.checkpoint import worth_resuming
    from livr.train.processes import is_first
    from livr.train.progress import Progress
    from livr.train.run import train as run_training

    hush()
    if not is_first():
        run_training(config, resume=resume)
        return

    def then() -> str:
        if config.out is not None and worth_resuming(config.out):
            return f"The same command with --resume continues the run in {config.out}."
        return "There was no checkpoint yet, so there is nothing to continue."

    with when_stopped(then), progress(1.0, "loading") as advance:

        def listen(state: Progress) -> None:
            advance(state.done / state.total, state.phase)

        done = run_training(config, resume=resume, on_progress=listen)
    if done.val_accuracy is None:
        note("No val.jsonl: the last checkpoint was kept.")
    if as_json:
        print_json(asdict(done) | {"path": str(done.path)})
        return
    fields = {
        "run": str(done.path),
        "method": done.method,
        "kept": f"epoch {done.best_epoch:g} of the last stage",
        "training": f"{done.train_seconds:.0f} s",
    }
    if done.val_accuracy is not None:
        fields["validation"] = f"{done.val_accuracy:.1%} right"
    print_fields(fields)


def show_plan(
    config: TrainConfig, gpu: str | None = None, as_json: bool = False, resume: bool = False
) -> None:
    """Print what a run would do and cost: stages, steps, what trains, time, memory."""
    note("Taking a few steps to estimate the cost; nothing is written ...")
    from livr.train.plan import plan_run

    hush()
    plan = plan_run(config, gpu, resume)
    if as_json:
        print_json(asdict(plan))
    else:
        print_fields(plan.fields())
