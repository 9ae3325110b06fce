"""The tables of docs/evidence.md about variants of the method."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks import table
from cells import forgotten, measured, percent, points
from results import Grid

from livr.analysis.compare import Line, label
from livr.analysis.compare_mean import MeanLine, means

SOFTER = ("livr_half_blind", "livr_annealed")
NAMES = {
    "livr": "LIVR: K = 16, 4 : 6, after the question, a row each",
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
    "livr_mixed": "`livr_mixed`",
    "livr_elastic": "`livr_elastic`",
    "livr_noise": "`livr_noise`",
}


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


def of_ablations(grid: Grid) -> str:
    """Every variant: its accuracy on each task, with the image forgotten, and its means."""
    tasks = [task for task in grid.tasks if (task, "livr_k1") in grid.lines]
    outcomes = [found for found in grid.outcomes if found.task in tasks]
    beside = {name: _by_method(means(outcomes, name).lines) for name in ("sft", "livr")}
    rows = []
    for method, name in ({"sft": "direct SFT"} | NAMES).items():
        lines = [grid.lines[task, method] for task in tasks if (task, method) in grid.lines]
        if lines:
            row = [name, *map(_short, lines)]
            rows.append([*row, *(_mean(beside[ref].get(method)) for ref in ("sft", "livr"))])
    head = ["variant", *map(label, tasks)]
    return table([*head, "minus direct SFT, mean", "minus LIVR, mean"], rows)


def _by_method(lines: Iterable[MeanLine]) -> dict[str, MeanLine]:
    return {line.method: line for line in lines}


def _short(line: Line) -> str:
    """Accuracy, and in brackets what is left with the image forgotten."""
    kept = f" ({100 * line.blindfolded:.1f})" if line.blindfolded is not None else ""
    return percent(line.accuracy) + kept


def _mean(line: MeanLine | None) -> str:
    if line is None:
        return "–"
    low, high = (100 * bound for bound in (line.effect.low, line.effect.high))
    return f"{100 * line.delta:+.1f} [{low:+.1f}, {high:+.1f}]"
