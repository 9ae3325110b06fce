"""The `livr` command.

Every verb lives in `livr/cli/<verb>.py` and is imported only when it is asked for. That file
offers either a function named like the verb or a sub-application named `app`. Nothing heavy is
imported at the top of these files, so `--help` answers at once.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from livr.cli.console import complain
from livr.errors import LivrError

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
    "mini",
    "env",
)
"""Every verb, in the order of `livr --help`."""

USER_ERROR, BUG, INTERRUPTED = 2, 1, 130


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


class Stopped(Exception):  # noqa: N818
    """Ctrl-C or SIGTERM, under a name that typer does not know: it would exit without a word."""


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


_ENDED = "killed by signal: Terminated"
"""What PyTorch says, wherever the command happens to be, when a scheduler's SIGTERM reaches a
process that loads data before it reaches the command."""


def explain(error: BaseException) -> int:
    """Print one message for an error and return the exit code.

    Args:
        error: What stopped the command.

    Returns:
        2 if the user can mend it, 130 after Ctrl-C, 1 for a bug of ours.
    """
    if isinstance(error, Stopped):
        complain(f"Stopped. {error}".strip())
        return INTERRUPTED
    if isinstance(error, KeyboardInterrupt) or _ENDED in f"{error} {error.__cause__}":
        complain("Stopped.")
        return INTERRUPTED
    if isinstance(error, LivrError):
        complain(str(error))
        return USER_ERROR
    from livr.train.disk import disk_fault

    fault = disk_fault(error)
    if fault is not None:
        complain(fault)
        return USER_ERROR
    kind = type(error).__name__
    if kind == "OutOfMemoryError":
        complain(
            f"{error}\nUse a smaller batch, fewer pixels per image or a smaller "
            "model. In training: optim.per_device=1, gradient_checkpointing=true, val_batch_size=1."
        )
        return USER_ERROR
    complain(
        f"{kind}: {error}\nThis is a bug in livr, not in your input. "
        "Set LIVR_DEBUG=1 to see where it happened, and report it."
    )
    return BUG


def hang_up(number: int, _frame: Any) -> None:
    """Stop as Ctrl-C does, once: shells send the signal again, which would stop the tidying up.

    Raises:
        KeyboardInterrupt: Always.
    """
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line: exit 0, 2 for an error the user can mend, 1 for a bug."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    # Pillow warns of pictures that livr refuses in a sentence of its own.
    warnings.filterwarnings("ignore", message="Image size .* exceeds limit")
    # A scheduler's SIGTERM stops a command as Ctrl-C does, and the processes it started with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # So does a terminal that is closed, unless nohup has it ignored. Windows has no such signal.
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, hang_up)
    # File names may hold bytes that are no text, and no output is worth a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except (Exception, KeyboardInterrupt) as error:
        if os.environ.get("LIVR_DEBUG") and not isinstance(error, LivrError | Stopped):
            raise
        sys.exit(explain(error))
