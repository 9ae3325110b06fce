"""A clock that is fair to all: every round times each candidate once, in changing order."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from transformers.utils import logging

Work = Callable[[], object]


def interleaved(works: Mapping[str, Work], rounds: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Seconds of each candidate, round by round.

    Neighbours on the machine and its changing clock rate hit all candidates of a round alike, so
    ratios are taken within rounds (`ratio`).
    """
    names = list(works)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for i in range(warm_up + rounds):
        for name in turns(names, i):
            spent = timed(works[name])
            if i >= warm_up:
                seconds[name].append(spent)
    return seconds


def turns(names: list[str], i: int) -> list[str]:
    """The order of round `i`: each candidate comes first once, then again."""
    return names[i % len(names) :] + names[: i % len(names)]


def timed(work: Work) -> float:
    """Seconds of one call, to the end of what it started on a GPU."""
    _wait()
    start = time.perf_counter()
    work()
    _wait()
    return time.perf_counter() - start


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def median(values: Sequence[float]) -> float:
    """The median, to four digits."""
    return rounded(statistics.median(values))


def ratio(seconds: Mapping[str, Sequence[float]], one: str, other: str) -> float:
    """Median over rounds of `one` over `other`."""
    pairs = zip(seconds[one], seconds[other], strict=True)
    return rounded(statistics.median(a / b for a, b in pairs))


def rounded(value: float) -> float:
    """Four digits: more would be noise."""
    return float(f"{value:.4g}")


def slope(xs: Sequence[float], ys: Sequence[float]) -> dict[str, float]:
    """How `ys` grow with `xs`: a straight line, and the exponent of a power law.

    `exponent` 0 is no growth, 1 proportional, 2 quadratic.
    """
    per_unit, start = np.polyfit(xs, ys, 1)
    exponent = np.polyfit(np.log(xs), np.log(ys), 1)[0]
    return {
        "per_unit": rounded(float(per_unit)),
        "start": rounded(float(start)),
        "exponent": rounded(float(exponent)),
    }


def main(name: str, run: Callable[[bool], dict[str, Any]]) -> None:
    """Run one benchmark from the command line and print its result.

    Args:
        name: Of the benchmark.
        run: Takes True for the short form: tiny sizes, correctness asserted, times meaningless.
    """
    parser = argparse.ArgumentParser(prog=f"bench/{name}.py")
    parser.add_argument("--json", action="store_true", help="one JSON line")
    parser.add_argument("--short", action="store_true", help="tiny sizes; only correctness counts")
    options = parser.parse_args()
    logging.disable_progress_bar()
    result = {"bench": name, "short": options.short, **run(options.short), "machine": machine()}
    indent = None if options.json else 2
    sys.stdout.write(json.dumps(result, indent=indent) + "\n")


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "arch": platform.machine(),
        "gpu": gpu,
        "torch": torch.__version__,
        "load": [rounded(value) for value in os.getloadavg()],
    }
