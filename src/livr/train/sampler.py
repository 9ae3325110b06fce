"""The order of training examples: random, with little padding, and even for all processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from accelerate.data_loader import SeedableRandomSampler
from torch.utils.data import Sampler


def random_order(count: int, seed: int) -> SeedableRandomSampler:
    """A random order of `count` examples, the one that accelerate makes in a single process."""
    return SeedableRandomSampler(range(count), data_seed=seed)


class Blank(int):
    """Index of an example that fills up a forward pass: it is read, but its answer is not learnt.

    Source: ours.
    """


class FilledUp(Sampler[int]):
    """An order made as long as several processes need it, so that all take equally many passes.

    Left to itself accelerate gives them the first examples of the order once more, and those would
    count twice in the loss. Blanks do not count, so the loss is that of one process (law 5).

    Args:
        order: The order of the examples.
        group: Examples of one forward pass in all processes together.

    Source: ours.
    """

    def __init__(self, order: SortedSteps | SeedableRandomSampler, group: int) -> None:
        self.order, self.group = order, group

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch's order; called by the trainer."""
        self.order.set_epoch(epoch)

    def __len__(self) -> int:
        return -(-len(self.order) // self.group) * self.group

    def __iter__(self) -> Iterator[int]:
        indices = list(self.order)
        yield from indices
        for missing in range(len(self) - len(indices)):
            yield Blank(indices[missing % len(indices)])


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
        self.random = random_order(len(lengths), seed)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch's order; called by the trainer."""
        self.random.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        order = list(self.random)
        for start in range(0, len(order), self.step):
            yield from sorted(order[start : start + self.step], key=self.lengths.__getitem__)
