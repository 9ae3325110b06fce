"""`livr predict`: one question about one or more images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livr.cli.console import (
    CompressFlag,
    JsonFlag,
    NumLatents,
    TrustFlag,
    hush,
    print_json,
    which_latents,
)


def predict(
    model: Annotated[str, typer.Argument(help="Hub id, checkpoint or run folder, or mini.")],
    image: Annotated[
        list[Path], typer.Option("--image", help="An image file. Repeat for several, in order.")
    ],
    question: Annotated[str, typer.Option("--question", help="What to ask.")],
    choice: Annotated[
        list[str] | None, typer.Option("--choice", help="An option to choose from. Repeatable.")
    ] = None,
    mask: Annotated[str, typer.Option("--mask", help="Attention rule.")] = "ordinary",
    num_latents: NumLatents = None,
    compress: CompressFlag = False,
    trust_remote_code: TrustFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Ask a model one question."""
    from livr.errors import ConfigError

    if not question.strip():
        raise ConfigError("--question is empty")
    from livr.evaluate.predict import predict as ask

    hush()
    use = which_latents("keep", num_latents)
    options = {"compress": compress, "trust_remote_code": trust_remote_code}
    answer = ask(model, image, question, choice or None, mask=mask, latents=use, **options)
    if as_json:
        print_json({"answer": answer.answer, "text": answer.text})
        return
    typer.echo(answer.text)
    if choice and answer.answer:
        typer.echo(f"({answer.answer}) {choice[ord(answer.answer) - ord('A')]}")
