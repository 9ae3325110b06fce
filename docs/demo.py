"""Puts what `make demo` measured into the README: python docs/demo.py

Reads docs/demo.json, the results.json of a demo.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import replaced, table

from livr.analysis.compare import label

PAGE = Path(__file__).parents[1] / "README.md"
RESULTS = Path(__file__).with_name("demo.json")
METHODS = ("zero_shot", "sft", "livr")


def share(line: Mapping[str, Any]) -> str:
    """An accuracy with its interval, in percent."""
    low, high = (100 * bound for bound in line["ci95"])
    return f"{100 * line['accuracy']:.1f} % [{low:.1f}, {high:.1f}]"


def of_demo(lines: list[dict[str, Any]]) -> str:
    """Task by task: every method, and p of LIVR against direct SFT."""
    found = {(line["task"], line["method"]): line for line in lines}
    rows = []
    for task in dict.fromkeys(line["task"] for line in lines):
        of = [found[task, method] for method in METHODS]
        row = [label(task), f"{100 * of[0]['floor']:.1f} %", *map(share, of)]
        rows.append([*row, f"{of[-1]['p_holm']:.2g}"])
    head = ["task", "most common answer", *map(label, METHODS)]
    return table([*head, "paired p, corrected"], rows)


def filled(page: str) -> str:
    """The page with its table written anew."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    return replaced(page, "demo", of_demo(results["summary"]["lines"]))


def main() -> None:
    """Fill the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
