"""The tables of a comparison, for every command that prints one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from livr.cli.console import note, print_table

if TYPE_CHECKING:
    from livr.analysis.compare import Line
    from livr.analysis.compare_mean import Means
    from livr.analysis.compare_outcomes import Failed


def note_unknown(option: str, name: str, methods: Sequence[str], so: str) -> None:
    """Say that no run is of the method that an option names, where there are several to choose.

    Args:
        option: The option.
        name: What it names.
        methods: What there is.
        so: What is missing for that reason.
    """
    if name not in methods and len(methods) > 1:
        names = ", ".join(map(repr, methods))
        note(f"Nothing is called {name!r}, so {so}. {option}: {names}")


def print_lines(lines: Sequence[Line], reference: str, failed: Sequence[Failed] = ()) -> None:
    """Print the table of a comparison; cells without a result are rows of their own."""
    from livr.analysis.compare import label
    from livr.analysis.in_print import from_to, p_number, percent, points, span

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
                    from_to(line.ci95),
                    points(pair.delta) if pair else "–",
                    span(line.effect) if line.effect else "–",
                    p_number(line.p_holm) if line.p_holm is not None else "–",
                )
            )
            rows += _groups(line) + _blindfolded(line)
        missing = [cell for cell in failed if cell.task == task]
        rows += [(f"  {label(c.method)} {c.seed}", "no result", *[""] * 4) for c in missing]
    heads = ("", "accuracy", "95 % interval", "points", "interval", "p (Holm)")
    print_table(heads, rows, caption=_how(lines, reference))
    for task in tasks:
        _unpaired([line for line in lines if line.task == task], reference)


def _how(lines: Sequence[Line], reference: str) -> str:
    """How the columns came about."""
    from livr.analysis.compare import label

    shared = {line.task: line.sources for line in lines if line.sources}
    together = "; of other sources, where questions share some" if shared else ""
    counts = ", ".join(f"{label(task)} {count}" for task, count in shared.items())
    groups = dict.fromkeys(line.groups.label for line in lines if line.groups)
    return "\n".join(
        [
            f"points: difference to {label(reference)} on the same questions, with a paired test;",
            f"interval: bootstrap over seeds and questions{together}",
            *([f"sources: {counts}"] if shared else []),
            *(f"{name}: right if all of their questions are" for name in groups),
        ]
    )


def _unpaired(lines: Sequence[Line], reference: str) -> None:
    """Say where a difference rests on fewer seeds than the accuracies beside it."""
    from livr.analysis.compare import label

    base = next((line for line in lines if line.method == reference), None)
    if base is None:
        return
    for line in lines:
        shared = line.against.seeds if line.against else 0
        so = f"over the {shared} they share" if shared else "missing, since they share none"
        if line is not base and shared < max(line.seeds, base.seeds):
            note(
                f"{label(line.task)}: {label(line.method)} has {line.seeds} seed(s), "
                f"{label(reference)} {base.seeds}; the difference is {so}."
            )


def _groups(line: Line) -> list[tuple[str, ...]]:
    """How many groups of questions are right as a whole, where some count only together."""
    from livr.analysis.in_print import from_to, percent

    found = line.groups
    if found is None:
        return []
    share = percent(found.accuracy)
    return [(f"    {found.n} {found.label}", share, from_to(found.ci95), *[""] * 3)]


def _blindfolded(line: Line) -> list[tuple[str, ...]]:
    """What is right under the bottleneck rule, where a grid asked for it."""
    from livr.analysis.in_print import from_to, percent

    if line.blindfolded is None or line.blindfolded_ci95 is None:
        return []
    span = from_to(line.blindfolded_ci95)
    return [("    blindfolded", percent(line.blindfolded), span, *[""] * 3)]


def print_means(total: Means, reference: str) -> None:
    """Print the means over tasks, if there are any."""
    from livr.analysis.compare import label
    from livr.analysis.in_print import p_number, percent, points, span

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
        note(
            f"Not in the means, because {label(reference)} is not above chance there, nor what "
            f"stands beside it: {names}."
        )
