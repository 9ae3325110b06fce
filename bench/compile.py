"""A training step through torch.compile over the same step without it.

`stage1` and `stage2` are the ratios of a step (compiled over eager), `warm_up` what compiling took
in seconds, and `breaks` how often the compiler had to hand back to Python. A pass over the data has
batches of many lengths, so `graphs` counts what the lengths in `lengths` took.
"""

from __future__ import annotations

import logging
from typing import Any

import torch
from parts.checkpoint import bench_model, examples, parameters
from parts.timing import interleaved, main, median, ratio, rounded, timed
from stage1 import learners, loss_and_gradient
from torch._dynamo.utils import counters

from livr.train.dataset import EncodedSet


def run(short: bool) -> dict[str, Any]:
    """In the short form the graphs are captured and run as they are; no code is generated."""
    sizes = (16, 36) if short else (256, 320, 400)
    rounds, backend = (1, "eager") if short else (7, "inductor")
    result: dict[str, Any] = {}
    torch._logging.set_logs(dynamo=logging.ERROR)  # what it breaks at is counted, not told
    with bench_model(short) as model:
        arms = learners(model, dropout=0.0)
        sets = [EncodedSet(model, examples(2, tokens)) for tokens in sizes]
        batches = [data.batch([data[i] for i in range(len(data))]) for data in sets]
        for name in ("stage1", "stage2"):
            torch.compiler.reset()
            counters.clear()
            fast: Any = torch.compile(arms[name], backend=backend, dynamic=True)
            spent = timed(lambda fast=fast: [loss_and_gradient(fast, b) for b in batches])
            loss, gradient = loss_and_gradient(fast, batches[0])
            expected, reference = loss_and_gradient(arms[name], batches[0])
            torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5)
            off = float((gradient - reference).norm() / reference.norm())
            assert off < 1e-3, off
            works = {
                "compiled": lambda fast=fast: loss_and_gradient(fast, batches[0]),
                "eager": lambda name=name: loss_and_gradient(arms[name], batches[0]),
            }
            seconds = interleaved(works, rounds)
            result[name] = {
                "ratio": ratio(seconds, "compiled", "eager"),
                "seconds": {k: median(v) for k, v in seconds.items()},
                "warm_up": rounded(spent),
                "breaks": sum(counters["graph_break"].values()),
                "graphs": counters["stats"]["unique_graphs"],
                "gradient_difference": off,
            }
        return result | {"rounds": rounds, "lengths": list(sizes), "parameters": parameters(model)}


if __name__ == "__main__":
    main("compile", run)
