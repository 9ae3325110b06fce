"""docs/families.md: the support table, written from what the suite measured.

`python -m tests.families.table` runs the laws on every family and writes the page.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from livr.analysis.check import Report, check
from livr.backbones.family import FAMILIES, family_of
from livr.errors import UnsupportedModelError
from livr.model.load import load
from tests.families import BUILDERS, refused

PAGE = Path(__file__).parents[2] / "docs" / "families.md"
BEGIN, END = "<!-- table: written by tests/families/table.py -->", "<!-- end of table -->"

NAMES = {"pixtral": "Pixtral (LLaVA's class)", "llava": "LLaVA"}
EXAMPLES = {"pixtral": "mistral-community/pixtral-12b"}


def model_type(builder: str) -> str:
    """The family of a builder: its name, but for Pixtral."""
    return "llava" if builder == "pixtral" else builder


def render(reports: Mapping[str, Report], refusals: Mapping[str, str]) -> str:
    """Both tables as Markdown.

    Args:
        reports: What `check` said about each builder's checkpoint.
        refusals: The message for each refused architecture.
    """
    laws = [finding.law for finding in next(iter(reports.values())).findings]
    rows = [["family", "example", "attention", "rule without a mask", *laws]]
    for builder, report in reports.items():
        family = family_of(model_type(builder))
        verdicts = ["yes" if finding.holds else "NO" for finding in report.findings]
        rows.append(
            [
                NAMES.get(builder, family.name),
                f"`{EXAMPLES.get(builder, family.example)}`",
                family.attention,
                "yes" if family.attention == "causal" else "falls back to a mask",
                *verdicts,
            ]
        )
    remarks = [f"- **{f.name}**: {f.remark}." for f in FAMILIES.values() if f.remark]
    refusal_rows = [["refused", "reason"], *([n, r] for n, r in refusals.items())]
    return "\n\n".join([_markdown(rows), "\n".join(remarks), _markdown(refusal_rows)])


def _markdown(rows: list[list[str]]) -> str:
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + " --- |" * len(rows[0]), *body])


def refusal(name: str, folder: Path) -> str:
    """Why an architecture is refused, without the place of its checkpoint."""
    try:
        load(refused.checkpoint(name, folder))
    except UnsupportedModelError as error:
        return str(error).removeprefix(f"{folder}: ")
    raise AssertionError(f"{name} was not refused")


def on_page(text: str) -> str:
    """The table inside a page."""
    return text.partition(BEGIN)[2].partition(END)[0].strip()


def main() -> None:
    """Measure and write the page's table."""
    with tempfile.TemporaryDirectory() as made:
        reports = {
            name: check(str(builder(Path(made) / name))) for name, builder in BUILDERS.items()
        }
        refusals = {
            name: refusal(name, Path(made) / f"refused-{i}")
            for i, name in enumerate(refused.CONFIGS)
        }
    page = PAGE.read_text(encoding="utf-8")
    table = f"{BEGIN}\n\n{render(reports, refusals)}\n\n{END}"
    old = page[page.index(BEGIN) : page.index(END) + len(END)]
    PAGE.write_text(page.replace(old, table), encoding="utf-8")


if __name__ == "__main__":
    main()
