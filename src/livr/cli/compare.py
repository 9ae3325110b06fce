"""`livr compare`: runs side by side, tested on the same questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livr.cli.console import JsonFlag, note, print_json, print_table
from livr.errors import ConfigError

if TYPE_CHECKING:
    from livr.analysis.compare import Line
    from livr.analysis.compare_mean import Means
    from livr.analysis.compare_outcomes import Failed, Outcomes
    from livr.evaluate.stats import Interval

RunsArgument = Annotated[
    list[Path], typer.Argument(metavar="RUN...", help="Run folders, or a folder that holds them.")
]
ReferenceOption = Annotated[
    str, typer.Option("--reference", help="The method that the others are compared with.")
]


def compare(
    runs: RunsArgument,
    reference: ReferenceOption = "sft",
    figure: Annotated[
        Path | None, typer.Option("--figure", help="Also draw a forest plot: .png, .pdf or .svg.")
    ] = None,
    paper: Annotated[
        str | None, typer.Option("--paper", help="Print beside a published table, e.g. table1.")
    ] = None,
    backbone: Annotated[
        str | None, typer.Option("--backbone", help="With --paper: which of its models.")
    ] = None,
    keep_all: Annotated[
        bool, typer.Option("--all-tasks", help="Tasks at chance count in the means too.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Compare evaluated runs, or a grid: accuracy, intervals, paired tests."""
    if figure is not None and figure.suffix not in (".png", ".pdf", ".svg"):
        raise ConfigError(f"--figure {figure}: give a name that ends in .png, .pdf or .svg")
    from livr.analysis.compare import compare as compare_runs
    from livr.analysis.compare import results
    from livr.analysis.compare_mean import means
    from livr.analysis.compare_outcomes import read_outcomes

    found, failed = read_outcomes(runs, subsets=paper is not None)
    lines = compare_runs(found, reference)
    total = means(found, reference, keep_all=keep_all)
    methods = list(dict.fromkeys(line.method for line in lines))
    if reference not in methods and len(methods) > 1:
        names = ", ".join(map(repr, methods))
        note(f"Nothing is called {reference!r}, so there are no differences. --reference: {names}")
    if paper is not None:
        _beside(found, lines, paper, backbone, reference, as_json)
    elif as_json:
        value = results(found, reference)
        value["summary"] |= {
            "means": [asdict(line) for line in total.lines],
            "at_chance": list(total.left_out),
        }
        print_json(value | {"failed": [asdict(cell) for cell in failed]})
    else:
        print_comparison(found, failed, reference, keep_all=keep_all)
    if figure is not None:
        from livr.analysis.compare_figure import rows_of, write_forest

        drawn = write_forest(figure, rows_of(lines, total), reference)
        note(f"{figure}: the differences." if drawn else "Nothing was compared: no figure.")


def print_comparison(
    runs: Sequence[Outcomes],
    failed: Sequence[Failed],
    reference: str,
    *,
    keep_all: bool = False,
) -> None:
    """Print the table of tasks, the means, and what is missing."""
    from livr.analysis.compare import compare as compare_runs
    from livr.analysis.compare_mean import means

    print_lines(compare_runs(runs, reference), reference, failed)
    print_means(means(runs, reference, keep_all=keep_all), reference)


def print_lines(lines: Sequence[Line], reference: str, failed: Sequence[Failed] = ()) -> None:
    """Print the table of a comparison; cells without a result are rows of their own."""
    from livr.analysis.compare import label
    from livr.analysis.report import p_number, percent, points

    rows: list[tuple[str, ...]] = []
    tasks = dict.fromkeys([*(line.task for line in lines), *(cell.task for cell in failed)])
    for task in tasks:
        own = [line for line in lines if line.task == task]
        count = f", {own[0].n} questions" if own else ""
        rows.append((label(task) + count, *[""] * 5))
        for line in own:
            pair = line.against
            rows.append(
                (
                    f"  {label(line.method)}" + (f" ×{line.seeds}" if line.seeds > 1 else ""),
                    percent(line.accuracy),
                    _from_to(line.ci95),
                    points(pair.delta) if pair else "–",
                    span(line.effect) if line.effect else "–",
                    p_number(line.p_holm) if line.p_holm is not None else "–",
                )
            )
            rows += _groups(line) + _blindfolded(line)
        missing = [cell for cell in failed if cell.task == task]
        rows += [(f"  {label(c.method)} {c.seed}", "no result", *[""] * 4) for c in missing]
    heads = ("", "accuracy", "95 % interval", "points", "interval", "p (Holm)")
    labels = dict.fromkeys(line.groups.label for line in lines if line.groups)
    together = "".join(f"\n{name}: right if all of their questions are" for name in labels)
    print_table(heads, rows, caption=(
        f"points: difference to {label(reference)} on the same questions, exact paired test;\n"
        "interval: bootstrap over seeds and questions" + together
    ))  # fmt: skip
    for task in tasks:
        _unpaired([line for line in lines if line.task == task], reference)


def _unpaired(lines: Sequence[Line], reference: str) -> None:
    """Say where a difference rests on fewer seeds than the accuracies beside it."""
    from livr.analysis.compare import label

    base = next((line for line in lines if line.method == reference), None)
    if base is None:
        return
    for line in lines:
        shared = line.against.seeds if line.against else 0
        if line is not base and shared < max(line.seeds, base.seeds):
            note(
                f"{label(line.task)}: {label(line.method)} has {line.seeds} seed(s), "
                f"{label(reference)} {base.seeds}; the difference is over the {shared} they share."
            )


def _groups(line: Line) -> list[tuple[str, ...]]:
    """How many groups of questions are right as a whole, where some count only together."""
    from livr.analysis.report import percent

    found = line.groups
    if found is None:
        return []
    share = percent(found.accuracy)
    return [(f"    {found.n} {found.label}", share, _from_to(found.ci95), *[""] * 3)]


def _blindfolded(line: Line) -> list[tuple[str, ...]]:
    """What is right under the bottleneck rule, where a grid asked for it."""
    from livr.analysis.report import percent
    from livr.evaluate.stats import wilson

    if line.blindfolded is None:
        return []
    found = wilson(line.blindfolded * line.n, line.n)
    return [
        ("    blindfolded", percent(line.blindfolded), _from_to((found.low, found.high)), *[""] * 3)
    ]


def _from_to(ci95: tuple[float, float]) -> str:
    return f"{100 * ci95[0]:.1f} – {100 * ci95[1]:.1f}"


def print_means(total: Means, reference: str) -> None:
    """Print the means over tasks, if there are any."""
    from livr.analysis.compare import label
    from livr.analysis.report import p_number, percent, points

    rows = [
        (
            label(line.method),
            f"{len(line.tasks)}, ahead on {line.ahead}",
            percent(line.accuracy),
            points(line.delta),
            span(line.effect),
            p_number(line.p_holm),
        )
        for line in total.lines
    ]
    if rows:
        heads = ("mean", "tasks", "accuracy", "points", "interval", "p (Holm)")
        caption = "interval: bootstrap over tasks, seeds and questions"
        print_table(heads, rows, caption=caption)
    if total.left_out:
        names = ", ".join(map(label, total.left_out))
        note(f"Not in the means, because {label(reference)} is not above chance there: {names}.")


def span(interval: Interval) -> str:
    """An interval of a difference for print, in percentage points."""
    from livr.analysis.report import points

    return f"{points(interval.low)} – {points(interval.high)}"


def _beside(
    runs: Sequence[Outcomes],
    lines: Sequence[Line],
    table: str,
    backbone: str | None,
    reference: str,
    as_json: bool,
) -> None:
    from livr.analysis.compare import label
    from livr.analysis.paper.column_mean import column_means
    from livr.analysis.paper.published import beside, find_table
    from livr.analysis.report import percent, points

    published = find_table(table)
    column = published.column(backbone, [run.model for run in runs])
    found = beside(
        lines, published, column, column_means(runs, published.means, reference), reference
    )
    if as_json:
        rows = [asdict(row) for row in found]
        print_json({"table": published.name, "backbone": column, "rows": rows})
        return
    rows_text: list[tuple[str, ...]] = []
    for i, row in enumerate(found):
        if i == 0 or found[i - 1].task != row.task:
            rows_text.append((label(row.task), *[""] * 6))
        rows_text.append(
            (
                f"  {label(row.method)}",
                percent(row.paper),
                percent(row.ours) if row.ours is not None else "–",
                points(row.difference) if row.difference is not None else "–",
                span(row.interval) if row.interval else "–",
                points(row.paper_gain) if row.paper_gain is not None else "–",
                f"{points(row.our_gain)} ({span(row.gain_interval)})"
                if row.our_gain is not None and row.gain_interval
                else "–",
            )
        )
    heads = ("", "paper", "ours", "ours − paper", "interval", "gain, paper", "gain, ours")
    caption = (
        f"{published.title}, {column}. gain: over {label(reference)}. The paper's test sets and "
        "models are its own: compare gains first, accuracies only on the same data and model."
    )
    print_table(heads, rows_text, caption=caption)
    for row in found:
        if row.missing:
            sets = published.means[row.task]
            parts = ", ".join(f"{name} (BLINK {sets[name]})" for name in row.missing)
            note(
                f"{label(row.task)}, {label(row.method)}: a mean over {len(sets)} test sets; "
                f"no result on {parts}."
            )
