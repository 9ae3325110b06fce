"""What a model reads, on the terminal: tokens coloured by role, and the mask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from livr.cli.console import console, print_table

if TYPE_CHECKING:
    from rich.text import Text

    from livr.analysis.tokens import Span
    from livr.data.example import Example
    from livr.model.model import Model


def show_tokens(model: Model, examples: Sequence[Example], mask: str | None, out: Path) -> None:
    """Print examples as the model reads them, and write `mask-<id>.png` for each into `out`.

    Args:
        model: Whose tokenizer, template and mask to show.
        examples: With answers.
        mask: Name of a policy; default: the bottleneck if there are latents, else ordinary.
        out: Folder for the pictures.
    """
    from livr.analysis.tokens import mask_picture, mask_table, spans
    from livr.files import whole_file

    rule = mask or ("bottleneck" if model.num_latents else "ordinary")
    out.mkdir(parents=True, exist_ok=True)
    for example in examples:
        parts = spans(model, example)
        # Drawn first, so that a wrong --mask prints nothing.
        picture = mask_picture(model, example, rule)
        lengths: Counter[str] = Counter()
        for span in parts:
            lengths[span.role.name.lower()] += span.length
        counts = ", ".join(f"{length} {name}" for name, length in lengths.items())
        typer.echo(f"{example.id} ({example.task}): {sum(lengths.values())} tokens: {counts}")
        for span in parts:
            console().print(coloured(span))
        heads, *rows = mask_table(model, example, rule)
        caption = f"{rule} mask: rows look, columns are looked at; c: what came before, -: hidden"
        print_table(heads, rows, caption=caption)
        file = out / f"mask-{_file_name(example.id)}.png"
        with whole_file(file) as partial:
            picture.save(partial, "PNG")
        typer.echo(f"{file}\n")


def coloured(span: Span) -> Text:
    """One span as a line: role, positions, and its tokens, every other one underlined."""
    from rich.text import Text

    from livr.analysis.tokens import COLOURS

    colour = COLOURS[span.role]
    places = f"{span.start}..{span.start + span.length - 1}"
    line = Text()
    line.append(f"{span.role.name:<7}", style=f"bold white on {colour}")
    line.append(f" {places:<9} ")
    for i, token in enumerate(span.tokens or (span.text,)):
        shown = repr(token)[1:-1]
        line.append(shown, style=f"{colour} underline" if i % 2 else colour)
    return line


def _file_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
