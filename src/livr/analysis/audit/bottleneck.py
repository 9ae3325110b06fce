"""(c) The latents as the only road: accuracy under the bottleneck at test (paper 4.3.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from livr.analysis.audit.case import Case
from livr.analysis.audit.finding import Finding, Verdict, percent
from livr.evaluate.stats import Interval, bootstrap, paired_difference

HEALTHY = 0.5
"""Retention that counts as healthy (ours; the paper's numbers give 0.67, its control 0)."""


def run(case: Case) -> list[Finding]:
    """Retention = (bottleneck - floor) / (ordinary - floor)."""
    arms = {
        "ordinary": case.right(),
        "bottleneck": case.right("bottleneck"),
        "floor": case.right("bottleneck", "drop"),
    }
    right = {name: np.array(row, dtype=float) for name, row in arms.items()}
    n = len(right["floor"])
    everyone = np.arange(n)

    def retention(index: NDArray[np.intp]) -> float:
        means = {name: float(row[index].mean()) for name, row in right.items()}
        room = means["ordinary"] - means["floor"]
        return (means["bottleneck"] - means["floor"]) / room if room > 0 else float("nan")

    room = paired_difference(arms["floor"], arms["ordinary"])
    value = retention(everyone)
    interval = bootstrap(retention, n, seed=case.seed)
    means = {name: float(row.mean()) for name, row in right.items()}
    listed = ", ".join(f"{name} {percent(mean)}" for name, mean in means.items())
    return [
        Finding(
            name="retention",
            claim="Through the latents alone, most of what the image tells arrives.",
            done="The bottleneck at test, with and without latents (the floor: blind answers). "
            "Retention = (bottleneck − floor) / (ordinary − floor); bootstrap over questions.",
            measured=f"{listed}; retention {value:.2f}",
            healthy=f"at least {HEALTHY}, interval above 0",
            verdict=_verdict(case, value, interval, room),
            n=n,
            value=None if np.isnan(value) else value,
            interval=interval,
            decisive=True,
            details=means,
        )
    ]


def _verdict(case: Case, value: float, interval: Interval, room: Interval) -> Verdict:
    if not case.is_able or room.low <= 0:
        return "unclear"  # the questions can be answered blind, or not at all
    if value >= HEALTHY and interval.low > 0:
        return "pass"
    return "fail" if interval.high < HEALTHY else "unclear"
