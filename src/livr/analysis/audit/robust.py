"""(i) Does accuracy hold on disturbed images, in use and under the bottleneck?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from livr.analysis.audit.case import Case
from livr.analysis.audit.finding import NEGLIGIBLE, Fall, Finding, Verdict, fall
from livr.analysis.in_print import percent, points
from livr.analysis.robustness import RULES, Level, curves
from livr.evaluate.shared import Sources, sources_among

MOST = 120
"""Questions asked at each strength."""


def run(case: Case) -> list[Finding]:
    """Mean fall over corruptions and strengths, per rule; against the baseline if given."""
    models = {"model": case.questions.with_examples(case.examples[:MOST])}
    if case.baseline is not None:
        models["baseline"] = case.baseline.with_examples(case.examples[:MOST])
    levels = list(curves(models, case.seed))
    found = [_finding(case, levels, mask) for mask in RULES]
    return found


def _points(lost: float) -> str:
    return points(lost, signed=False)


def _of(levels: Sequence[Level], model: str, mask: str) -> tuple[Level, list[Level]]:
    own = [x for x in levels if (x.model, x.mask) == (model, mask)]
    clean = next(x for x in own if x.corruption == "none")
    return clean, [x for x in own if x.corruption != "none"]


def _mean_fall(clean: Level, disturbed: Sequence[Level]) -> list[float]:
    """Per question: right when clean, minus the share right when disturbed."""
    shares = [
        sum(rows) / len(disturbed) for rows in zip(*(x.right for x in disturbed), strict=True)
    ]
    return [right - share for right, share in zip(clean.right, shares, strict=True)]


def _finding(case: Case, levels: Sequence[Level], mask: str) -> Finding:
    clean, disturbed = _of(levels, "model", mask)
    falls = _mean_fall(clean, disturbed)
    n = len(falls)
    value = sum(falls) / n
    interval = case.mean_interval(np.array(falls), most=1.0)
    sources = sources_among(case.examples[:n])
    details: dict[str, Any] = {
        "clean": clean.accuracy,
        "levels": [_row(sources, clean, x) for x in disturbed],
    }
    measured = f"clean {percent(clean.accuracy)}, falls by {_points(value)} points on average"
    verdict: Verdict = "info"
    healthy = "no range without a baseline"
    if case.baseline is not None and mask == "ordinary":
        other_clean, other = _of(levels, "baseline", mask)
        theirs = _mean_fall(other_clean, other)
        details |= {
            "baseline_clean": other_clean.accuracy,
            "baseline_levels": [_row(sources, other_clean, x) for x in other],
        }
        extra = [a - b for a, b in zip(falls, theirs, strict=True)]
        more = case.mean_interval(np.array(extra), most=2.0)
        measured += (
            f"; the baseline's by {_points(sum(theirs) / n)}; difference {_points(sum(extra) / n)} "
            f"({_points(more.low)} to {_points(more.high)})"
        )
        healthy = f"difference below {_points(NEGLIGIBLE)}; a fail if it is above 0"
        verdict = case.unless_unable(
            "fail" if more.low > 0 else "pass" if more.high < NEGLIGIBLE else "unclear"
        )
        details["more_than_baseline"] = [more.low, more.high]
    return Finding(
        name="robustness" + ("" if mask == "ordinary" else f".{mask}"),
        claim="Disturbed images cost no more accuracy than they cost the baseline."
        if mask == "ordinary"
        else "What disturbed images cost under the bottleneck.",
        done="Occlusion, noise, blur and JPEG at three strengths each; mean fall in accuracy, "
        f"{mask} rule.",
        measured=measured,
        healthy=healthy,
        verdict=verdict,
        n=n,
        value=value,
        interval=interval,
        details=details,
    )


def _row(sources: Sources, clean: Level, level: Level) -> dict[str, Any]:
    cost: Fall = fall(clean.right, level.right, sources)
    return {
        "corruption": level.corruption,
        "strength": level.strength,
        "accuracy": level.accuracy,
        "fall": cost.size,
        "ci95": [cost.interval.low, cost.interval.high],
    }
