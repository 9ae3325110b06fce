"""Puts what the grids measured into the pages of docs/: python docs/grids.py

Reads evidence/*.json (`livr ablate evidence/NAME.yaml --out DIR` writes NAME.json as
DIR/results.json) and fills the tables between the markers of evidence.md, mini.md and
performance.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import replaced, table

from livr.analysis.compare import label
from livr.analysis.compare_mean import means
from livr.analysis.compare_outcomes import read_outcomes

DOCS = Path(__file__).parent
EVIDENCE = DOCS.parent / "evidence"
RESULTS = EVIDENCE / "table1-pool.json"
SAME_TRAINING = tuple(EVIDENCE / f"{name}.json" for name in ("faster", "controls"))
"""Grids that add methods to it on some tasks; everything else is set alike."""
RATE = EVIDENCE / "rate.json"
"""Direct SFT with three times the learning rate, on some tasks."""
ROOM, CEILING = 0.10, 0.95
"""Direct SFT is to be so far above the most common answer, and below this accuracy."""

Rows = Mapping[tuple[str, str], Mapping[str, Any]]


def read(*paths: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Rows by task and method: those of the first seed, each with its validation curve.

    `by_seed` and `val_by_seed` in a row have the accuracies of all seeds, the first one's in front.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for path in paths or (RESULTS, *SAME_TRAINING):
        found = json.loads(path.read_text(encoding="utf-8"))
        cells = {cell["cell"]: cell for cell in found["cells"]}
        for row in found["rows"]:
            first = rows.setdefault(
                (row["task"], row["method"]),
                cells[row["cell"]] | row | {"by_seed": [], "val_by_seed": []},
            )
            first["by_seed"].append(row["accuracy"])
            first["val_by_seed"].append(cells[row["cell"]].get("val_accuracy") or 0.0)
    return rows


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def measured(row: Mapping[str, Any] | None) -> str:
    """An accuracy with Wilson's interval; a dash where nothing was measured."""
    if row is None:
        return "–"
    low, high = (100 * bound for bound in row["ci95"])
    return f"{percent(row['accuracy'])} [{low:.1f}, {high:.1f}]"


def tasks(rows: Rows) -> list[str]:
    return list(dict.fromkeys(task for task, _ in rows))


def after_stage(row: Mapping[str, Any] | None, stage: str) -> str:
    """Validation accuracy at the end of a stage."""
    points = [value for name, _, value in (row or {}).get("val_curve", ()) if name == stage]
    return percent(points[-1]) if points else "–"


def verdict(row: Mapping[str, Any]) -> str:
    """Whether a task leaves methods room to differ."""
    if row["accuracy"] < row["floor"] + ROOM:
        return "no: at chance" if row["ci95"][0] <= row["floor"] else "little: near chance"
    return "yes" if row["accuracy"] < CEILING else "little: near the ceiling"


def of_methods(rows: Rows) -> str:
    """Every task: zero-shot, direct SFT, LIVR, and whether there is room for a comparison."""
    lines = []
    for task in tasks(rows):
        methods = [rows.get((task, name)) for name in ("zero_shot", "sft", "livr")]
        sft = rows[task, "sft"]
        lines.append([label(task), percent(sft["floor"]), *map(measured, methods), verdict(sft)])
    head = ["task", "most common answer", "zero-shot", "direct SFT", "LIVR"]
    return table([*head, "room for a comparison"], lines)


def mean(row: Mapping[str, Any]) -> float:
    """Mean accuracy of the seeds."""
    return sum(row["by_seed"]) / len(row["by_seed"])


def each(shares: Sequence[float]) -> str:
    """Accuracies of the seeds, in percent."""
    return " ".join(f"{100 * share:.1f}" for share in shares)


def of_mini(rows: Rows, rate: Rows) -> str:
    """Every task: zero-shot, and direct SFT with every seed; below, trained otherwise."""
    lines = []
    named = [(label(task), task, rows) for task in tasks(rows)]
    named += [(f"{label(task)}, rate 3e-3", task, rate) for task in tasks(rate)]
    for name, task, found in named:
        zero, sft = rows[task, "zero_shot"], found[task, "sft"]
        line = [name, percent(sft["floor"]), measured(zero), measured(sft)]
        line += [each(sft["val_by_seed"]), each(sft["by_seed"]), percent(mean(sft))]
        lines.append([*line, verdict(sft | {"accuracy": mean(sft)})])
    head = ["task", "most common answer", "zero-shot", "direct SFT, seed 42"]
    seeds = ["validation, every seed", "test, every seed", "mean"]
    return table([*head, *seeds, "room for a comparison"], lines)


def of_controls(rows: Rows, rate: Rows) -> str:
    """Where a faster first stage or a control ran: every method, as trained and blindfolded."""
    lines = []
    for task in tasks(rows):
        methods = [name for of, name in rows if of == task and name != "zero_shot"]
        if not {"latents_only", "livr_faster"} & set(methods):
            continue
        named = [(label(method), rows[task, method]) for method in methods]
        if (task, "sft") in rate:
            named.insert(1, (f"{label('sft')}, rate 3e-3", rate[task, "sft"]))
        for name, row in named:
            two = len({stage for stage, *_ in row["val_curve"]}) > 1
            line = [label(task), name, after_stage(row, "stage1") if two else "–"]
            line += [percent(row["val_accuracy"]), measured(row)]
            lines.append([*line, measured(row.get("blindfolded"))])
    head = ["task", "method", "validation after stage 1", "best validation", "test"]
    return table([*head, "bottleneck, image forgotten"], lines)


def of_latents(rows: Rows) -> str:
    """Every task: what LIVR answers through the latents alone, beside as trained."""
    lines = []
    for task in tasks(rows):
        livr = rows.get((task, "livr"))
        if livr is None:
            continue
        line = [label(task), percent(livr["floor"]), after_stage(livr, "stage1"), measured(livr)]
        blind = livr.get("blindfolded")
        gain = livr["accuracy"] - livr["floor"]
        kept = (blind["accuracy"] - livr["floor"]) / gain if blind and gain > 0 else None
        clear = livr["ci95"][0] > livr["floor"]
        line += [measured(blind), f"{100 * kept:.0f} %" if kept is not None and clear else "–"]
        lines.append(line)
    head = ["task", "most common answer", "validation after stage 1", "as trained"]
    return table([*head, "bottleneck, image forgotten", "retention"], lines)


def of_means(path: Path = RESULTS) -> str:
    """The mean over tasks in a sentence or two."""
    total = means(read_outcomes([path])[0], "sft")
    lines = []
    for line in total.lines:
        low, high = (100 * bound for bound in (line.effect.low, line.effect.high))
        lines.append(
            f"{label(line.method)} minus direct SFT: {100 * line.delta:+.1f} points in the mean of "
            f"{len(line.tasks)} tasks [{low:+.1f}, {high:+.1f}], ahead on {line.ahead} of them.\n"
        )
    if total.left_out:
        lines.append(f"Left out, direct SFT at chance: {', '.join(map(label, total.left_out))}.\n")
    return "".join(lines)


BLOCKS: dict[str, tuple[tuple[str, Callable[[Rows], str]], ...]] = {
    "evidence.md": (
        ("methods", of_methods),
        ("means", lambda rows: of_means()),
        ("latents", of_latents),
        ("controls", lambda rows: of_controls(rows, read(RATE))),
    ),
    "mini.md": (("tasks", lambda rows: of_mini(rows, read(RATE))),),
    "performance.md": (("compressed", of_latents),),
}
"""Page -> its blocks and what writes them."""


def filled(page: str, name: str, rows: Rows) -> str:
    """A page with every block of the grid between its markers written anew."""
    for block, write in BLOCKS[name]:
        page = replaced(page, block, write(rows))
    return page


def main() -> None:
    """Fill the pages."""
    rows = read()
    for name in BLOCKS:
        path = DOCS / name
        path.write_text(filled(path.read_text(encoding="utf-8"), name, rows), encoding="utf-8")


if __name__ == "__main__":
    main()
