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
RESULTS = EVIDENCE / "seed42.json"
SAME_TRAINING = tuple(EVIDENCE / f"{name}.json" for name in ("seeds", "controls", "start"))
"""Grids that add seeds and methods to it; everything else is set alike."""
LONGER = EVIDENCE / "long.json"
"""Direct SFT and LIVR with twice the epochs."""
MORE = EVIDENCE / "more.json"
"""Direct SFT and LIVR with five times the questions and a fifth of the epochs."""
SLOW = EVIDENCE / "slow.json"
"""Direct SFT with a third of the learning rate."""
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


def of_mini(rows: Rows, more: Rows, slow: Rows) -> str:
    """Every task: zero-shot and direct SFT, with every seed; below, trained otherwise."""
    named = [(label(task), task, rows) for task in tasks(rows)]
    named += [(f"{label(task)}, 5,000 x 2", task, more) for task in tasks(more)]
    named += [(f"{label(task)}, rate 1e-3", task, slow) for task in tasks(slow)]
    lines = []
    for name, task, found in named:
        zero, sft = rows[task, "zero_shot"], found[task, "sft"]
        lines.append([name, percent(sft["floor"]), measured(zero), measured(sft)])
        lines[-1] += [each(sft["val_by_seed"]), each(sft["by_seed"]), percent(mean(sft))]
        lines[-1].append(verdict(sft | {"accuracy": mean(sft)}))
    head = ["task", "most common answer", "zero-shot", "direct SFT, seed 42"]
    seeds = ["validation, every seed", "test, every seed", "mean"]
    return table([*head, *seeds, "room for a comparison"], lines)


def of_more(rows: Rows, more: Rows) -> str:
    """Where it ran: direct SFT and LIVR with 1,000 questions ten times, and with 5,000 twice."""
    lines = []
    for task in tasks(more):
        for method in ("sft", "livr"):
            for name, found in (("1,000 x 10", rows), ("5,000 x 2", more)):
                if row := found.get((task, method)):
                    line = [label(task), label(method), name, after_stage(row, "stage1")]
                    line += [each(row["val_by_seed"]), each(row["by_seed"]), percent(mean(row))]
                    lines.append([*line, measured(row.get("blindfolded"))])
    head = ["task", "method", "questions x epochs", "validation after stage 1, seed 42"]
    seeds = ["best validation, every seed", "test, every seed", "mean"]
    return table([*head, *seeds, "seed 42, image forgotten"], lines)


def of_controls(rows: Rows) -> str:
    """Where the controls ran: every method, as trained and under the bottleneck."""
    lines = []
    for task, method in rows:
        if (task, "latents_only") in rows and method not in ("zero_shot", "livr_words"):
            row = rows[task, method]
            blind = row.get("blindfolded")
            lines.append([label(task), label(method), measured(row), measured(blind)])
    return table(["task", "method", "as trained", "bottleneck, image forgotten"], lines)


def of_start(rows: Rows) -> str:
    """Every task: LIVR with latents that start apart, and like words."""
    lines = []
    for task in tasks(rows):
        both = [rows.get((task, name)) for name in ("livr", "livr_words")]
        line = [label(task)]
        line += [after_stage(row, "stage1") for row in both]
        line += [percent(row["val_accuracy"]) if row else "–" for row in both]
        line += [measured(row) for row in both]
        line += [measured((row or {}).get("blindfolded")) for row in both]
        lines.append(line)
    kinds = ("after stage 1, validation", "best validation", "test", "test, image forgotten")
    return table(["task", *(f"{k}: {s}" for k in kinds for s in ("apart", "words"))], lines)


def of_longer(rows: Rows, longer: Rows) -> str:
    """Where it ran: direct SFT and LIVR with ten epochs, and with twenty."""
    lines = []
    for task in tasks(longer):
        line = [label(task)]
        for method in ("sft", "livr"):
            both = (rows.get((task, method)), longer.get((task, method)))
            line += [percent(row["val_accuracy"]) if row else "–" for row in both]
            line += [measured(row) for row in both]
        lines.append(line)
    kinds = [f"{k}, {n}" for k in ("validation", "test") for n in ("10 epochs", "20")]
    return table(["task", *(f"{m}: {k}" for m in ("direct SFT", "LIVR") for k in kinds)], lines)


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
        ("controls", of_controls),
        ("start", of_start),
        ("longer", lambda rows: of_longer(rows, read(LONGER))),
        ("means-longer", lambda rows: of_means(LONGER)),
        ("more", lambda rows: of_more(rows, read(MORE))),
    ),
    "mini.md": (("tasks", lambda rows: of_mini(rows, read(MORE), read(SLOW))),),
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
