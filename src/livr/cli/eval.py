"""`livr eval`: accuracy of a model on a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from livr.cli.console import (
    CompressFlag,
    JsonFlag,
    NumLatents,
    TrustFlag,
    hush,
    note,
    print_fields,
    print_json,
    print_table,
    progress,
    which_latents,
)

if TYPE_CHECKING:
    from livr.evaluate.run import Evaluation
    from livr.evaluate.score import GroupScore, Score


def eval(
    model: Annotated[str, typer.Argument(help="Hub id, checkpoint or run folder, or mini.")],
    data: Annotated[str, typer.Option("--data", help="Data set folder.")],
    split: Annotated[str, typer.Option("--split", help="Which part of the data.")] = "test",
    mask: Annotated[
        str, typer.Option("--mask", help="Attention rule: ordinary, or bottleneck (blindfolded).")
    ] = "ordinary",
    latents: Annotated[
        str, typer.Option("--latents", help="keep them in the prompt, or drop them.")
    ] = "keep",
    num_latents: NumLatents = None,
    compress: CompressFlag = False,
    rank: Annotated[
        bool,
        typer.Option(
            "--rank", help="Take the likeliest of the known answers, not what the model writes."
        ),
    ] = False,
    subset: Annotated[
        str | None, typer.Option("--subset", help="One part of a benchmark: blink:DIR has several.")
    ] = None,
    # Text, not a Path, which would turn the folder `new/` into a file called `new`.
    out: Annotated[
        str | None, typer.Option("--out", metavar="PATH", help="File for the result (JSON).")
    ] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1)] = 32,
    trust_remote_code: TrustFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Measure accuracy of generated answers (or of ranked ones), with a 95 % interval."""
    use = which_latents(latents, num_latents)
    data = _with_subset(data, subset)
    from livr.evaluate.run import evaluate

    with progress(1.0, "answering") as advance:
        hush()
        result = evaluate(
            model,
            data,
            split,
            mask=mask,
            latents=use,
            out=out,
            batch_size=batch_size,
            compress=compress,
            rank=rank,
            trust_remote_code=trust_remote_code,
            on_progress=lambda done, total: advance(done / total),
        )
    if result.kept_out is not None:
        note(
            f"Nothing may be written in {result.kept_out}, so its predictions and scores are as "
            f"they were. The result is in {out}."
        )
    if as_json:
        print_json(result.summary())
        return
    _print(result)


def _with_subset(data: str, subset: str | None) -> str:
    from livr.errors import ConfigError

    if subset is None:
        return data
    if not data.startswith("blink:"):
        raise ConfigError(f"--subset {subset}: only blink:DIR has subsets")
    return f"{data.rstrip('/')}/{subset}"


def _print(result: Evaluation) -> None:
    score = result.score
    print_fields(
        {
            "model": result.model,
            "data": f"{result.data}, {result.split} split",
            "rule": f"{result.mask} mask, latents: {result.latents}"
            + (", images forgotten after the prompt" if result.compress else "")
            + (", the likeliest of the known answers" if result.rank else ""),
            "accuracy": f"{score.accuracy:.1%} ({score.correct} of {score.n})",
            "95 % interval": f"{score.ci95[0]:.1%} to {score.ci95[1]:.1%}",
            **_by_source(score),
            "unreadable": f"{score.unparsed:.1%}",
            **_groups(score),
            **({"mean of subsets": f"{result.mean:.1%}"} if result.subsets else {}),
        }
    )
    if result.subsets:
        print_table(
            ["subset", "questions", "accuracy", "95 % interval", "unreadable"],
            [row for name, part in result.subsets.items() for row in _rows(name, part)],
        )


def _by_source(score: Score) -> dict[str, str]:
    """What is said where questions share what is behind their pictures."""
    found = score.by_source
    if found is None:
        return {}
    low, high = found.ci95
    return {"other sources": f"{low:.1%} to {high:.1%} (the questions share {found.n})"}


def _groups(score: Score) -> dict[str, str]:
    """What is said of questions that count only together, if there are any."""
    groups = score.groups
    if groups is None:
        return {}
    share = f"{groups.accuracy:.1%} ({round(groups.accuracy * groups.n)} of {groups.n})"
    low, high = groups.ci95
    return {
        f"{groups.label} all right": f"{share}, 95 % interval {low:.1%} to {high:.1%}",
    }


def _rows(name: str, part: Score) -> list[list[str]]:
    """The line of a subset, and one of its groups, if there are any."""
    shares: list[tuple[str, Score | GroupScore, str]] = [(name, part, f"{part.unparsed:.1%}")]
    if part.groups is not None:
        shares.append((f"  {part.groups.label} all right", part.groups, ""))
    return [
        [label, str(x.n), f"{x.accuracy:.1%}", f"{x.ci95[0]:.1%} to {x.ci95[1]:.1%}", unread]
        for label, x, unread in shares
    ]
