"""Batches of the curriculum, rendered by a worker while the model learns from the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerFast

from livr.mini.assets import Assets, load_assets
from livr.mini.curriculum import images_at, sequence
from livr.mini.packing import Lesson, Packer
from livr.mini.phases import Phase, phase_at
from livr.mini.shape import MiniShape

BATCH = {1: 64, 2: 40, 3: 28}
"""Sequences of a step by their number of pictures: about equal work."""


@dataclass(frozen=True)
class LessonBatch:
    """One step's worth of conversations.

    Attributes:
        ids_BT: Token ids.
        positions_3BT: Rotary positions.
        mask_B1TT: True where attention is allowed: own turn and the pictures.
        pixels: Patches of all pictures in order.
        grids: (pictures, 3).
        supervised_BT: True at positions that predict a token of an answer.
        targets_N: Those tokens.
        answer_N: Number of the answer each belongs to, counted over the batch; -1 for hints.
        skills: Skill of each answer.
        notes: Decoder layer after which the notes are read; 0 or the last: at the end.
    """

    ids_BT: Tensor
    positions_3BT: Tensor
    mask_B1TT: Tensor
    pixels: Tensor
    grids: Tensor
    supervised_BT: Tensor
    targets_N: Tensor
    answer_N: Tensor
    skills: list[str]
    notes: int = 0


def join(rows: list[Lesson], notes: int = 0) -> LessonBatch:
    """Stack sequences, cut to the longest."""
    length = max(int((row.turn_T >= 0).sum()) for row in rows)
    ids = torch.from_numpy(np.stack([r.ids_T[:length] for r in rows]))
    targets = torch.from_numpy(np.stack([r.targets_T[:length] for r in rows]))
    turn = torch.from_numpy(np.stack([r.turn_T[:length] for r in rows]))
    numbers = np.stack([r.answer_T[:length] for r in rows])
    offsets = np.cumsum([0, *[len(r.skills) for r in rows[:-1]]])
    answers = torch.from_numpy(np.where(numbers >= 0, numbers + offsets[:, None], -1))
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    own = turn[:, :, None] == turn[:, None, :]
    shared = (turn[:, None, :] == 0) & (turn[:, :, None] >= 0)
    supervised = targets != -100
    return LessonBatch(
        ids_BT=ids,
        positions_3BT=torch.from_numpy(
            np.stack([r.positions_3T[:, :length] for r in rows], axis=1)
        ),
        mask_B1TT=((own | shared) & causal)[:, None],
        pixels=torch.from_numpy(np.concatenate([p for r in rows for p in r.pixels])),
        grids=torch.tensor([g for r in rows for g in r.grids]),
        supervised_BT=supervised,
        targets_N=targets[supervised],
        answer_N=answers[supervised],
        skills=[s for r in rows for s in r.skills],
        notes=notes,
    )


class Lessons(Dataset[LessonBatch]):
    """The curriculum as a data set of steps: the same seed and step give the same batch.

    `share` is the size of a batch as a share of the usual one.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        numbers: MiniShape,
        seed: int,
        phases: Sequence[Phase],
        splits: tuple[str, ...] = ("train",),
        share: float = 1.0,
    ) -> None:
        self.packer = Packer(tokenizer, numbers)
        self.seed = seed
        self.phases = phases
        self.splits = splits
        self.share = share
        self.assets: Assets | None = None

    def __getitem__(self, step: int) -> LessonBatch:
        if self.assets is None:
            torch.set_num_threads(1)
            self.assets = load_assets(self.splits)
        phase = phase_at(self.phases, step)
        count = BATCH[images_at(self.seed, step, phase.shares)]
        rows = [
            sequence(self.packer, self.assets, phase, (self.seed, step, i))
            for i in range(round(self.share * count))
        ]
        return join(rows, phase.notes)
