"""The tables of docs/experiments.md: what was varied on the embedded model."""

from __future__ import annotations

from itertools import chain

from benchmarks import table
from cells import each, forgotten, mean_points, measured, percent, points
from results import Grid, paper_ablations

from livr.analysis.compare import Line, compare, label
from livr.analysis.compare_mean import means

SOFTER = ("livr_half_blind", "livr_annealed")
ABLATIONS = {
    "sft": "direct SFT",
    "livr": "LIVR: K = 16, a row each, after the question, stages 4 : 6",
    "livr_k1": "K = 1",
    "livr_k2": "K = 2",
    "livr_k4": "K = 4",
    "livr_k8": "K = 8",
    "livr_k32": "K = 32",
    "livr_k64": "K = 64",
    "livr_2_8": "stages 2 : 8",
    "livr_6_4": "stages 6 : 4",
    "livr_8_2": "stages 8 : 2",
    "livr_answer_blind": "stage 1: only the answer is blind",
    "livr_unprompted": "stage 1: latents do not see the question",
    "livr_before": "latents before the question",
    "livr_shared": "one row for all latents",
    "latents_only": "latents, no bottleneck",
    "mask_only": "bottleneck, no latents",
    "prompt_tuning": "only the latents' rows train",
    "image_twice": "image twice",
    "image_twice_livr": "image twice, both stages",
    "livr_mixed": "`livr_mixed` (ours)",
    "livr_elastic": "`livr_elastic` (ours)",
    "livr_noise": "`livr_noise` (ours)",
}
"""Variant -> what it changes."""


def of_controls(grid: Grid) -> str:
    """The halves of LIVR beside the whole, as trained and with the image forgotten."""
    rows = []
    for task in grid.tasks:
        sft, latents, mask, livr = (
            grid.lines.get((task, method))
            for method in ("sft", "latents_only", "mask_only", "livr")
        )
        if latents is None or livr is None:
            continue
        row = [label(task), percent(latents.floor), measured(sft)]
        row += [measured(mask), points(mask), measured(latents), points(latents)]
        rows.append([*row, forgotten(latents), measured(livr), forgotten(livr)])
    head = ["task", "most common answer", "direct SFT", "mask only", "minus direct SFT"]
    head += ["latents only", "minus direct SFT", "image forgotten"]
    return table([*head, "LIVR", "image forgotten"], rows)


def of_warm(grid: Grid) -> str:
    """LIVR as in the paper beside LIVR that begins under the ordinary rule."""
    rows = []
    for task in grid.tasks:
        warm = grid.lines.get((task, "livr_warm"))
        if warm is None:
            continue
        row = [label(task), percent(warm.floor), each(grid.ends(task, "livr"))]
        row += [each(grid.ends(task, "livr_warm", "stage2"))]
        row += [percent(grid.best(task, method)) for method in ("sft", "livr", "livr_warm")]
        rows.append([*row, measured(warm), points(warm), forgotten(warm)])
    head = ["task", "most common answer", "latents alone, LIVR, every seed"]
    head += ["latents alone, warm, every seed"]
    head += ["direct SFT", "LIVR", "warm", "warm, test", "minus direct SFT"]
    return table([*head, "bottleneck, image forgotten"], rows)


def of_softer(grid: Grid) -> str:
    """Every task: LIVR beside our softer first stages."""
    rows = []
    for task in grid.tasks:
        found = [grid.lines[task, method] for method in SOFTER if (task, method) in grid.lines]
        if not found:
            continue
        best = [percent(grid.best(task, method)) for method in ("sft", "livr", *SOFTER)]
        rows.append([label(task), percent(found[0].floor), *best])
        for line in found:
            rows[-1] += [measured(line), points(line), forgotten(line)]
    head = ["task", "most common answer", "direct SFT", "LIVR", "half blind", "annealed"]
    for name in ("half blind", "annealed"):
        head += [f"{name}, test", "minus direct SFT", "image forgotten"]
    return table(head, rows)


def of_rates(grid: Grid, *methods: str) -> str:
    """Tasks on which other rates were tried: best validation accuracies, and what one gave."""
    rows = []
    for task in grid.tasks:
        slow = grid.lines.get((task, "livr_slow_first"))
        if slow is None:
            continue
        best = [percent(grid.best(task, method)) for method in methods]
        alone = [percent(grid.after(task, method)) for method in ("livr", "livr_slow_first")]
        rows.append([label(task), *best, *alone, measured(slow), points(slow)])
    head = ["task", "direct SFT", "half the rate", "LIVR", "half the rate", "slow first"]
    head += ["latents alone, LIVR", "latents alone, slow first", "slow first, test"]
    return table([*head, "minus direct SFT"], rows)


def of_tuning(grid: Grid, lora: Grid) -> str:
    """Both methods with LoRA and with the whole decoder: best validation accuracy."""
    rows = []
    for task in lora.tasks:
        best = [found.best(task, method) for method in ("sft", "livr") for found in (lora, grid)]
        rows.append([label(task), *map(percent, best)])
    head = ["task", "direct SFT, LoRA", "direct SFT, whole decoder"]
    return table([*head, "LIVR, LoRA", "LIVR, whole decoder"], rows)


def of_few(*grids: Grid) -> str:
    """Direct SFT, and what LIVR adds, with fewer and fewer questions in as many steps."""
    rows = []
    for task in grids[1].tasks:
        row = [label(task), percent(grids[1].lines[task, "livr"].floor)]
        for grid in grids:
            row += [measured(grid.lines.get((task, "sft"))), points(grid.lines.get((task, "livr")))]
        rows.append([*row, forgotten(grids[1].lines[task, "livr"])])
    head = ["task", "most common answer"]
    for times in ("5,000 x 2", "1,000 x 10", "250 x 40"):
        head += [f"direct SFT, {times}", "LIVR minus it"]
    return table([*head, "LIVR, 1,000 x 10, image forgotten"], rows)


def of_ablations(grid: Grid) -> str:
    """Every variant beside LIVR: in the mean over its tasks, and on each."""
    beside, tasks = _beside_livr(grid)
    paper = paper_ablations()
    own = [run for run in grid.outcomes if run.task in tasks]
    found = {line.method: line for line in means(own, "livr", keep_all=True).lines}
    rows = []
    for method, name in ABLATIONS.items():
        lines = [beside.get((task, method)) for task in tasks]
        if any(lines):
            gain = f"{paper[method]:+.1f}" if method in paper else "–"
            whole = mean_points(found.get(method)) if all(lines) else "–"
            cells = ((measured(line), points(line)) for line in lines)
            rows.append([name, gain, whole, *chain.from_iterable(cells)])
    head = ((label(task), "minus LIVR") for task in tasks)
    first = ["variant", "paper: minus LIVR", "here: minus LIVR, mean"]
    return table([*first, *chain.from_iterable(head)], rows)


def of_forgotten(grid: Grid) -> str:
    """What the latents of every variant carry alone: the image forgotten after the prompt."""
    beside, tasks = _beside_livr(grid)
    rows = []
    for method, name in ABLATIONS.items():
        cells = [forgotten(beside.get((task, method))) for task in tasks]
        if set(cells) != {"–"}:
            rows.append([name, *cells])
    floors = [percent(beside[task, "livr"].floor) for task in tasks]
    return table(["variant", *map(label, tasks)], [["most common answer", *floors], *rows])


def _beside_livr(grid: Grid) -> tuple[dict[tuple[str, str], Line], list[str]]:
    beside = {(line.task, line.method): line for line in compare(grid.outcomes, "livr")}
    return beside, [task for task in grid.tasks if (task, "livr_k1") in beside]
