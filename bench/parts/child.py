"""Work in processes of its own, so that memory is each candidate's own."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import torch

PRELOADED = ["livr.train.run", "datasets", "trl.trainer.sft_trainer"]
"""Imported once, by the server that children are forked from; what is missing is left out."""


def in_child(work: Callable[..., Any], *args: Any) -> Any:
    """What `work(*args)` returns in a fresh process; its errors are raised here.

    Children are forked from a server that has imported libraries and computed nothing, so all
    start with the same memory and without a neighbour's threads.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, *args).result()


def peak_bytes() -> int:
    """Most memory so far: on the GPU if there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
