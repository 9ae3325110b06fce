"""(c) The latents as the only road: accuracy under the bottleneck at test (paper 4.3.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from livr.analysis.audit.case import Case
from livr.analysis.audit.finding import Finding, Verdict, fall
from livr.analysis.in_print import percent
from livr.evaluate.clustered import design_effect, widened
from livr.evaluate.stats import Interval, bootstrap

HEALTHY = 0.5
"""Retention that counts as healthy (ours; the paper's numbers give 0.67, its control 0)."""
IMAGINED = ({"ordinary": 1.0, "bottleneck": 0.0}, {"ordinary": 0.0, "bottleneck": 1.0})
"""Two questions that the bootstrap draws from besides, half a question each: one that only the
ordinary rule gets right, one that only the bottleneck does. Without them it would call itself
certain where the two rules never differ (after Agresti and Min; ours)."""


def run(case: Case) -> list[Finding]:
    """Retention = (bottleneck - floor) / (ordinary - floor)."""
    arms = {
        "ordinary": case.right(),
        "bottleneck": case.right("bottleneck"),
        "floor": case.right("bottleneck", "drop"),
    }
    n = len(arms["floor"])
    right = {
        name: np.array([*map(float, row), *(extra.get(name, 0.0) for extra in IMAGINED)])
        for name, row in arms.items()
    }
    weights = np.array([1.0] * n + [0.5] * len(IMAGINED))

    def retention(index: NDArray[np.intp]) -> float:
        drawn = weights[index]
        means = {name: float(row[index] @ drawn / drawn.sum()) for name, row in right.items()}
        room = means["ordinary"] - means["floor"]
        return (means["bottleneck"] - means["floor"]) / room if room > 0 else float("nan")

    room = fall(arms["ordinary"], arms["floor"], case.sources).interval
    value = retention(np.arange(n))
    interval = bootstrap(retention, n + len(IMAGINED), seed=case.seed)
    told = not np.isnan(value)
    if told:
        # How far each question moves the ratio.
        over = {name: row[:n] - right["floor"][:n] for name, row in right.items()}
        moves = over["bottleneck"] - value * over["ordinary"]
        interval = widened(interval, value, design_effect(moves.tolist(), case.sources))
    means = {name: sum(row) / n for name, row in arms.items()}
    listed = ", ".join(f"{name} {percent(mean)}" for name, mean in means.items())
    return [
        Finding(
            name="retention",
            claim="Through the latents alone, most of what the image tells arrives.",
            done="The bottleneck at test, with and without latents (the floor: blind answers). "
            "Retention = (bottleneck − floor) / (ordinary − floor); bootstrap over questions.",
            measured=f"{listed}; "
            + (f"retention {value:.2f}" if told else "no room between floor and ordinary"),
            healthy=f"at least {HEALTHY}, interval above 0",
            verdict=_verdict(case, value, interval, room),
            n=n,
            value=value if told else None,
            interval=interval if told else None,
            details=means,
            digits=2,
        )
    ]


def _verdict(case: Case, value: float, interval: Interval, room: Interval) -> Verdict:
    if not case.is_able or room.low <= 0:
        return "unclear"  # the questions can be answered blind, or not at all
    if value >= HEALTHY and interval.low > 0:
        return "pass"
    return "fail" if interval.high < HEALTHY else "unclear"
