"""One self-contained HTML page about a set of runs: no script, no network, printable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from livr.analysis import REFERENCE, in_print
from livr.analysis.audit.result import Audit, side_by_side
from livr.analysis.compare import Line, compare, label
from livr.analysis.compare_figure import forest_svg, rows_of
from livr.analysis.compare_mean import means
from livr.analysis.compare_outcomes import Failed, Outcomes, in_subsets, outcomes_of
from livr.analysis.figures import learning_curves, mask
from livr.analysis.how_trained import settings_of, what_trains
from livr.analysis.paper.published import Table
from livr.analysis.paper.set_beside import Aside, set_beside
from livr.analysis.runs import Run
from livr.analysis.samples import RULE, Group, choose
from livr.files import write_whole
from livr.method.bottleneck import BOTTLENECK, ORDINARY

CURVES = (
    ("loss", "Training loss on answer tokens"),
    ("val_accuracy", "Validation accuracy of generated answers, under the mask of the stage"),
)
SIGNIFICANT = 0.05
WRITTEN = b'class="kicker">Latent Implicit Visual Reasoning<'
"""What every page holds."""


@dataclass(frozen=True)
class Section:
    """What the page says about one task.

    Attributes:
        task: Its name.
        lines: The table.
        n: Test questions.
        most_common: Accuracy of always giving the most common right answer.
        verdict: One sentence on the method against the reference, or None.
        curves: Learning curves with their titles.
        switched: Whether a curve changes its stage.
        pair: The two methods whose answers are shown, reference first, or None.
        groups: Sample questions.
    """

    task: str
    lines: tuple[Line, ...]
    n: int
    most_common: float
    verdict: str | None
    curves: tuple[tuple[str, Markup], ...]
    switched: bool
    pair: tuple[Run, Run] | None
    groups: tuple[Group, ...]


def write_report(
    path: Path,
    runs: Sequence[Run | Outcomes],
    *,
    title: str = "LIVR beside direct SFT",
    command: str | None = None,
    reference: str = REFERENCE,
    method: str = "livr",
    audits: Sequence[Audit] = (),
    failed: Sequence[Failed] = (),
    paper: Table | None = None,
    backbone: str | None = None,
) -> None:
    """Write the page. The file appears when it is complete.

    Args:
        path: The HTML file.
        runs: Evaluated runs of one or more tasks. What has no folder has no curves and answers.
        title: The heading.
        command: What made the runs, printed for those who want to repeat it.
        reference: The method the others are compared with.
        method: The method whose answers stand beside the reference's.
        audits: What `livr audit` found, side by side on the page.
        failed: Cells of grids that have no result.
        paper: A published table to set the runs beside.
        backbone: Which of its models; None: the one that was run, else its first.

    Raises:
        ConfigError: The published table has no such backbone.
        DataError: There are no runs, or runs of one task answered different questions.
    """
    found = [outcomes_of(run) for run in runs]
    lines = compare(found, reference)
    sections = [
        _section([run for run in found if run.task == task], lines, reference, method)
        for task in dict.fromkeys(run.task for run in found)
    ]
    total = means(found, reference)
    forest = forest_svg(rows_of(lines, total), reference)
    page = environment().get_template("report.html.j2").render(
        title=title,
        command=command,
        sections=sections,
        reference=reference,
        means=total,
        failed=_by_reason(failed),
        aside=_aside(found, lines, paper, backbone, reference) if paper else None,
        audits=audits,
        claims=side_by_side(audits),
        forest=Markup(forest) if forest else None,
        **_about(found),
    )  # fmt: skip
    write_whole(path, page)


def _about(runs: Sequence[Outcomes]) -> dict[str, Any]:
    """What the page says of the runs as a whole, and of how they are made and compared."""
    folders = folders_of(runs)
    return {
        "models": sorted({model_name(run) for run in runs} - {""}),
        "seeds": sorted({run.seed for run in runs}),
        "runs": len(runs),
        "folders": len(folders),
        "configs": settings_of(folders),
        "trains": what_trains(runs),
        "masks": [
            ("Stage 1: the bottleneck", Markup(mask(BOTTLENECK))),
            ("Stage 2 and use: ordinary", Markup(mask(ORDINARY))),
        ],
        "rule": RULE,
        "significant": SIGNIFICANT,
    }


def _section(
    runs: Sequence[Outcomes], lines: Iterable[Line], reference: str, method: str
) -> Section:
    own = tuple(line for line in lines if line.task == runs[0].task)
    folders = folders_of(runs)
    curves = [(caption, learning_curves(folders, measure)) for measure, caption in CURVES]
    pair = pair_of(folders, reference, method)
    found = next((line for line in own if line.method == method and line.against), None)
    return Section(
        task=runs[0].task,
        lines=own,
        n=own[0].n,
        most_common=own[0].floor,
        verdict=verdict(found, reference) if found else None,
        curves=tuple((caption, Markup(svg)) for caption, svg in curves if svg),
        switched=any(len({p.stage for p in run.loss + run.val_accuracy}) > 1 for run in folders),
        pair=pair,
        groups=tuple(choose(*pair)) if pair else (),
    )


def _aside(
    runs: Sequence[Outcomes],
    lines: Sequence[Line],
    paper: Table,
    backbone: str | None,
    reference: str,
) -> Aside:
    """The published table; it knows the parts of a benchmark, the page the whole."""
    parts = in_subsets(runs)
    lines = lines if parts == list(runs) else compare(parts, reference)
    return set_beside(parts, lines, paper, backbone, reference)


def _by_reason(failed: Iterable[Failed]) -> dict[str, list[Failed]]:
    """The cells under what they say; a grid that is not finished has many that say the same."""
    found: dict[str, list[Failed]] = {}
    for cell in failed:
        found.setdefault(cell.reason, []).append(cell)
    return found


def folders_of(runs: Iterable[Outcomes]) -> list[Run]:
    """The folders that were read with the runs, for those that have one."""
    return [run.run for run in runs if run.run is not None]


def model_name(run: Outcomes) -> str:
    """What was trained: a hub id or `mini` as it is, a folder by its name."""
    return Path(run.model).name if Path(run.model).is_absolute() else run.model


def pair_of(runs: Sequence[Run], reference: str, method: str) -> tuple[Run, Run] | None:
    """The runs whose answers stand side by side: with the lowest seed that both methods have.

    Args:
        runs: The runs of one task.
        reference: The first method.
        method: The second.
    """
    by_seed = {(run.method, run.seed): run for run in runs}
    for seed in sorted({run.seed for run in runs}):
        a, b = by_seed.get((reference, seed)), by_seed.get((method, seed))
        if a and b:
            return a, b
    return None


def verdict(line: Line, reference: str) -> str:
    """What a comparison says and what it does not, in one or two sentences.

    Args:
        line: A line with its paired test.
        reference: The method it was paired with.
    """
    assert line.against is not None
    points = 100 * line.against.delta
    name, other = label(line.method), label(reference)
    if round(abs(points), 1) == 0:
        return f"{name} and {other} answer equally many questions right."
    more = "more" if points > 0 else "fewer"
    first = f"{name} answers {abs(points):.1f} points {more} right than {other}"
    p_value = line.against.p_value if line.p_holm is None else line.p_holm
    p = in_print.p_number(p_value)
    # No line of the page ends within it.
    p = f"p {p}" if p.startswith("<") else f"p = {p}"
    p = p.replace(" ", "\N{NO-BREAK SPACE}")
    if p_value < SIGNIFICANT:
        return f"{first}; chance alone would rarely do that ({p})."
    return f"{first}. With {line.n} questions that may well be chance ({p})."


def environment() -> Environment:
    """Templates of this package with the filters that print numbers."""
    made = Environment(
        loader=PackageLoader("livr.analysis"),
        autoescape=select_autoescape(["j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "label": label,
        "p_number": in_print.p_number,
        "duration": in_print.duration,
        "percent": in_print.percent,
        "points": in_print.points,
        "span": in_print.span,
        "from_to": in_print.from_to,
    }
    return made
