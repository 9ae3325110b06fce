"""Mirage (arXiv 2506.17218), re-implemented from METHOD.md section 5: the way in.

A row has a helper image, a picture of the way to the answer. The sequence of an example is

    prompt | slot 1 ... slot K | line break | answer

Stage 1, teacher-forced: the slots' inputs are the helper image's visual embeddings, cut into K
equal groups, the mean of each. Stage 2, self-fed: they are the model's own last hidden states, one
after another. Test: the same, until the model would write the line break, at most 8 slots.

The line break is ours: it is what the model learns to say when it has thought enough, and every
tokenizer has it. So is that latents come first in every answer.

    mirage            this file: what `method: mirage` stands for
    mirage_model      slots, and the generation loop
    mirage_training   targets from helper images, the two losses
"""

from __future__ import annotations

from functools import partial

from livr.baselines.mirage_model import MirageModel
from livr.baselines.mirage_training import MirageLearner, MirageSet
from livr.config import TrainConfig
from livr.train.equip import Parts

MODEL = MirageModel
"""What `livr.load` makes of a run of this method."""


def parts(config: TrainConfig) -> Parts:
    """What the runner is made of; K is `latents.num`."""
    return Parts(partial(MirageSet, num=config.latents.num), MirageLearner)
