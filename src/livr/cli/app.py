"""`livr app`: the playground, a page in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from livr.cli.console import TrustFlag, hush, note, progress

app = typer.Typer(add_completion=False)


@app.command()
def playground(
    model: Annotated[str, typer.Argument(help="Hub id, checkpoint or run folder, or mini.")],
    data: Annotated[
        str | None,
        typer.Option("--data", help="Data set folder; its first questions load with a click."),
    ] = None,
    split: Annotated[str, typer.Option("--split", help="Which part of the data.")] = "test",
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; this one is for you alone.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")
    ] = 7860,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in a browser.")
    ] = False,
    trust_remote_code: TrustFlag = False,
) -> None:
    """Try a model on your own pictures, in the browser."""
    from livr.app.serve import first_questions, is_private, need_gradio, need_port, serve

    need_gradio()
    need_port(host, port)
    with progress(1.0, "loading") as advance:
        hush()
        from livr.model.load import load

        examples = first_questions(data, split) if data is not None else []
        loaded = load(model, trust_remote_code=trust_remote_code)
        advance(1.0)
    if not is_private(host):
        note(f"Whoever reaches {host} can ask this model: the page has no password.")
    serve(
        loaded,
        model,
        examples,
        host=host,
        port=port,
        open_browser=open_browser,
        on_ready=lambda address: typer.echo(f"{address}  Ctrl-C stops it."),
    )
    note("Stopped.")
