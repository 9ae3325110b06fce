"""The verbs of `livr`.

Every verb lives in `livr/cli/<verb>.py` and is imported only when it is asked for. That file
offers either a function named like the verb or a sub-application named `app`. Nothing heavy is
imported at the top of these files, so `--help` answers at once.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from livr.cli.stop import Stopped

VERBS = (
    "demo",
    "data",
    "train",
    "eval",
    "predict",
    "compare",
    "ablate",
    "check",
    "audit",
    "explain",
    "report",
    "export",
    "app",
    "mini",
    "env",
)
"""Every verb, in the order of `livr --help`."""


def load_verb(verb: str) -> Any:
    """Import one verb and return its command.

    Args:
        verb: One of `VERBS`.
    """
    module = import_module(f"livr.cli.{verb}")
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False)
        app.command(name=verb)(getattr(module, verb))
    command = typer.main.get_command(app)
    command.name = verb
    return command


class LazyVerbs(TyperGroup):
    """A group whose commands are imported one by one, on demand."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [verb for verb in VERBS if find_spec(f"livr.cli.{verb}")]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return load_verb(cmd_name) if cmd_name in self.list_commands(ctx) else None

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            raise Stopped(str(stop)) from stop


app = typer.Typer(cls=LazyVerbs, add_completion=False, no_args_is_help=True)


def print_version(wanted: bool) -> None:
    if wanted:
        import livr

        typer.echo(f"livr {livr.__version__}")
        raise typer.Exit


@app.callback()
def livr(
    version: Annotated[
        bool,
        typer.Option("--version", callback=print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """LIVR: give a vision-language model a visual scratchpad, and see whether it helps."""
