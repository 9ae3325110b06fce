"""Draws docs/evidence.svg and docs/experiments.svg, what the grids measured: python docs/forest.py

Reads evidence/*.json. The first figure is LIVR beside direct SFT on every task. The second is the
mean over tasks of the methods and settings that were tried on four tasks or more.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from picture import STYLE
from results import FEW, MAIN, Grid, paper_gains, read

from livr.analysis.compare import label
from livr.analysis.compare_figure import Row, forest_svg
from livr.analysis.compare_mean import means
from livr.evaluate.stats import Interval

DOCS = Path(__file__).parent
TRIED: tuple[tuple[str, tuple[str, ...], Mapping[str, str]], ...] = (
    ("Main table", MAIN, {"livr": "LIVR, three seeds"}),
    ("The halves, three seeds", (*MAIN, "controls"), {
        "latents_only": "latents, no bottleneck", "mask_only": "bottleneck, no latents",
    }),
    ("First stages, ours", (*MAIN, "warm", "warm-seeds", "plus", "plus-seeds"), {
        "livr_annealed": "annealed, three seeds", "livr_warm": "warm, three seeds",
        "livr_half_blind": "half blind",
    }),
    ("Fewer questions", FEW, {"livr": "1,000 ten times, three seeds"}),
    ("Fewer questions", ("few-250",), {"livr": "250 forty times"}),
    ("LoRA", ("lora", "lora-seeds"), {"livr": "LIVR, LoRA"}),
    ("Six tasks together", ("multitask",), {"livr": "LIVR, one model"}),
    ("Six tasks together", ("mixture",), {"livr": "counting three times"}),
    ("A smaller model", ("nano",), {"livr": "LIVR, nano"}),
)  # fmt: skip
"""Heading, grids, methods with their names there."""


def by_task(grid: Grid) -> list[Row]:
    """LIVR minus direct SFT on every task and in the mean. One method: the tasks name the rows."""
    rows = [
        ("task by task", label(task), line.against.delta, line.effect)
        for (task, method), line in grid.lines.items()
        if method == "livr" and line.against is not None and line.effect is not None
    ]
    (mean,) = [line for line in means(grid.outcomes, "sft").lines if line.method == "livr"]
    return [*rows, ("mean", f"{len(mean.tasks)} tasks", mean.delta, mean.effect)]


def published() -> list[Row]:
    """The paper's means of nine tasks, which have no intervals."""
    rows = []
    for backbone, gains in paper_gains().items():
        mean = sum(gains.values()) / len(gains) / 100
        name = f"{backbone} ({len(gains)} tasks)"
        rows.append(("The paper", name, mean, Interval(mean, mean)))
    return rows


def tried() -> list[Row]:
    """Methods and settings minus direct SFT, each in the mean of its tasks."""
    rows = published()
    for head, names, methods in TRIED:
        lines = {line.method: line for line in means(read(*names).outcomes, "sft").lines}
        for method, name in methods.items():
            line = lines[method]
            text = f"{name} ({len(line.tasks)} tasks)"
            rows.append((head, text, line.delta, line.effect))
    return rows


def figures() -> dict[str, str]:
    """Name of each file and its text."""
    drawn = {"evidence.svg": by_task(read(*MAIN)), "experiments.svg": tried()}
    return {name: _styled(rows) for name, rows in drawn.items()}


def _styled(rows: list[Row]) -> str:
    svg = forest_svg(rows)
    assert svg is not None
    return svg.replace(">", f"><style>{STYLE}</style>", 1)


def main() -> None:
    """Draw the figures."""
    for name, svg in figures().items():
        (DOCS / name).write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
