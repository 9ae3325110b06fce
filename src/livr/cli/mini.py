"""`livr mini`: the embedded model, what it is and how it is made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from livr.cli.console import JsonFlag, hush, print_fields, print_json, print_table, progress

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The embedded model.")


@app.command()
def info(
    name: Annotated[str, typer.Argument(help="Name of an embedded checkpoint.")] = "mini",
    as_json: JsonFlag = False,
) -> None:
    """Size, skills, curriculum, metrics and licence."""
    from livr.mini import checkpoint_dir
    from livr.mini.card import read_card
    from livr.mini.recipe import PretrainConfig

    card = read_card(name)
    if as_json:
        print_json(card.model_dump() | {"accuracy": card.accuracy})
        return
    recipe = PretrainConfig.model_validate(card.recipe)
    print_fields(
        {
            "name": card.name,
            "class": "Qwen3VLForConditionalGeneration (transformers)",
            "parameters": f"{card.parameters:,}",
            "folder": str(checkpoint_dir(name)),
            "recipe": f"size {recipe.size}, seed {recipe.seed}, "
            f"{recipe.first.tower_steps} steps of the tower, "
            f"{recipe.before + recipe.steps} of the decoder",
            "pictures": card.pictures,
            "licence": card.licence,
            "accuracy": f"{card.accuracy:.1%} of curriculum questions about held-out pictures",
        }
    )
    rows = [
        [skill, f"{right / asked:.1%}", str(asked)]
        for skill, (right, asked) in sorted(card.skills.items())
        if not skill.startswith("mc_")
    ]
    print_table(["skill", "right", "questions"], rows)


@app.command()
def pretrain(
    out: Annotated[Path, typer.Option("--out", help="Run folder; an unfinished run continues.")],
    size: Annotated[str, typer.Option("--size", help="mini or nano.")] = "mini",
    seed: Annotated[int, typer.Option("--seed", help="Seed of weights and curriculum.")] = 0,
    tower_steps: Annotated[
        int | None, typer.Option("--tower-steps", min=0, help="Steps of the vision tower alone.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, help="Only the decoder's first steps."),
    ] = None,
    decay: Annotated[
        int | None, typer.Option("--decay", min=1, help="Steps of falling rate at the end.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Rendering processes.")] = 1,
) -> None:
    """Rebuild the embedded model from a seed. Resumable."""
    from livr.mini.build import build_mini, drift
    from livr.mini.phases import PHASES, first_steps
    from livr.mini.pretrain import Report
    from livr.mini.recipe import PretrainConfig, shipped

    given = {"tower_steps": tower_steps, "decay": decay}
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if steps is None:
        config = shipped(size, seed=seed, **chosen)
    else:
        chosen["phases"] = first_steps(PHASES, steps)
        config = PretrainConfig(size=size, seed=seed, **chosen)
    tower = config.first.tower_steps
    with progress(tower + config.before + config.steps, "vision tower") as advance:
        hush()

        def listen_tower(step: int, loss: float) -> None:
            advance(step, f"vision tower, loss {loss:.3f}")

        def listen(report: Report) -> None:
            text = f"decoder, loss {report.loss:.3f}, {report.accuracy:.0%} right"
            advance(tower + report.step, text)

        card = build_mini(config, out, on_step=listen, on_tower=listen_tower, workers=workers)
    fields = {"checkpoint": str(out / "checkpoint"), "accuracy": f"{card.accuracy:.1%}"}
    apart = drift(out / "checkpoint", config)
    if apart is not None:
        far = f"{apart:.2%} of their length away; other threads and processors round otherwise"
        fields["shipped weights"] = far if apart else "the same, bit for bit"
    print_fields(fields)
