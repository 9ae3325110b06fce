"""One self-contained HTML page about a set of runs: no script, no network, printable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from livr.analysis.audit.result import Audit, side_by_side
from livr.analysis.compare import Line, compare, label
from livr.analysis.compare_figure import forest_svg, rows_of
from livr.analysis.compare_mean import means
from livr.analysis.figures import learning_curves, mask
from livr.analysis.runs import Run
from livr.analysis.samples import RULE, Group, choose
from livr.files import write_whole
from livr.method.bottleneck import BOTTLENECK, ORDINARY

CURVES = (
    ("loss", "Training loss on answer tokens"),
    ("val_accuracy", "Validation accuracy of generated answers, under the mask of the stage"),
)
SIGNIFICANT = 0.05


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
    runs: Sequence[Run],
    *,
    title: str = "LIVR beside direct SFT",
    command: str | None = None,
    reference: str = "sft",
    method: str = "livr",
    per_group: int = 3,
    audits: Sequence[Audit] = (),
) -> None:
    """Write the page. The file appears when it is complete.

    Args:
        path: The HTML file.
        runs: Evaluated runs of one or more tasks.
        title: The heading.
        command: What made the runs, printed for those who want to repeat it.
        reference: The method the others are compared with.
        method: The method whose answers stand beside the reference's.
        per_group: Sample questions per outcome.
        audits: What `livr audit` found, side by side on the page.

    Raises:
        DataError: There are no runs, or runs of one task answered different questions.
    """
    lines = compare(runs, reference)
    sections = [
        _section([run for run in runs if run.task == task], lines, reference, method, per_group)
        for task in dict.fromkeys(run.task for run in runs)
    ]
    total = means(runs, reference)
    forest = forest_svg(rows_of(lines, total), reference)
    page = environment().get_template("report.html.j2").render(
        title=title,
        command=command,
        sections=sections,
        models=sorted({model_name(run) for run in runs}),
        seeds=sorted({run.seed for run in runs}),
        reference=reference,
        method=method,
        masks=[("Stage 1: the bottleneck", Markup(mask(BOTTLENECK))),
               ("Stage 2 and use: ordinary", Markup(mask(ORDINARY)))],
        rule=RULE,
        significant=SIGNIFICANT,
        means=total,
        audits=audits,
        tests=side_by_side(audits),
        forest=Markup(forest) if forest else None,
        configs=[(run, yaml.safe_dump(run.config, sort_keys=False)) for run in runs if run.config],
    )  # fmt: skip
    write_whole(path, page)


def _section(
    runs: Sequence[Run], lines: Iterable[Line], reference: str, method: str, per_group: int
) -> Section:
    own = tuple(line for line in lines if line.task == runs[0].task)
    curves = [(caption, learning_curves(runs, measure)) for measure, caption in CURVES]
    pair = pair_of(runs, reference, method)
    answers = Counter(row.answer for row in runs[0].predictions)
    found = next((line for line in own if line.method == method and line.against), None)
    return Section(
        task=runs[0].task,
        lines=own,
        n=own[0].n,
        most_common=answers.most_common(1)[0][1] / own[0].n,
        verdict=verdict(found, reference) if found else None,
        curves=tuple((caption, Markup(svg)) for caption, svg in curves if svg),
        switched=any(len({p.stage for p in run.loss + run.val_accuracy}) > 1 for run in runs),
        pair=pair,
        groups=tuple(choose(*pair, per_group)) if pair else (),
    )


def model_name(run: Run) -> str:
    """What was trained: a hub id or `mini` as it is, a folder by its name."""
    name = str(run.config.get("model") or run.scores.get("model"))
    return Path(name).name if Path(name).is_absolute() else name


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
    p = p_number(line.against.p_value)
    p = f"p {p}" if p.startswith("<") else f"p = {p}"
    if line.against.p_value < SIGNIFICANT:
        return f"{first}; chance alone would rarely do that ({p})."
    return f"{first}. With {line.n} questions that may well be chance ({p})."


def p_number(p: float) -> str:
    """A p-value for print.

    >>> p_number(0.0312), p_number(0.00001), p_number(1.0)
    ('0.031', '< 0.001', '1')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.9995 else "1"


def duration(seconds: float | None) -> str:
    """A time for print.

    >>> duration(8.2), duration(125), duration(7300), duration(None)
    ('8 s', '2 min 05 s', '2 h 01 min', '–')
    """
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def percent(share: float, digits: int = 1) -> str:
    """A share for print.

    >>> percent(0.5), percent(1.0, 0)
    ('50.0 %', '100 %')
    """
    return f"{100 * share:.{digits}f} %"


def points(delta: float) -> str:
    """A difference of accuracies for print, signed, in percentage points.

    >>> points(0.041), points(-0.02), points(0.0)
    ('+4.1', '−2.0', '0.0')
    """
    value = round(100 * delta, 1)
    return "0.0" if value == 0 else f"{'+' if value > 0 else '−'}{abs(value):.1f}"


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
        "p_number": p_number,
        "duration": duration,
        "percent": percent,
        "points": points,
    }
    return made
