"""The terminal: what every verb prints with.

Results go to stdout, everything else to stderr, so that `livr eval ... --json > file` works.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import typer

if TYPE_CHECKING:
    from rich.console import Console

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
"""The `--json` option, the same in every verb."""

TrustFlag = Annotated[
    bool, typer.Option("--trust-remote-code", help="Run the code that the checkpoint brings.")
]
"""The `--trust-remote-code` option, the same in every verb that loads a model."""

NumLatents = Annotated[
    int | None,
    typer.Option("--num-latents", min=1, help="Only the first so many latents; default all."),
]
"""The `--num-latents` option of verbs that ask a model."""


CompressFlag = Annotated[
    bool,
    typer.Option(
        "--compress",
        help="With --mask bottleneck: forget the images once the prompt is read. Same answers, "
        "less memory.",
    ),
]
"""The `--compress` option of verbs that ask a model."""


def which_latents(latents: str, num: int | None) -> Literal["keep", "drop"] | int:
    """What `--latents` and `--num-latents` ask for together.

    Raises:
        ConfigError: `latents` is neither keep nor drop, or contradicts `num`.
    """
    from livr.errors import ConfigError

    if latents not in ("keep", "drop"):
        raise ConfigError(f"--latents {latents}: choose keep or drop")
    if latents == "drop" and num is not None:
        raise ConfigError(f"--latents drop leaves none of them, --num-latents {num} keeps some")
    return "drop" if latents == "drop" else "keep" if num is None else num


def console(*, stderr: bool = False) -> Console:
    """A rich console on stdout, or on stderr for everything that is not a result."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=not sys.stdout.isatty())


def complain(message: str) -> None:
    """Print an error message in red on stderr; the first line is marked."""
    typer.secho(f"error: {message}", fg=typer.colors.RED, err=True)


def note(message: str) -> None:
    """Print a remark on stderr."""
    typer.secho(message, err=True)


def print_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False))


_ENDLESS = 10_000


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str | None = None
) -> None:
    """Print a table on stdout. Cells that look like numbers are aligned to the right.

    Words are wrapped before numbers. Where these do not fit either, a terminal gets numbers of
    several lines, and a file gets longer lines.

    Args:
        columns: One heading per column.
        rows: One string per column in each row.
        caption: Printed below the table.
    """
    from rich import box
    from rich.measure import Measurement
    from rich.table import Table

    screen = console()
    table = Table(
        caption=caption,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for i, name in enumerate(columns):
        numeric = bool(rows) and all(row[i][:1] in "0123456789+-–−<" for row in rows if row[i])
        cells = (name, *(row[i] for row in rows))
        table.add_column(
            name,
            justify="right" if numeric else "left",
            no_wrap=numeric,
            min_width=max(map(len if numeric else _longest_word, cells)),
            overflow="fold",
        )
    for row in rows:
        table.add_row(*row)
    least = Measurement.get(screen, screen.options.update(max_width=_ENDLESS), table).minimum
    if least > screen.width and screen.is_terminal:
        for column in table.columns:
            column.no_wrap, column.min_width = False, None
    screen.width = screen.width if screen.is_terminal else max(screen.width, least)
    screen.print(table)


def _longest_word(text: str) -> int:
    """Its length, with the indent of the line."""
    return len(text) - len(text.lstrip()) + max(map(len, text.split()), default=0)


def print_fields(fields: Mapping[str, str]) -> None:
    """Print names and values on stdout, one pair a line."""
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        typer.echo(f"{name:<{width}}  {value}")


@contextmanager
def when_stopped(then: str | Callable[[], str]) -> Iterator[None]:
    """Say how to go on, if the block is stopped by Ctrl-C.

    Args:
        then: One sentence, or what makes it when it is needed.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(then if isinstance(then, str) else then()) from stop


GOES_ON = "The same command goes on from what it had saved."
"""For `when_stopped`, of commands that need no --resume."""


def hush() -> None:
    """Stop transformers from drawing a bar of its own for every load; downloads keep theirs."""
    from transformers.utils import logging

    logging.disable_progress_bar()


class Advance(Protocol):
    """Tells a progress bar how far the work is."""

    def __call__(self, done: float, description: str | None = None) -> None: ...


@contextmanager
def progress(total: float, description: str) -> Iterator[Advance]:
    """One progress bar on stderr with the time gone and an estimate of the time left.

    Where stderr is no terminal, a line is printed whenever the description changes.

    Args:
        total: The whole work, in any unit.
        description: What is going on.

    Yields:
        A function `advance(done, description=None)`: `done` is the work finished so far.
    """
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield _Lines(total)
        return
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
        console=screen,
        # Long, because phases differ in speed.
        speed_estimate_period=120,
    )
    with bar:
        task = bar.add_task(description, total=total)

        def advance(done: float, description: str | None = None) -> None:
            bar.update(task, completed=done, description=description)

        yield advance


_MEASURED = re.compile(r"\d+\.\d+|\d+ ?%")
_PAUSE = 30
"""Seconds between two lines of one phase."""


class _Lines:
    """Progress for a log file: one line per phase, with the time gone and left.

    While only a loss or a share changes in the description, the phase is the same.
    """

    def __init__(self, total: float) -> None:
        self.total = total
        self.start = time.monotonic()
        self.said: str | None = None
        self.phase: str | None = None
        self.due = 0.0
        self.first: tuple[float, float] | None = None

    def __call__(self, done: float, description: str | None = None) -> None:
        if description is None or description == self.said:
            return
        now, share = time.monotonic(), done / self.total
        phase = _MEASURED.sub("", description)
        if phase == self.phase and now < self.due:
            return
        self.said, self.phase, self.due = description, phase, now + _PAUSE
        left = ""
        if self.first is None:
            self.first = (now, share)
        elif share > self.first[1] + 0.02:
            # Loading libraries is no measure of the work to come.
            rate = (share - self.first[1]) / (now - self.first[0])
            left = f", {_clock((1 - share) / rate)} left"
        note(f"{share:4.0%}  {_clock(now - self.start)} gone{left}  {description}")


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
