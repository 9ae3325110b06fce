"""Figures as SVG text whose colours are CSS variables, so that they follow the page's theme."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import torch

from livr.analysis.runs import Point, Run
from livr.method.bottleneck import Policy, allowed
from livr.method.roles import Role

# Matplotlib wants colours, the page wants variables: each stands for one.
INK, MUTED, GRID = "#000001", "#000002", "#000003"
_VARIABLES = {INK: "var(--ink)", MUTED: "var(--muted)", GRID: "var(--rule)"}
METHODS = {"sft": "#000004", "livr": "#000005"}
_VARIABLES |= {colour: f"var(--{method})" for method, colour in METHODS.items()}

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "livr",
    "font.size": 11,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}


def learning_curves(runs: Sequence[Run], measure: str) -> str | None:
    """One measure over the epochs of several runs, the switch of stage marked.

    Args:
        runs: Runs of one task; each method has its colour, each seed its line.
        measure: `loss` or `val_accuracy`.

    Returns:
        An SVG element, or None if no run has the measure.
    """
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    curves = [(run, getattr(run, measure)) for run in runs if getattr(run, measure)]
    if not curves:
        return None
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 3.1), layout="constrained")
        axes = figure.subplots()
        alone = len({run.method for run, _ in curves}) == len(curves)
        for run, points in curves:
            axes.plot(
                [p.epoch for p in points],
                [p.value for p in points],
                color=METHODS.get(run.method, MUTED),
                linewidth=2.0 if alone else 1.4,
                alpha=1.0 if alone else 0.65,
                marker="o" if measure == "val_accuracy" else None,
                markersize=3.5,
            )
        axes.set_xlabel("epoch")
        axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
        if measure == "val_accuracy":
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
            low, high = axes.get_ylim()
            axes.set_ylim(max(low, 0.0), min(high, 1.0))
        else:
            axes.set_ylim(bottom=0)
        for epoch in sorted({e for _, points in curves for e in switches(points)}):
            axes.axvline(epoch, color=INK, linewidth=0.9, linestyle=(0, (3, 3)))
            axes.text(epoch, 1.01, "stage 2", transform=axes.get_xaxis_transform(), color=MUTED)
        return as_svg(figure)


def switches(points: Sequence[Point]) -> list[float]:
    """Epochs at which a curve enters its next stage: the last point of each stage but the last.

    >>> switches([Point("stage1", 1, 0.5), Point("stage1", 2, 0.6), Point("stage2", 3, 0.7)])
    [2]
    """
    ends = [list(group)[-1].epoch for _, group in groupby(points, key=lambda p: p.stage)]
    return ends[:-1]


def as_svg(figure: Any) -> str:
    """A matplotlib figure as an SVG element, its colours turned into the page's variables."""
    import matplotlib

    buffer = io.StringIO()
    # Without these no block of metadata is written, so the page names no address at all.
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    # The style fixes the salt of names inside, so the same figure gives the same text.
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    return svg.replace("'DejaVu Sans'", "inherit").replace("<svg ", '<svg role="img" ', 1)


_SEQUENCE = (
    (Role.IMAGE, 6, "image"),
    (Role.PROMPT, 4, "question"),
    (Role.LATENT, 4, "latents"),
    (Role.ANSWER, 2, "answer"),
)


def mask(rule: Policy) -> str:
    """The attention mask of a short sequence as the code evaluates it.

    Args:
        rule: The policy.

    Returns:
        An SVG element; a filled cell says that its row may attend to its column.
    """
    roles = torch.tensor([[role for role, count, _ in _SEQUENCE for _ in range(count)]])
    open_QK = allowed(rule, roles)[0]
    tokens, cell, left, top = roles.shape[1], 16, 68, 24
    parts = []
    for q, k in ((q, k) for q in range(tokens) for k in range(tokens)):
        kind = Role(int(roles[0, k])).name.lower() if open_QK[q, k] else "shut"
        parts.append(f'<rect class="{kind}" x="{left + k * cell}" y="{top + q * cell}" '
                     f'width="{cell - 2}" height="{cell - 2}" rx="2"/>')  # fmt: skip
    start = 0
    for _, count, name in _SEQUENCE:
        middle = (start + count / 2) * cell
        parts.append(f'<text x="{left - 8}" y="{top + middle + 3}" text-anchor="end">{name}</text>')
        parts.append(f'<text x="{left + middle}" y="{top - 8}" text-anchor="middle">{name}</text>')
        start += count
    size = tokens * cell
    return (
        f'<svg class="mask" role="img" viewBox="0 0 {left + size + 8} {top + size}" '
        f'aria-label="attention mask, {rule.name}">{"".join(parts)}</svg>'
    )
