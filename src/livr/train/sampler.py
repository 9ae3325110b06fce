"""The order of training examples: random, and with little padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from accelerate.data_loader import SeedableRandomSampler
from torch.utils.data import Sampler


class SortedSteps(Sampler[int]):
    """Random order in which the examples of one optimiser step lie sorted by length.

    Forward passes of a step then hold examples of about one length and little padding. Which
    examples a step has is untouched, and its loss is a mean over all of them, so training is the
    same up to rounding. Sorting across steps would save more, and change the order of the data.

    Args:
        lengths: Tokens per example.
        step: Examples per optimiser step, over all processes.
        seed: Of the order, which is that of accelerate's random sampler.

    Source: ours.
    """

    def __init__(self, lengths: Sequence[int], step: int, seed: int) -> None:
        self.lengths, self.step = lengths, step
        self.random = SeedableRandomSampler(range(len(lengths)), data_seed=seed)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch's order; called by the trainer."""
        self.random.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        order = list(self.random)
        for start in range(0, len(order), self.step):
            yield from sorted(order[start : start + self.step], key=self.lengths.__getitem__)
