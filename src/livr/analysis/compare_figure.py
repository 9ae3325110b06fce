"""The forest plot: every difference to the reference with its interval, the means below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from livr.analysis import REFERENCE
from livr.analysis.compare import Line, label
from livr.analysis.compare_mean import Means
from livr.analysis.figures import GRID, INK, METHODS, MUTED, STYLE, as_svg
from livr.evaluate.stats import Interval
from livr.files import whole_file

_PRINTED = {INK: "#1d1c1a", MUTED: "#6d6962", GRID: "#e3dfd6"}
_PRINTED |= {METHODS["sft"]: "#2f6db3", METHODS["livr"]: "#c4511d"}

WRITTEN = b"Matplotlib"
"""What every figure holds: matplotlib says in it that it drew it. A photograph does not."""

Row = tuple[str, str, float, Interval]
"""Heading of its group, name of the method, difference, interval."""


def forest_svg(rows: Sequence[Row], reference: str = REFERENCE) -> str | None:
    """The plot for a page, its colours the page's; None if nothing was compared."""
    figure = _forest(rows, reference, {})
    return None if figure is None else as_svg(figure)


def write_forest(path: Path, rows: Sequence[Row], reference: str) -> bool:
    """Write the plot as PNG, PDF or SVG, by the file's name.

    Returns:
        False, and no file, if nothing was compared.
    """
    figure = _forest(rows, reference, _PRINTED)
    if figure is None:
        return False
    with whole_file(path) as partial:
        kind = path.suffix.removeprefix(".").lower()
        figure.savefig(partial, format=kind, dpi=160, facecolor="white")
    return True


def rows_of(lines: Sequence[Line], means: Means) -> list[Row]:
    """What is drawn, from top to bottom."""
    rows = [
        (label(line.task), line.method, line.against.delta, line.effect)
        for line in lines
        if line.against is not None and line.effect is not None
    ]
    counts = {len(mean.tasks) for mean in means.lines}
    for mean in means.lines:
        size = len(mean.tasks)
        head = f"mean of {size} tasks" if len(counts) == 1 else "mean"
        rows.append((head, mean.method, mean.delta, mean.effect))
    return rows


def _forest(rows: Sequence[Row], reference: str, colours: Mapping[str, str]) -> Any:
    import matplotlib
    from matplotlib.figure import Figure

    if not rows:
        return None
    style = {k: colours.get(v, v) if isinstance(v, str) else v for k, v in STYLE.items()}
    heads = list(dict.fromkeys(row[0] for row in rows))
    places, y = [], 0.0
    for i, row in enumerate(rows):
        y += 1.0 if i == 0 or rows[i - 1][0] == row[0] else 1.7
        places.append(-y)
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(7.2, 0.9 + 0.27 * y), layout="constrained")
        axes = figure.subplots()
        axes.axvline(0, color=colours.get(INK, INK), linewidth=0.9)
        for (head, method, delta, interval), place in zip(rows, places, strict=True):
            colour = METHODS.get(method, MUTED)
            colour = colours.get(colour, colour)
            pooled = head.startswith("mean")
            ends = [100 * interval.low, 100 * interval.high]
            axes.plot(ends, [place, place], color=colour, linewidth=5 if pooled else 2.2,
                      alpha=0.35 if pooled else 0.6, solid_capstyle="round")  # fmt: skip
            marker = "D" if pooled else "o"
            axes.plot([100 * delta], [place], marker, color=colour, markersize=6.5)
        axes.set_yticks(places, [label(row[1]) for row in rows])
        axes.set_ylim(places[-1] - 0.8, places[0] + 0.8)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"accuracy minus {label(reference)}, percentage points, 95 % interval")
        for head in heads:
            first = next(p for row, p in zip(rows, places, strict=True) if row[0] == head)
            name = head[:1].upper() + head[1:]
            axes.text(1.01, first, name, transform=axes.get_yaxis_transform(), va="center",
                      color=colours.get(INK, INK), fontweight="bold")  # fmt: skip
    return figure
