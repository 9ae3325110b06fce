"""`livr mini`: the embedded model, what it is and how it is made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livr.cli.console import (
    GOES_ON,
    JsonFlag,
    hush,
    print_fields,
    print_json,
    print_table,
    progress,
    when_stopped,
)

if TYPE_CHECKING:
    from livr.mini.pretrain import Report

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The embedded model.")


OutOption = Annotated[Path, typer.Option("--out", help="Run folder; an unfinished run continues.")]
TowerStepsOption = Annotated[
    int | None, typer.Option("--tower-steps", min=0, help="Steps of the vision tower alone.")
]
StepsOption = Annotated[
    int | None, typer.Option("--steps", min=1, help="Only the decoder's first steps.")
]
WorkersOption = Annotated[int, typer.Option("--workers", min=0, help="Rendering processes.")]


@contextmanager
def _watched(tower: int, decoder: int) -> Iterator[dict[str, Any]]:
    """Progress over both parts of a training; yields who listens to them."""
    with when_stopped(GOES_ON), progress(tower + decoder, "vision tower") as advance:
        hush()

        def on_tower(step: int, loss: float) -> None:
            advance(step, f"vision tower, loss {loss:.3f}")

        def on_step(report: Report) -> None:
            text = f"decoder, loss {report.loss:.3f}, {report.accuracy:.0%} right"
            advance(tower + report.step, text)

        yield {"on_tower": on_tower, "on_step": on_step}


@app.command()
def info(
    name: Annotated[
        str, typer.Argument(help="An embedded checkpoint, or a checkpoint folder made here.")
    ] = "mini",
    as_json: JsonFlag = False,
) -> None:
    """Size, skills, curriculum, metrics and licence."""
    from livr.mini.card import card_folder, read_card
    from livr.mini.recipe import PretrainConfig

    card = read_card(name)
    if as_json:
        print_json(card.model_dump() | {"accuracy": card.accuracy})
        return
    recipe, folder = PretrainConfig.model_validate(card.recipe), card_folder(name)
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    architecture = settings["architectures"][0]
    grafted = f" ({recipe.size}'s, taught again)" if recipe.start_from else ""
    print_fields(
        {
            "name": card.name,
            "class": f"{architecture} (transformers)",
            "parameters": f"{card.parameters:,}",
            "folder": str(folder),
            "recipe": f"size {recipe.size}, seed {recipe.seed}, "
            f"{recipe.first.tower_steps} steps of the tower{grafted}, "
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
    out: OutOption,
    size: Annotated[str, typer.Option("--size", help="mini or nano.")] = "mini",
    seed: Annotated[int, typer.Option("--seed", help="Seed of weights and curriculum.")] = 0,
    tower_steps: TowerStepsOption = None,
    steps: StepsOption = None,
    decay: Annotated[
        int | None, typer.Option("--decay", min=1, help="Steps of falling rate at the end.")
    ] = None,
    workers: WorkersOption = 1,
) -> None:
    """Rebuild the embedded model from a seed. Resumable."""
    from livr.mini.build import build_mini, drift
    from livr.mini.phases import PHASES, first_steps
    from livr.mini.recipe import PretrainConfig, shipped

    given = {"tower_steps": tower_steps, "decay": decay}
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if steps is None:
        config = shipped(size, seed=seed, **chosen)
    else:
        chosen["phases"] = first_steps(PHASES, steps)
        config = PretrainConfig(size=size, seed=seed, **chosen)
    with _watched(config.first.tower_steps, config.before + config.steps) as listeners:
        card = build_mini(config, out, workers=workers, **listeners)
    fields = {"checkpoint": str(out / "checkpoint"), "accuracy": f"{card.accuracy:.1%}"}
    apart = drift(out / "checkpoint", config)
    if apart is not None:
        far = f"{apart:.2%} of their length away; other threads and processors round otherwise"
        fields["shipped weights"] = far if apart else "the same, bit for bit"
    print_fields(fields)


@app.command()
def graft(
    out: OutOption,
    decoder: Annotated[
        Path | None,
        typer.Option("--decoder", help="GGUF file of a Llama-type model; SmolLM2-135M if none."),
    ] = None,
    size: Annotated[str, typer.Option("--size", help="Whose tower: mini or nano.")] = "mini",
    seed: Annotated[int, typer.Option("--seed", help="Seed of what is new, and of lessons.")] = 0,
    tower_steps: TowerStepsOption = None,
    steps: StepsOption = None,
    workers: WorkersOption = 1,
) -> None:
    """Put a real language model behind the embedded vision tower. Resumable."""
    from livr.mini.decoder import decoder_file
    from livr.mini.graft import graft_recipe, make_graft
    from livr.mini.phases import GRAFTED, first_steps

    file = decoder_file(decoder)
    chosen: dict[str, Any] = {} if tower_steps is None else {"tower_steps": tower_steps}
    if steps is not None:
        chosen["phases"] = first_steps(GRAFTED, steps)
    config = graft_recipe(file, size, seed, **chosen)
    with _watched(config.tower_steps, config.steps) as listeners:
        folder = make_graft(config, file, out, workers=workers, **listeners)
    print_fields({"checkpoint": str(folder), "see": f"livr mini info {folder}"})
