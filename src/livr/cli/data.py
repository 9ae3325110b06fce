"""`livr data`: build, check and look at data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livr.cli.console import JsonFlag, TrustFlag, hush, note, print_json, print_table, progress

if TYPE_CHECKING:
    from livr.data.check import TokenCounter
    from livr.data.example import Example

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Build, check, show data sets.")

Folder = Annotated[Path, typer.Argument(help="Data set folder with train.jsonl and images/.")]


@app.command()
def build(
    task: Annotated[str, typer.Argument(help="Name of a task, or all.")],
    source: Annotated[str, typer.Option(help="Folder of the public data set, or pool.")] = "pool",
    out: Annotated[Path | None, typer.Option(help="Folder to write (all: one per task).")] = None,
    train: Annotated[int, typer.Option(min=0, help="Training questions.")] = 1000,
    val: Annotated[int, typer.Option(min=0, help="Validation questions.")] = 250,
    test: Annotated[int, typer.Option(min=0, help="Test questions.")] = 250,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 0,
    prompts: Annotated[
        Path | None, typer.Option(help="BLINK folder whose wording is used instead of ours.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Build one of the paper's tasks from its public data set, or from the embedded images."""
    from livr.data.build import build_task
    from livr.data.pool.writers import WRITERS
    from livr.data.tasks import TASKS, get_task
    from livr.errors import ConfigError

    names = [name for name in TASKS if name in WRITERS]
    if task != "all":
        names = [get_task(task).name]
    if task == "all" and source != "pool":
        raise ConfigError("all works with --source pool; build the tasks of a data set one by one")
    target = out or Path("data") / task
    sizes = {"train": train, "val": val, "test": test}
    rows = []
    total = len(names) * sum(sizes.values())
    with progress(total, task) as advance:
        done = 0

        def tick(name: str, split: str, made: int, wanted: int) -> None:
            nonlocal done
            done += 1
            advance(done, f"{name} {split}")

        for name in names:
            folder = target / name if task == "all" else target
            manifest = build_task(name, source, folder, sizes, seed, overwrite, tick, prompts)
            rows.append({"out": str(folder), **manifest})
    if as_json:
        print_json(rows if task == "all" else rows[0])
        return
    _print_built(rows)


def _print_built(rows: list[dict[str, Any]]) -> None:
    cells = []
    for row in rows:
        counts = "/".join(str(n) for n in row["counts"].values())
        leaks = [name for name, score in row["shortcuts"].items() if not score["ok"]]
        cells.append([row["task"], counts, ", ".join(leaks) or "none", row["out"]])
    print_table(["task", "train/val/test", "shortcuts above chance", "folder"], cells)
    for row in rows:
        for split, wanted in row["wanted"].items():
            if row["counts"][split] < wanted:
                dropped = ", ".join(f"{k}: {v}" for k, v in row["dropped"][split].items())
                note(f"{row['task']} {split}: {row['counts'][split]} of {wanted} ({dropped})")


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
    report = check_folder(folder, counter)
    if as_json:
        problems = [{"file": p.file, "row": p.row, "message": p.message} for p in report.problems]
        print_json({"ok": not problems, "counts": report.counts, "problems": problems})
        if problems:
            raise typer.Exit(2)
        return
    report.raise_if_any(folder)
    counts = ", ".join(f"{n} {split}" for split, n in report.counts.items())
    typer.echo(f"{folder} is fine: {counts}; {report.images} images")


def _token_counter(name: str, trust_remote_code: bool) -> TokenCounter:
    """Connects the check with a model's own tokenizer and image processor."""
    import livr
    from livr.data.check import TokenCount

    model = livr.load(name, trust_remote_code=trust_remote_code)
    images = getattr(model.processor, "image_processor", None)
    patch, merge = getattr(images, "patch_size", None), getattr(images, "merge_size", None)

    class Counter:
        limit = int(model.hf.config.get_text_config().max_position_embeddings)
        pixels_per_token = (patch * merge) ** 2 if isinstance(patch, int) and merge else None

        def __call__(self, example: Example) -> TokenCount:
            encoded = model.encoder.encode(example)
            return TokenCount(len(encoded), encoded.num_image_tokens)

    return Counter()


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
        for path in write_show(folder, split, examples, out, count or 18, seed):
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
        from livr.evaluate.lmms_eval import write_task

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

    embed = thumbnail_embedding if clip is None else ClipEmbedder(clip)
    result = dedup_folder(folder, against, out, split, embed, overwrite)
    for name, count in result.counts.items():
        typer.echo(f"{name}: {count} kept, {result.removed[name]} removed")
