"""Puts what the grids measured into the pages of docs/: python docs/grids.py

Reads evidence/*.json (`livr ablate evidence/NAME.yaml --out DIR` writes NAME.json as
DIR/results.json) and fills the tables between the markers of the pages named in `BLOCKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import replaced, table
from cells import (
    each,
    elsewhere,
    forgotten,
    in_words,
    mean_points,
    measured,
    of_pairs,
    percent,
    points,
)
from experiments import (
    of_ablations,
    of_controls,
    of_few,
    of_forgotten,
    of_rates,
    of_softer,
    of_tuning,
    of_warm,
)
from results import FEW, MAIN, Grid, mean, paper_gains, read

from livr.analysis.compare import Line, label
from livr.analysis.compare_mean import means

DOCS = Path(__file__).parent
ABLATED = (*MAIN, "controls", "ablations", "ablations-seeds", "ours-seeds")
"""The grids that the ablations are taken from."""
SOFTER = (*MAIN, "plus", "plus-seeds")
"""The grids of the softer first stages; the annealed one has three seeds."""
WARM = (*MAIN, "warm", "warm-seeds")
"""The grids of LIVR after an ordinary stage."""
ROOM, CEILING = 0.10, 0.95
"""Direct SFT is to be so far above the most common answer, and below this accuracy."""


def verdict(line: Line, other: Line | None = None) -> str:
    """Whether a task leaves methods room to differ, by direct SFT and perhaps LIVR on it."""
    if line.ci95[0] <= line.floor and other and other.ci95[0] > other.floor:
        return "only LIVR is above chance"
    if line.accuracy < line.floor + ROOM:
        return "no: at chance" if line.ci95[0] <= line.floor else "little: near chance"
    return "yes" if line.accuracy < CEILING else "little: near the ceiling"


def of_methods(grid: Grid) -> str:
    """Every task: zero-shot, direct SFT, LIVR, their difference, and whether there is room."""
    rows = []
    for task in grid.tasks:
        zero, sft, livr = (grid.lines.get((task, m)) for m in ("zero_shot", "sft", "livr"))
        if sft is None:
            continue
        row = [label(task), percent(sft.floor), measured(zero), measured(sft), measured(livr)]
        rows.append([*row, points(livr), verdict(sft, livr)])
    head = ["task", "most common answer", "zero-shot", "direct SFT", "LIVR"]
    return table([*head, "LIVR minus direct SFT", "room for a comparison"], rows)


def of_paper(grid: Grid) -> str:
    """Every task: what LIVR gains over direct SFT, in the paper's three models and here."""
    published = paper_gains()
    rows = [
        [label(task), *(f"{gains[task]:+.1f}" for gains in published.values()),
         points(grid.lines[task, "livr"])]
        for task in grid.tasks
    ]  # fmt: skip
    row = ["mean", *(f"{mean(list(gains.values())):+.1f}" for gains in published.values())]
    ours = [line for line in means(grid.outcomes, "sft").lines if line.method == "livr"]
    rows.append([*row, *(f"{mean_points(line)}, {len(line.tasks)} tasks" for line in ours)])
    return table(["LIVR minus direct SFT", *published, "`mini`"], rows)


def of_means(grid: Grid) -> str:
    """The means over tasks beside direct SFT."""
    total = means(grid.outcomes, "sft")
    text = "".join(in_words(line, "sft") for line in total.lines)
    if total.left_out:
        text += f"Left out, both at chance: {', '.join(map(label, total.left_out))}.\n"
    return text


def of_latents(grid: Grid) -> str:
    """Every task: what LIVR answers through the latents alone, beside as trained."""
    rows = []
    for task in grid.tasks:
        livr = grid.lines.get((task, "livr"))
        if livr is None:
            continue
        kept, gain = livr.blindfolded, livr.accuracy - livr.floor
        clear = kept is not None and livr.ci95[0] > livr.floor
        row = [label(task), percent(livr.floor), percent(grid.after(task, "livr"))]
        row += [measured(livr), forgotten(livr)]
        rows.append([*row, f"{100 * (kept - livr.floor) / gain:.0f} %" if clear else "–"])
    head = ["task", "most common answer", "validation after stage 1", "as trained"]
    return table([*head, "bottleneck, image forgotten", "kept of the gain"], rows)


def of_mini(grid: Grid) -> str:
    """Every task: zero-shot, and direct SFT with every seed."""
    rows = []
    for task in grid.tasks:
        zero, sft = grid.lines[task, "zero_shot"], grid.lines[task, "sft"]
        best, test = zip(*grid.seeds[task, "sft"], strict=True)
        untrained = next(o for o in grid.outcomes if (o.task, o.method) == (task, "zero_shot"))
        row = [label(task), percent(sft.floor), measured(zero), elsewhere(untrained)]
        rows.append([*row, each(best), each(test), measured(sft), verdict(sft)])
    head = ["task", "most common answer", "zero-shot", "zero-shot, other photographs"]
    head += ["SFT on validation, every seed", "on test, every seed", "mean"]
    return table([*head, "room for a comparison"], rows)


def of_models(grids: Mapping[str, Grid]) -> str:
    """Both methods on several models, by their names: test accuracy on the first one's tasks."""
    rows = []
    for task in next(iter(grids.values())).tasks:
        found = [
            grid.lines.get((task, method)) for method in ("sft", "livr") for grid in grids.values()
        ]
        floor = next(line.floor for line in found if line is not None)
        rows.append([label(task), percent(floor), *map(measured, found)])
    methods = [f"{method}, {name}" for method in ("direct SFT", "LIVR") for name in grids]
    return table(["task", "most common answer", *methods], rows)


def of_mirage(grid: Grid) -> str:
    """Where rows have helper images: Mirage beside direct SFT and LIVR."""
    rows = []
    for task in grid.tasks:
        found = [grid.lines[task, method] for method in ("zero_shot", "sft", "livr", "mirage")]
        row = [label(task), percent(found[0].floor), *map(measured, found)]
        rows.append([*row, points(found[-1])])
    head = ["task", "most common answer", "zero-shot", "direct SFT", "LIVR", "Mirage"]
    return table([*head, "Mirage minus direct SFT"], rows)


BLOCKS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "evidence.md": {
        "methods": lambda: of_methods(read(*MAIN)),
        "means": lambda: of_means(read(*MAIN)),
        "paper": lambda: of_paper(read(*MAIN)),
        "latents": lambda: of_latents(read(*MAIN)),
    },
    "experiments.md": {
        "warm": lambda: of_warm(read(*WARM)),
        "warm means": lambda: of_pairs(read(*WARM), ("livr_warm", "sft"), ("livr_warm", "livr")),
        "softer": lambda: of_softer(read(*SOFTER)),
        "softer means": lambda: of_pairs(
            read(*SOFTER),
            ("livr_half_blind", "sft"),
            ("livr_half_blind", "livr"),
            ("livr_annealed", "sft"),
            ("livr_annealed", "livr"),
        ),
        "rates": lambda: of_rates(
            read("table1-pool", "rates"),
            *("sft", "sft_half_rate", "livr", "livr_half_rate", "livr_slow_first"),
        ),
        "few": lambda: of_few(read(*MAIN), read(*FEW), read("few-250")),
        "few means": lambda: of_pairs(read(*FEW), ("livr", "sft")),
        "few warm": lambda: of_warm(read("few", "few-warm")),
        "few warm means": lambda: of_pairs(
            read("few", "few-warm"), ("livr_warm", "sft"), ("livr_warm", "livr")
        ),
        "fewer means": lambda: of_pairs(read("few-250"), ("livr", "sft")),
        "controls": lambda: of_controls(read(*MAIN, "controls")),
        "control means": lambda: of_pairs(
            read(*MAIN, "controls"),
            ("mask_only", "sft"),
            ("latents_only", "sft"),
            ("livr", "mask_only"),
            ("livr", "latents_only"),
        ),
        "ablations": lambda: of_ablations(read(*ABLATED)),
        "ablations forgotten": lambda: of_forgotten(read(*ABLATED)),
        "multitask": lambda: of_methods(read("multitask")),
        "multitask means": lambda: of_means(read("multitask")),
        "mixture": lambda: of_methods(read("mixture")),
        "mixture means": lambda: of_means(read("mixture")),
        "tuning": lambda: of_tuning(read("table1-pool"), read("lora")),
        "lora": lambda: of_means(read("lora", "lora-seeds")),
        "mirage": lambda: of_mirage(read("mirage")),
    },
    "mini.md": {
        "tasks": lambda: of_mini(read(*MAIN)),
        "sizes": lambda: of_models({"nano": read("nano"), "mini": read("table1-pool")}),
        "size means": lambda: of_means(read("nano")),
        "rebuilt": lambda: of_models({"rebuilt": read("rebuilt"), "mini": read("table1-pool")}),
        "rebuilt latents": lambda: of_latents(read("rebuilt")),
    },
}
"""Page -> its blocks and what writes them."""


def filled(page: str, name: str) -> str:
    """A page with every block of the grids between its markers written anew."""
    for block, write in BLOCKS[name].items():
        page = replaced(page, block, write())
    return page


def main() -> None:
    """Fill the pages."""
    for name in BLOCKS:
        path = DOCS / name
        path.write_text(filled(path.read_text(encoding="utf-8"), name), encoding="utf-8")


if __name__ == "__main__":
    main()
