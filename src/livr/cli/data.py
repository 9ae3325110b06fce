"""`livr data`: build, check and look at data sets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livr.cli.console import JsonFlag, TrustFlag, hush, note, print_json
from livr.cli.data_build import build

if TYPE_CHECKING:
    from livr.data.check_length import TokenCounter
    from livr.data.example import Example

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Build, check, show data sets.")

Folder = Annotated[Path, typer.Argument(help="Data set folder with train.jsonl and images/.")]


app.command()(build)


@app.command()
def check(
    folder: Folder,
    model: Annotated[
        str | None, typer.Option(help="Also check that every row fits this model.")
    ] = None,
    trust_remote_code: TrustFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Find every problem of a data set before training: rows, images, splits, lengths."""
    from livr.data.check import check_folder

    counter = None if model is None else _token_counter(model, trust_remote_code)
    report = check_folder(folder, counter, judged=_judged)
    if as_json:
        problems = [{"file": p.file, "row": p.row, "message": p.message} for p in report.problems]
        found = {"counts": report.counts, "problems": problems, "notes": report.notes}
        print_json({"ok": not problems, **found})
        if problems:
            raise typer.Exit(2)
        return
    if not report.problems:
        counts = ", ".join(f"{n} {split}" for split, n in report.counts.items())
        typer.echo(f"{folder} is fine: {counts}; {report.images} images")
    for remark in report.notes:
        note(remark)
    report.raise_if_any(folder)


def _judged(example: Example) -> bool:
    """Whether the answer is judged right when a model gives it word for word."""
    from livr.evaluate.score import judge

    return judge(example, example.answer).correct


def _token_counter(name: str, trust_remote_code: bool) -> TokenCounter:
    """Connects the check with a model's own tokenizer and image processor."""
    import livr

    hush()
    return livr.load(name, trust_remote_code=trust_remote_code).length


@app.command()
def show(
    folder: Annotated[str, typer.Argument(help="Data set folder, or blink:DIR/Subset.")],
    split: Annotated[str, typer.Option(help="Which part of the data.")] = "train",
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path(),
    count: Annotated[
        int | None, typer.Option("--count", "--n", min=1, help="Questions; 18, with --tokens 1.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which questions are drawn.")] = 0,
    tokens: Annotated[
        bool, typer.Option("--tokens", help="Show what --model reads: tokens, roles, the mask.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(help="With --tokens: run, checkpoint or mini.")
    ] = None,
    latents: Annotated[
        int, typer.Option(min=0, help="With --tokens: add so many to a model without latents.")
    ] = 0,
    mask: Annotated[
        str | None,
        typer.Option(help="With --tokens: bottleneck or ordinary."),
    ] = None,
    trust_remote_code: TrustFlag = False,
) -> None:
    """Write a contact sheet (PNG and HTML) of questions, choices and answers.

    With --tokens: print questions token by token, coloured by role, and draw the mask (PNG).
    """
    from livr.data.show import sample, write_show
    from livr.data.store import load_split
    from livr.errors import ConfigError

    examples = load_split(folder, split)
    if not tokens:
        if model is not None or latents or mask is not None:
            raise ConfigError("--model, --latents and --mask are for --tokens")
        # The page is UTF-8, and a folder's name may hold bytes that are no text.
        title = os.fsencode(folder).decode(errors="backslashreplace")
        for path in write_show(title, split, examples, out, count or 18, seed):
            typer.echo(str(path))
        return
    if model is None:
        raise ConfigError("--tokens shows what a model reads: give --model RUN, CHECKPOINT or mini")
    from livr.cli.tokens import show_tokens
    from livr.model.load import load

    hush()
    asked = load(model, num_latents=latents, trust_remote_code=trust_remote_code)
    show_tokens(asked, sample(examples, count or 1, seed), mask, out)


@app.command()
def convert(
    source: Annotated[
        str, typer.Argument(help="LLaVA or ShareGPT JSON, csv, parquet, folder, hf:NAME[:SPLIT].")
    ],
    out: Annotated[Path, typer.Option(help="Data set folder to write.")],
    images: Annotated[
        Path | None, typer.Option(help="Where relative image paths start. Default: beside SOURCE.")
    ] = None,
    val: Annotated[float, typer.Option(help="Share of rows for validation.")] = 0.1,
    test: Annotated[float, typer.Option(help="Share of rows for test.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
) -> None:
    """Turn your data into a data set folder; rows with the same picture are divided together."""
    from livr.data.convert import convert as run

    manifest = run(source, out, images, val, test, seed, overwrite)
    counts = ", ".join(f"{n} {split}" for split, n in manifest["counts"].items())
    typer.echo(f"{out}: {counts}")
    for remark in manifest.get("notes", ()):
        note(remark)
    if "splits" in manifest:
        note(f"The splits are those of {source}; --val and --test divide rows without one.")


@app.command()
def export(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="Folder for one parquet file per split.")],
    lmms_eval: Annotated[
        bool, typer.Option("--lmms-eval", help="Write a task for lmms-eval's --include_path.")
    ] = False,
    split: Annotated[str, typer.Option(help="With --lmms-eval: part of the data.")] = "test",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
) -> None:
    """Write a data set as parquet, for `datasets.load_dataset`, or as a task for lmms-eval."""
    from livr.data.convert import export_parquet

    if lmms_eval:
        from livr.data.rows import is_unicode
        from livr.data.store import files_of
        from livr.data.target import spare_inputs
        from livr.errors import DataError
        from livr.evaluate.lmms_eval import write_task

        if not is_unicode(str(out.resolve())):
            raise DataError(
                f"--out {out} holds bytes that are no text, and the task names its own path in a "
                "text file; choose another --out"
            )
        spare_inputs(out, files_of(folder))
        typer.echo(f"{out}: task {write_task(folder, out, split, overwrite)}")
        return
    counts = export_parquet(folder, out, overwrite)
    typer.echo(f"{out}: {', '.join(f'{n} {split}' for split, n in counts.items())}")


@app.command()
def dedup(
    folder: Annotated[Path, typer.Argument(help="Data set to clean (train and val).")],
    against: Annotated[str, typer.Option(help="Data set folder or blink:DIR/Subset.")],
    out: Annotated[Path, typer.Option(help="Cleaned copy to write.")],
    split: Annotated[str, typer.Option(help="Split of --against.")] = "test",
    clip: Annotated[
        Path | None, typer.Option(help="CLIP checkpoint folder for the search of neighbours.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
) -> None:
    """Remove training rows that show a picture of a test set, even changed or mirrored."""
    from livr.data.dedup import ClipEmbedder, thumbnail_embedding
    from livr.data.dedup_folder import dedup_folder
    from livr.data.target import writable_target

    writable_target(out, overwrite, [folder] if clip is None else [folder, clip])
    embed = thumbnail_embedding if clip is None else ClipEmbedder(clip)
    result = dedup_folder(folder, against, out, split, embed, overwrite)
    for name, removed in result.removed.items():
        typer.echo(f"{name}: {result.counts.get(name, 0)} kept, {removed} removed")
        if name not in result.counts:
            note(f"{name}: no row remained, so {out} has no {name} split")
