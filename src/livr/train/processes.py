"""One run in several processes, one per GPU: who takes which share, who writes, who waits.

`torchrun --nproc-per-node 4 -m livr train ...` and `accelerate launch` start them. Every process
holds the model and takes its share of each optimiser step and of validation; gradients are averaged
(DistributedDataParallel). The first process alone writes the run folder and talks. Source: ours.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from transformers import set_seed

from livr.errors import ConfigError

Result = TypeVar("Result")

_SHARDING = {"ACCELERATE_USE_FSDP": "FSDP", "ACCELERATE_USE_DEEPSPEED": "DeepSpeed"}


def _alone() -> bool:
    """A RANK without a WORLD_SIZE is a leftover of somebody's shell, not a second process."""
    return int(os.environ.get("WORLD_SIZE", "1")) == 1


def _rank() -> int:
    return 0 if _alone() else int(os.environ.get("RANK", "0"))


def is_first() -> bool:
    """Whether this is the process that writes and talks; always so where there is one only."""
    return _rank() == 0


def join() -> int:
    """Meet the other processes, each on a GPU of its own if there are any.

    Returns:
        How many there are.

    Raises:
        ConfigError: `accelerate launch` was told to share out the model.
    """
    for variable, name in _SHARDING.items():
        if os.environ.get(variable, "").lower() in {"true", "1"}:
            raise ConfigError(
                f"{variable} is set, so accelerate would cut the model up by {name}, which livr "
                "cannot do. Start the processes with torchrun, or accelerate launch --multi_gpu"
            )
    if _alone():
        return 1
    return int(PartialState(cpu=not torch.cuda.is_available()).num_processes)


def wait() -> None:
    """Go on once every process has come here."""
    if join() > 1:
        PartialState().wait_for_everyone()


def draw_apart(seed: int) -> None:
    """Let each process draw its own dropout, and whatever else is drawn for each example.

    With the same seed everywhere, the examples at one place in all shares would get the same.
    """
    if not is_first():
        set_seed((seed + _rank()) % 2**32)


def by_first(work: Callable[[], Result]) -> Result | None:
    """What the first process gets from `work`; the others wait for it to be done, and get None."""
    result = work() if is_first() else None
    wait()
    return result


def own_share(count: int) -> range:
    """Which of `count` things this process does; the shares lie one after the other."""
    processes, rank = join(), _rank()
    return range(count * rank // processes, count * (rank + 1) // processes)


def together(own: list[Result]) -> list[Result]:
    """The lists of all processes joined, in their order, in every process."""
    return list(gather_object(own)) if join() > 1 else own


def examples_each(batch_size: int) -> int:
    """Examples of an optimiser step that each process takes.

    Raises:
        ConfigError: They cannot be shared out evenly.
    """
    processes = join()
    if batch_size % processes:
        raise ConfigError(
            f"optim.batch_size={batch_size} cannot be shared by {processes} processes; "
            f"choose a multiple of {processes}, or start fewer"
        )
    return batch_size // processes
